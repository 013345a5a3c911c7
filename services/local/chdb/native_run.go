package chdb

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/waymark-events/waymark/services/local/chdb/internal/libchdb"
	"github.com/waymark-events/waymark/services/local/chdb/internal/native"
	"github.com/waymark-events/waymark/services/local/chdb/internal/statement"
)

// run serves a statement that is no insert of the client's blocks: its result goes out block by block as the engine makes it.
func (c *nativeConn) run(s statement.Statement, blocks *blockReader, params []libchdb.Param) error {
	watch := c.watchCancel()
	sent, err := c.sendResult(s, blocks, params)
	if cancelled, lost := watch.stop(); lost != nil {
		return lost
	} else if cancelled {
		err = nil // what arrived is what the client wanted
	}
	var broken *connError
	if errors.As(err, &broken) {
		return broken.error
	}
	if err != nil {
		return c.exception(err)
	}
	c.out = native.AppendProfileInfo(c.out[:0], sent.ResultRows, 0, sent.ResultBytes)
	c.out = native.AppendProgress(c.out, progress(sent), c.revision)
	c.out = native.AppendEndOfStream(c.out)
	return c.flush()
}

// connError is an error of the connection, not of the query.
type connError struct{ error }

func progress(s libchdb.Stats) native.Progress {
	return native.Progress{
		ReadRows: s.ReadRows, ReadBytes: s.ReadBytes, WrittenRows: s.WrittenRows, WrittenBytes: s.WrittenBytes,
		Elapsed: time.Duration(s.Seconds * float64(time.Second)),
	}
}

// sendResult streams the result: a block of no rows that names the columns, then the blocks.
func (c *nativeConn) sendResult(s statement.Statement, blocks *blockReader, params []libchdb.Param) (total libchdb.Stats, err error) {
	named := false
	err = c.session.eachChunk(s.SQL, "Native", params, func(chunk []byte, stats libchdb.Stats) error {
		addStats(&total, stats)
		for t := native.BytesTape(chunk); t.Buffered() > 0; {
			b, err := native.ReadBlock(t, 0)
			if err != nil {
				return fmt.Errorf("read the engine's result: %w", err)
			}
			if !named {
				named = true
				if err := c.sendBlock(blocks, func(to []byte) []byte { return native.AppendHeaderBlock(to, b.Columns, c.revision) }); err != nil {
					return err
				}
			}
			if err := c.sendBlock(blocks, func(to []byte) []byte { return b.AppendWire(to, c.revision) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || named {
		return total, err
	}
	columns := c.session.resultColumns(s, params)
	if columns == nil {
		return total, nil
	}
	return total, c.sendBlock(blocks, func(to []byte) []byte { return native.AppendHeaderBlock(to, columns, c.revision) })
}

func (c *nativeConn) sendBlock(blocks *blockReader, put func([]byte) []byte) (err error) {
	if c.out, err = blocks.appendBlock(c.out[:0], put); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return &connError{err}
	}
	return nil
}

// eachChunk runs sql and calls emit with each part of its result. Only queries stream; all else the engine gives at once.
func (s *session) eachChunk(sql, format string, params []libchdb.Param, emit func([]byte, libchdb.Stats) error) error {
	stream, err := s.Stream(sql, format, params...)
	if cannotStream(err) {
		r, err := s.Query(sql, format, params...)
		if err != nil {
			return err
		}
		defer r.Free()
		return emit(r.Bytes(), r.Stats)
	}
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		r, err := stream.Next()
		if err != nil || r == nil {
			return err
		}
		err = emit(r.Bytes(), r.Stats)
		r.Free()
		if err != nil {
			return err
		}
	}
}

// cannotStream tells libchdb's refusal to stream this kind of statement, which it gives before running anything.
func cannotStream(err error) bool {
	var e *libchdb.Exception
	return errors.As(err, &e) && e.Code == codeBadArguments && strings.HasPrefix(e.Message, "Streaming query is not supported")
}

func addStats(total *libchdb.Stats, s libchdb.Stats) {
	total.Seconds += s.Seconds
	total.ResultRows += s.ResultRows
	total.ResultBytes += s.ResultBytes
	total.ReadRows += s.ReadRows
	total.ReadBytes += s.ReadBytes
	total.WrittenRows += s.WrittenRows
	total.WrittenBytes += s.WrittenBytes
}

// resultColumns names the columns of a result that turned out empty: FORMAT Native tells nothing then. Nil for a statement that
// has no result.
func (s *session) resultColumns(st statement.Statement, params []libchdb.Param) []native.Column {
	switch st.Verb {
	case "SELECT", "WITH", "FROM":
		r, err := s.Query("DESCRIBE (\n"+st.SQL+"\n)", "RowBinary", params...)
		if err != nil {
			return nil
		}
		defer r.Free()
		all, err := readDescription(r.Bytes())
		if err != nil {
			return nil
		}
		columns := make([]native.Column, 0, len(all))
		for _, d := range all {
			columns = append(columns, d.Column)
		}
		return columns
	case "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK":
		r, err := s.Query(st.SQL, "RowBinaryWithNamesAndTypes", params...)
		if err != nil {
			return nil
		}
		defer r.Free()
		return readNamesAndTypes(r.Bytes())
	}
	return nil
}

// readNamesAndTypes reads the head of RowBinaryWithNamesAndTypes.
func readNamesAndTypes(b []byte) []native.Column {
	t := native.BytesTape(b)
	n, err := t.Uvarint()
	if err != nil || n > native.MaxColumns {
		return nil
	}
	columns := make([]native.Column, n)
	for i := range columns {
		if columns[i].Name, err = t.String(); err != nil {
			return nil
		}
	}
	for i := range columns {
		if columns[i].Type, err = t.String(); err != nil {
			return nil
		}
	}
	return columns
}

// cancelWatch kills the running query when its client cancels it or is gone.
type cancelWatch struct {
	conn      *nativeConn
	done      chan struct{}
	stopping  atomic.Bool
	cancelled bool
	lost      error
}

// watchCancel waits for the client's next byte while a query runs. It passes none but a cancel's.
func (c *nativeConn) watchCancel() *cancelWatch {
	w := &cancelWatch{conn: c, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		c.tape.Start()
		err := c.tape.Await()
		switch {
		case err != nil && w.stopping.Load():
			return
		case err != nil:
			w.lost = err
		case c.tape.Next() != native.ClientCancel:
			return // the next query, sent early
		default:
			w.cancelled = true
		}
		c.session.kill()
	}()
	return w
}

// stop ends the watch once the query has ended.
func (w *cancelWatch) stop() (cancelled bool, lost error) {
	w.stopping.Store(true)
	if err := w.conn.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		lost = err
	}
	<-w.done
	if err := w.conn.conn.SetReadDeadline(time.Time{}); err != nil {
		lost = err
	}
	if w.lost != nil {
		lost = w.lost
	}
	return w.cancelled, lost
}
