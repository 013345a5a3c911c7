// Package chdb runs ClickHouse as a child of this process, served by ClickHouse's own native and HTTP handlers: clickhouse-go, curl
// and any other client of a ClickHouse server find what they find in production. It is for a first look, for demos, and for tests.
//
// The engine is libchdb, ClickHouse as a shared library. The child is this very program, started again: an init function of this
// package sees an environment variable, loads the library without cgo and never comes back from its main function, which is that of
// `clickhouse local`. So every program that imports the package can be the child, test binaries too.
//
// # The child's life
//
// The child dies with this process, however that ends, and is in a session of its own, so that a Ctrl-C at the terminal does not
// reach it before those who use it are done. Keep starts it again when it dies. Ports are held for it in between.
//
// # Differences from a ClickHouse server
//
// Users, profiles, quotas and roles come from the users file alone, which is read at the start: CREATE USER is refused.
// ON CLUSTER and replicated tables are refused; Distributed tables over several engines work. An idle engine takes about 210 MiB,
// most of which are pages of the library's file, shared between engines and given back under pressure.
package chdb
