package libchdb

import (
	"errors"
	"unsafe"
)

// Stream is a running query whose result comes in chunks.
type Stream struct {
	conn   *Conn
	handle unsafe.Pointer
	ended  bool
}

// Stream starts sql and returns once the engine has accepted it. The caller must Close it before the next statement.
func (c *Conn) Stream(sql, format string, params ...Param) (*Stream, error) {
	if c.handle == nil {
		return nil, ErrClosed
	}
	handle := c.call(c.lib.streamParams, sql, format, params)
	if handle == nil {
		return nil, errors.New("libchdb gave no stream")
	}
	if text := cString(c.lib.resultError(handle)); text != "" {
		c.lib.destroyResult(handle)
		return nil, parseException(text)
	}
	return &Stream{conn: c, handle: handle}, nil
}

// Next waits for the next chunk, which the caller must Free; nil is the end.
func (s *Stream) Next() (*Result, error) {
	if s.ended {
		return nil, nil
	}
	r, err := s.conn.lib.result(s.conn.lib.fetch(s.conn.session(), s.handle))
	if err != nil {
		s.ended = true
		return nil, err
	}
	if len(r.Bytes()) == 0 {
		s.ended = true
		r.Free()
		return nil, nil
	}
	return r, nil
}

// Close cancels what is left of the query and frees it.
func (s *Stream) Close() {
	if s.handle == nil {
		return
	}
	if !s.ended {
		s.conn.lib.cancelQuery(s.conn.session(), s.handle)
	}
	s.conn.lib.destroyResult(s.handle)
	s.handle = nil
}

// Insert is a running INSERT that is fed with data.
type Insert struct {
	conn   *Conn
	handle unsafe.Pointer
}

// Insert starts an INSERT; sql has neither a FORMAT clause nor data. The caller must Close it before the next statement.
func (c *Conn) Insert(sql, format string, params ...Param) (*Insert, error) {
	if c.handle == nil {
		return nil, ErrClosed
	}
	handle := c.call(c.lib.insert, sql, format, params)
	if handle == nil {
		return nil, errors.New("libchdb gave no insert stream")
	}
	if text := cString(c.lib.insertError(handle)); text != "" {
		c.lib.destroyInsert(handle)
		return nil, parseException(text)
	}
	return &Insert{conn: c, handle: handle}, nil
}

// ErrStopped is Write's error when the insert has failed; Commit tells the reason.
var ErrStopped = errors.New("libchdb takes no more data")

// Write feeds data in the insert's format; the library copies it, and blocks while its queue is full.
func (i *Insert) Write(data []byte) error {
	if len(data) > 0 && i.conn.lib.appendData(i.handle, unsafe.Pointer(&data[0]), uintptr(len(data))) != 0 {
		return ErrStopped
	}
	return nil
}

// Commit ends the data and waits until it is written.
func (i *Insert) Commit() (Stats, error) {
	r, err := i.conn.lib.result(i.conn.lib.done(i.handle))
	if err != nil {
		return Stats{}, err
	}
	defer r.Free()
	return r.Stats, nil
}

// Close frees the insert; one that was not committed is cancelled.
func (i *Insert) Close() {
	if i.handle != nil {
		i.conn.lib.destroyInsert(i.handle)
		i.handle = nil
	}
}
