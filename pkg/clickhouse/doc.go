// Package clickhouse is how Waymark's services talk to ClickHouse: the only package that knows clickhouse-go.
//
// It inserts a block at a time under a deduplication token, tells a passing fault from an operator's and a row's, and
// applies numbered migrations and views.
package clickhouse
