package libchdb

import (
	"errors"
	"runtime"
	"unsafe"
)

// ErrClosed is returned by calls on a closed connection.
var ErrClosed = errors.New("libchdb: connection is closed")

// Conn is one session: its own current database, settings and temporary tables. It runs one statement at a time and must not
// be used from two goroutines at once; different Conns run in parallel.
type Conn struct {
	lib    *Library
	handle unsafe.Pointer // chdb_connection *
}

// Param is a query parameter: {name:Type} in the SQL, its value as text.
type Param struct{ Name, Value string }

// Close ends the session. It is safe to call twice.
func (c *Conn) Close() {
	if c.handle == nil {
		return
	}
	c.lib.closeConn(c.handle)
	c.handle = nil
}

// session is the chdb_connection behind the handle.
func (c *Conn) session() unsafe.Pointer { return *(*unsafe.Pointer)(c.handle) }

// Query runs sql to its end and returns the whole result in format. The caller must Free it.
func (c *Conn) Query(sql, format string, params ...Param) (*Result, error) {
	if c.handle == nil {
		return nil, ErrClosed
	}
	return c.lib.result(c.call(c.lib.queryParams, sql, format, params))
}

// call passes strings by pointer and length; they stay put for the time of the call.
func (c *Conn) call(f paramsCall, sql, format string, params []Param) unsafe.Pointer {
	var pin runtime.Pinner
	defer pin.Unpin()
	text := func(s string) unsafe.Pointer {
		if s == "" {
			s = "\x00"
		}
		p := unsafe.Pointer(unsafe.StringData(s))
		pin.Pin(p)
		return p
	}
	var names, values []unsafe.Pointer
	var nameLens, valueLens []uintptr
	for _, p := range params {
		names, nameLens = append(names, text(p.Name)), append(nameLens, uintptr(len(p.Name)))
		values, valueLens = append(values, text(p.Value)), append(valueLens, uintptr(len(p.Value)))
	}
	if len(params) > 0 {
		pin.Pin(&names[0])
		pin.Pin(&values[0])
	}
	handle := f(c.session(), text(sql), uintptr(len(sql)), text(format), uintptr(len(format)),
		unsafe.Pointer(unsafe.SliceData(names)), unsafe.Pointer(unsafe.SliceData(nameLens)),
		unsafe.Pointer(unsafe.SliceData(values)), unsafe.Pointer(unsafe.SliceData(valueLens)), uintptr(len(params)))
	runtime.KeepAlive(nameLens)
	runtime.KeepAlive(valueLens)
	return handle
}

// Result is a finished result, or one chunk of a streamed one.
type Result struct {
	lib    *Library
	handle unsafe.Pointer
	Stats  Stats
}

// Stats counts what a statement did.
type Stats struct {
	Seconds                   float64
	ResultRows, ResultBytes   uint64 // given to the client
	ReadRows, ReadBytes       uint64 // read from storage
	WrittenRows, WrittenBytes uint64 // written, cascaded materialized views included
}

// result takes ownership of a chdb_result, which becomes an error if it holds one.
func (l *Library) result(handle unsafe.Pointer) (*Result, error) {
	if handle == nil {
		return nil, errors.New("libchdb gave no result")
	}
	if text := cString(l.resultError(handle)); text != "" {
		l.destroyResult(handle)
		return nil, parseException(text)
	}
	return &Result{lib: l, handle: handle, Stats: Stats{
		Seconds:      l.elapsed(handle),
		ResultRows:   l.rowsRead(handle),
		ResultBytes:  l.bytesRead(handle),
		ReadRows:     l.storageRowsRead(handle),
		ReadBytes:    l.storageBytesRead(handle),
		WrittenRows:  l.rowsWritten(handle),
		WrittenBytes: l.bytesWritten(handle),
	}}, nil
}

// Bytes is the result's text, in the library's memory: valid until Free.
func (r *Result) Bytes() []byte {
	n := r.lib.length(r.handle)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(r.lib.buffer(r.handle)), n)
}

// Free gives the memory back. It is safe to call twice.
func (r *Result) Free() {
	if r.handle != nil {
		r.lib.destroyResult(r.handle)
		r.handle = nil
	}
}

func cString(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}
