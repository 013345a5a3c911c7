// Package export writes what ClickHouse answers to files: a question's rows, once (Write), and the events, each in exactly one Parquet file, again and again
// (Events).
package export
