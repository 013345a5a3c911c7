// Package chdb runs ClickHouse inside this process and serves it over ClickHouse's own protocols, so that clickhouse-go, curl,
// and any other client of a ClickHouse server work unchanged: for a first look, for demos, and for tests.
//
// The engine is libchdb, ClickHouse built as a shared library, called without cgo (internal/libchdb). In front of it stand two
// doors: the native TCP protocol (native*.go, with internal/native for the wire) and the HTTP interface (http*.go). Both need to
// know only what an INSERT is and where its data begins (internal/statement); all else is the engine's.
//
// # Concurrency
//
// Each native connection, and each HTTP request, is a session of the engine with a current database, settings and temporary
// tables of its own. A session runs one statement at a time; sessions run in parallel, reads and writes alike: two scans take on
// two cores the time of one. Opening a session takes about 0.15 ms and 0.25 MiB. Opening and closing the engine serialise, and a
// process has one engine at most, since libchdb keeps its state in globals; it can be closed and opened again on another
// directory.
//
// # Memory
//
// An idle engine adds about 200 MiB of resident memory to a process, of which 180 MiB are pages of the library's file, shared with
// other processes and given back under pressure. A native block is held one column at a time on its way in, and one block of the
// engine's (65,409 rows by default) on its way out. Over HTTP a result is streamed in formats of rows only (TabSeparated, CSV,
// JSONEachRow and their like); in those with a head or foot (JSON, CSVWithNames, Parquet) it is made as a whole first.
//
// # Differences from a ClickHouse server
//
// There is one user, checked at the door (Credentials); inside, every query runs as "default" with all rights. A query id given by
// a client is echoed but not the engine's own. External tables, HTTP's session_id and columns with AggregateFunction states
// are not served. Totals and extremes are left out of native results.
package chdb
