// Package export writes what ClickHouse answers to files, or to objects of a bucket: a question's rows, once (WriteFile, Bucket.Write), and the events, each
// in exactly one Parquet file, again and again (Events).
package export
