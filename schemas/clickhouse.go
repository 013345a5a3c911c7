package schemas

import (
	"embed"
	"io/fs"
)

//go:embed clickhouse/*.sql
var clickhouseFiles embed.FS

// Migrations returns the numbered migrations of a region's ClickHouse database: NNNN_name.sql, to be applied in order. Each
// holds one statement and can be repeated.
func Migrations() fs.FS {
	sub, err := fs.Sub(clickhouseFiles, "clickhouse")
	if err != nil { // the embedded folder is there
		return clickhouseFiles
	}
	return sub
}
