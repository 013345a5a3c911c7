package chdb

import (
	"errors"
	"io"

	"github.com/waymark-events/waymark/services/local/chdb/internal/libchdb"
	"github.com/waymark-events/waymark/services/local/chdb/internal/native"
	"github.com/waymark-events/waymark/services/local/chdb/internal/statement"
)

// insert serves an INSERT: send the names and types of the columns, take blocks until an empty one, commit. Each of the client's
// blocks reaches the table as one block, which is what a deduplication token counts on.
func (c *nativeConn) insert(ins *statement.Insert, blocks *blockReader, params []libchdb.Param) error {
	columns, err := c.session.insertColumns(ins, params)
	if err != nil {
		return c.exception(err)
	}
	into, err := c.session.Insert(ins.Head, "Native", params...)
	if err != nil {
		return c.exception(err)
	}
	defer into.Close()
	c.out, err = blocks.appendBlock(c.out[:0], func(to []byte) []byte {
		return native.AppendHeaderBlock(to, columns, c.revision)
	})
	if err != nil {
		return c.refuse(err)
	}
	if err := c.flush(); err != nil {
		return err
	}
	write := into.Write
	for last := false; !last; {
		var failed error
		if last, failed, err = blocks.copyNext(write); errors.Is(err, errCancelled) {
			return io.EOF
		} else if err != nil {
			return err
		}
		if failed != nil { // Commit tells why; what else the client sends is dropped
			write = func([]byte) error { return nil }
		}
	}
	stats, err := into.Commit()
	if err != nil {
		return c.exception(err)
	}
	c.out = native.AppendProgress(c.out[:0], progress(stats), c.revision)
	c.out = native.AppendEndOfStream(c.out)
	return c.flush()
}

// insertColumns are the columns an INSERT takes, in its order.
func (s *session) insertColumns(ins *statement.Insert, params []libchdb.Param) ([]native.Column, error) {
	r, err := s.Query("DESCRIBE TABLE "+ins.Target, "RowBinary", params...)
	if err != nil {
		return nil, err
	}
	defer r.Free()
	all, err := readDescription(r.Bytes())
	if err != nil {
		return nil, err
	}
	if ins.Columns == nil {
		var columns []native.Column
		for _, d := range all {
			if d.kind == "" || d.kind == "DEFAULT" {
				columns = append(columns, d.Column)
			}
		}
		return columns, nil
	}
	byName := make(map[string]native.Column, len(all))
	for _, d := range all {
		byName[d.Name] = d.Column
	}
	columns := make([]native.Column, 0, len(ins.Columns))
	for _, name := range ins.Columns {
		// A name the table does not have is the engine's to complain about, with the right number.
		if column, ok := byName[name]; ok {
			columns = append(columns, column)
		}
	}
	return columns, nil
}

// described is one row of DESCRIBE TABLE.
type described struct {
	native.Column
	kind string // "", DEFAULT, MATERIALIZED, ALIAS or EPHEMERAL
}

// readDescription reads DESCRIBE's seven text columns in RowBinary: name, type, kind of default, and four without use here.
func readDescription(b []byte) (all []described, err error) {
	for t := native.BytesTape(b); t.Buffered() > 0; {
		var row [7]string
		for i := range row {
			if row[i], err = t.String(); err != nil {
				return nil, err
			}
		}
		all = append(all, described{Column: native.Column{Name: row[0], Type: row[1]}, kind: row[2]})
	}
	return all, nil
}
