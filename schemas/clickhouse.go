package schemas

import (
	"embed"
	"io/fs"
)

//go:embed clickhouse/*.sql clickhouse/views/*.sql clickhouse/parts/*.sql
var clickhouseFiles embed.FS

// Migrations returns what a region's ClickHouse database is made from. NNNN_name.sql are migrations, to be applied in order: each holds one statement,
// can be repeated, and is never edited once it was applied. views/NN_name.sql are views, replaced whenever they, or what they may read, change.
// parts/name.sql is what several of them have in common. {{…}} in both is where servers differ; pkg/clickhouse fills it in.
func Migrations() fs.FS {
	sub, err := fs.Sub(clickhouseFiles, "clickhouse")
	if err != nil { // the embedded folder is there
		return clickhouseFiles
	}
	return sub
}
