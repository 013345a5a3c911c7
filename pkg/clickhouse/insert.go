package clickhouse

import (
	"context"
	"fmt"
	"maps"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// A Column is one column of a block: Values is a typed slice, one value a row, of a type that clickhouse-go's column takes.
type Column struct {
	Name   string
	Values any
}

// insertSettings make an insert synchronous and repeatable: its token stands for the block in the table's deduplication window,
// and in those of the materialized views that hang on it. A JSON object that spells one path in two ways, {"a.b":1,"a":{"b":2}},
// keeps the first: without the setting its row would be refused.
var insertSettings = ch.Settings{
	"async_insert":       0,
	"insert_deduplicate": 1,
	"deduplicate_blocks_in_dependent_materialized_views": 1,
	"type_json_skip_duplicated_paths":                    1,
}

// Insert stores columns as one block of statement's table ("INSERT INTO table (…)", columns in the same order). nil means that the
// block is stored, now or by an earlier insert under the same token; without one nothing is
// deduplicated. It is tried once.
func (c *Conn) Insert(ctx context.Context, statement, token string, columns []Column) error {
	settings := maps.Clone(insertSettings)
	if token != "" {
		settings["insert_deduplication_token"] = token
	} else {
		settings["insert_deduplicate"] = 0
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	batch, err := c.pool.PrepareBatch(ch.Context(ctx, ch.WithSettings(settings)), statement)
	if err != nil {
		return fmt.Errorf("prepare insert: %w", err)
	}
	for i, column := range columns {
		if err := batch.Column(i).Append(column.Values); err != nil {
			_ = batch.Abort()
			return &RowError{fmt.Errorf("column %s: %w", column.Name, err)}
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}
