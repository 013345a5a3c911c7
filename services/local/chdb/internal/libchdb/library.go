// Package libchdb calls libchdb, ClickHouse's engine as a shared library, without cgo.
//
// It is the thinnest layer that is safe from Go: it owns every C handle, copies or scopes every C buffer, and turns C error
// texts into Go errors. The functions are those of chdb.h as of chdb 26.7.
package libchdb

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Library is a loaded libchdb. A process loads at most one.
type Library struct {
	version          func() string
	setSignals       func(enabled int32)
	connect          func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn        func(conn unsafe.Pointer)
	query            func(conn unsafe.Pointer, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr) unsafe.Pointer
	queryParams      paramsCall
	streamParams     paramsCall
	fetch            func(conn, stream unsafe.Pointer) unsafe.Pointer
	cancelQuery      func(conn, stream unsafe.Pointer)
	destroyResult    func(result unsafe.Pointer)
	buffer           func(result unsafe.Pointer) unsafe.Pointer
	length           func(result unsafe.Pointer) uintptr
	resultError      func(result unsafe.Pointer) unsafe.Pointer
	elapsed          func(result unsafe.Pointer) float64
	rowsRead         func(result unsafe.Pointer) uint64
	bytesRead        func(result unsafe.Pointer) uint64
	storageRowsRead  func(result unsafe.Pointer) uint64
	storageBytesRead func(result unsafe.Pointer) uint64
	rowsWritten      func(result unsafe.Pointer) uint64
	bytesWritten     func(result unsafe.Pointer) uint64
	insert           paramsCall
	insertError      func(stream unsafe.Pointer) unsafe.Pointer
	appendData       func(stream, data unsafe.Pointer, n uintptr) int32
	done             func(stream unsafe.Pointer) unsafe.Pointer
	cancelInsert     func(stream unsafe.Pointer)
	destroyInsert    func(stream unsafe.Pointer)
}

// paramsCall is the shape of chdb_{query,stream_query,stream_insert}_with_params_n.
type paramsCall func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr,
	names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer

// Load opens the library at path. The error names path and what is wrong with it: not a library of this platform, or one that
// lacks a function (an older chdb).
func Load(path string) (*Library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load libchdb from %s: %w", path, err)
	}
	l := &Library{}
	for name, target := range map[string]any{
		"chdb_version":                     &l.version,
		"chdb_set_signal_handlers_enabled": &l.setSignals,
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.closeConn,
		"chdb_query_n":                     &l.query,
		"chdb_query_with_params_n":         &l.queryParams,
		"chdb_stream_query_with_params_n":  &l.streamParams,
		"chdb_stream_fetch_result":         &l.fetch,
		"chdb_stream_cancel_query":         &l.cancelQuery,
		"chdb_destroy_query_result":        &l.destroyResult,
		"chdb_result_buffer":               &l.buffer,
		"chdb_result_length":               &l.length,
		"chdb_result_error":                &l.resultError,
		"chdb_result_elapsed":              &l.elapsed,
		"chdb_result_rows_read":            &l.rowsRead,
		"chdb_result_bytes_read":           &l.bytesRead,
		"chdb_result_storage_rows_read":    &l.storageRowsRead,
		"chdb_result_storage_bytes_read":   &l.storageBytesRead,
		"chdb_result_rows_written":         &l.rowsWritten,
		"chdb_result_bytes_written":        &l.bytesWritten,
		"chdb_stream_insert_with_params_n": &l.insert,
		"chdb_stream_insert_error":         &l.insertError,
		"chdb_stream_append":               &l.appendData,
		"chdb_stream_done":                 &l.done,
		"chdb_stream_cancel_insert":        &l.cancelInsert,
		"chdb_destroy_insert_stream":       &l.destroyInsert,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%s is not a libchdb this program can use: it lacks %s (chdb 26.7 or later is needed)", path, name)
		}
		purego.RegisterFunc(target, symbol)
	}
	return l, nil
}

// Version is the library's own, such as "26.7.3".
func (l *Library) Version() string { return l.version() }

// Connect opens a session on the engine, starting the engine at the first call. Arguments are those of clickhouse local:
// "--path=DIR" (one directory a process), "--<setting>=<value>" for this session's settings. The library tells no reason when
// it fails.
//
// The library would install handlers for SIGSEGV and its kin, and is told not to; in some builds that very call resets them to the
// default, the Go runtime's among them, so those are put back after each connect.
func (l *Library) Connect(args ...string) (*Conn, error) {
	argv := make([]unsafe.Pointer, 0, len(args)+2)
	var pin runtime.Pinner
	defer pin.Unpin()
	for _, a := range append([]string{"clickhouse"}, args...) {
		b := append([]byte(a), 0)
		pin.Pin(&b[0])
		argv = append(argv, unsafe.Pointer(&b[0]))
	}
	argv = append(argv, nil)
	pin.Pin(&argv[0])

	restore, err := keepSignalHandlers()
	if err != nil {
		return nil, err
	}
	defer restore()
	l.setSignals(0)
	handle := l.connect(int32(len(argv)-1), unsafe.Pointer(&argv[0]))
	if handle == nil {
		return nil, errors.New("libchdb refused to open the engine and told no reason")
	}
	return &Conn{lib: l, handle: handle}, nil
}
