package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// insertSettings make an insert synchronous and repeatable: its token stands for the block in the table's deduplication window,
// and in those of the materialized views that hang on it.
var insertSettings = ch.Settings{
	"async_insert":       0,
	"insert_deduplicate": 1,
	"deduplicate_blocks_in_dependent_materialized_views": 1,
	// The rows go into a part as they are, not merged row by row before: a block has few of one key, views group theirs by the key, and whoever reads
	// these tables reckons with rows that are not merged yet. https://clickhouse.com/docs/operations/settings/settings#optimize_on_insert
	"optimize_on_insert": 0,
}

// literally makes a JSON column keep what its text says, whatever the user's profile has: by default ClickHouse guesses what a value
// means, and then from the other rows of the block. https://clickhouse.com/docs/operations/settings/formats
var literally = ch.Settings{
	// A string is a string, whatever it looks like.
	"input_format_try_infer_dates":                     0,
	"input_format_try_infer_datetimes":                 0,
	"input_format_json_try_infer_numbers_from_strings": 0,
	// An integer is an integer, and only a number with a point or a power a Float64.
	"input_format_try_infer_integers": 1,
	// The elements of an array keep their own types: true is not 1 or "true", and 1 not "1".
	"input_format_json_infer_array_of_dynamic_from_array_of_different_types": 1,
	"input_format_json_read_bools_as_numbers":                                0,
	"input_format_json_read_bools_as_strings":                                0,
	"input_format_json_read_numbers_as_strings":                              0,
	"input_format_json_read_objects_as_strings":                              0,
	"input_format_json_read_arrays_as_strings":                               0,
	// What holds only [] is an array still, and not refused.
	"input_format_json_infer_incomplete_types_as_strings": 1,
	"input_format_json_empty_as_default":                  0,
	// {"a.b":1,"a":{"b":2}} are two paths, and the first is written a%2Eb. A name that is written with %2E already may be the same
	// path as one with a dot: the first is kept, and the row not refused.
	"json_type_escape_dots_in_keys":   1,
	"type_json_skip_duplicated_paths": 1,
	"input_format_json_max_depth":     1000,
	// How many paths are columns of their own is the table's to say.
	"max_dynamic_subcolumns_in_json_type_parsing": "auto",
}

// watched is how much longer than an insert its context lives. The driver closes the connection when the context ends, from a goroutine that may
// not have run yet when the insert is done (contextWatchdog, clickhouse-go 2.50): one that ended at once would close the connection under whoever has it
// next.
const watched = time.Second

// Insert stores parts, whose rows follow one upon the other, as one block of statement's table ("INSERT INTO table (…)", each part's columns in the
// same order). nil means that the block is stored, now or by an earlier insert under the same token; without one nothing is
// deduplicated. It is tried once. Errors do not quote values (Brief).
func (c *Conn) Insert(ctx context.Context, statement, token string, parts ...[]Column) error {
	settings := maps.Clone(insertSettings)
	maps.Copy(settings, literally)
	if token != "" {
		settings["insert_deduplication_token"] = token
	} else {
		settings["insert_deduplicate"] = 0
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer time.AfterFunc(watched, cancel)
	l, err := c.lanes.take(ctx)
	if err != nil {
		return fmt.Errorf("prepare insert: %w", err)
	}
	defer c.lanes.give(l)
	batch, err := l.pool.PrepareBatch(ch.Context(ctx, ch.WithSettings(settings)), statement)
	if err != nil {
		return fmt.Errorf("prepare insert: %w", err) // nothing of the rows was sent yet
	}
	cells, rows, err := cells(batch.Columns(), parts)
	if err != nil {
		_ = batch.Abort()
		return Brief(err)
	}
	if rows > 0 {
		if err := l.send(ctx, cells, rows); err != nil {
			_ = batch.Abort()
			return fmt.Errorf("insert: %w", err)
		}
	}
	if err := batch.Send(); err != nil { // it has no rows of its own: it says that there are no more
		return fmt.Errorf("insert: %w", Brief(err))
	}
	return nil
}
