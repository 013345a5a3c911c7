package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

var window = regexp.MustCompile(`(non_replicated|replicated)_deduplication_window\s*=\s*([0-9]+)`)

// CheckTable returns nil when table stores every column's values as they are, and has a deduplication window; otherwise a *SchemaError, or
// the error of the look. What else an operator has added to the table is no matter here.
func (c *Conn) CheckTable(ctx context.Context, table string, columns []Column) error {
	type definition struct{ typ, kind string }
	have := make(map[string]definition)
	err := c.Query(ctx, "SELECT name, type, default_kind FROM system.columns WHERE database = currentDatabase() AND table = ?", func(_ []string, values []any) error {
		have[fmt.Sprint(values[0])] = definition{fmt.Sprint(values[1]), fmt.Sprint(values[2])}
		return nil
	}, table)
	if err != nil {
		return fmt.Errorf("look at table %s: %w", table, err)
	}
	if len(have) == 0 {
		return c.schemaError("table %s is missing, or this user has no right to it; run: waymarkctl migrate", table)
	}
	for _, column := range columns {
		is, ok := have[column.Name]
		switch {
		case !ok:
			return c.schemaError("table %s has no column %s; add it as its migration has it: ALTER TABLE %[1]s ADD COLUMN %[2]s …", table, column.Name)
		case is.kind != "" && is.kind != "DEFAULT":
			return c.schemaError("column %s of table %s is %s, and so takes no values; run: ALTER TABLE %[2]s MODIFY COLUMN %[1]s REMOVE %[3]s", column.Name, table, is.kind)
		case !takes(is.typ, column.Values):
			return c.schemaError("column %s of table %s has type %s, which does not take %T; change it to the type that its migration has: ALTER TABLE %[2]s MODIFY COLUMN %[1]s …",
				column.Name, table, is.typ, plain(column.Values))
		}
	}
	engine, full, err := c.engine(ctx, table)
	if err != nil {
		return err
	}
	if engine == "Distributed" {
		return c.schemaError("table %s is %s", table, onlyHandsOn)
	}
	blocks, replicated, err := windowOf(engine, full)
	if err != nil {
		return fmt.Errorf("look at table %s: %w", table, err)
	}
	if blocks == 0 {
		setting := "non_replicated_deduplication_window"
		if replicated {
			setting = "replicated_deduplication_window"
		}
		return c.schemaError("table %s has no deduplication window, so a repeated insert would double its rows; "+
			"run: ALTER TABLE %[1]s MODIFY SETTING %[2]s = 10000, on a table of the MergeTree family", table, setting)
	}
	// A sink that may insert and not look would find out at its first doubt.
	if err := c.Query(ctx, "SELECT 1 FROM "+table+" LIMIT 0", func([]string, []any) error { return nil }); err != nil {
		return fmt.Errorf("look into table %s: %w", table, err)
	}
	return nil
}

// DeduplicationWindow returns how many blocks of inserts table remembers, 0 when none, and whether it is a replicated table.
func (c *Conn) DeduplicationWindow(ctx context.Context, table string) (blocks int, replicated bool, err error) {
	engine, definition, err := c.engine(ctx, table)
	if err != nil {
		return 0, false, err
	}
	if blocks, replicated, err = windowOf(engine, definition); err != nil {
		return 0, false, fmt.Errorf("look at table %s: %w", table, err)
	}
	return blocks, replicated, nil
}

// engine returns a table's engine, and that with its arguments, keys and settings. Both are empty where there is no such table.
func (c *Conn) engine(ctx context.Context, table string) (engine, definition string, err error) {
	err = c.Query(ctx, "SELECT engine, engine_full FROM system.tables WHERE database = currentDatabase() AND name = ?", func(_ []string, values []any) error {
		engine, definition = fmt.Sprint(values[0]), fmt.Sprint(values[1])
		return nil
	}, table)
	if err != nil {
		return "", "", fmt.Errorf("look at table %s: %w", table, err)
	}
	return engine, definition, nil
}

// windowOf is DeduplicationWindow of what engine returns.
func windowOf(engine, definition string) (blocks int, replicated bool, err error) {
	// Replicated tables have a window unless one says otherwise; the others have none unless one says so.
	replicated = strings.HasPrefix(engine, "Replicated")
	if replicated {
		blocks = 10_000
	}
	for _, match := range window.FindAllStringSubmatch(definition, -1) {
		if (match[1] == "replicated") != replicated {
			continue
		}
		if blocks, err = strconv.Atoi(match[2]); err != nil {
			return 0, false, err
		}
	}
	return blocks, replicated, nil
}

// takes tells whether a column of ClickHouse's type typ stores a Go slice's values unchanged.
func takes(typ string, values any) bool {
	typ = strings.TrimSuffix(strings.TrimPrefix(typ, "LowCardinality("), ")")
	one := func(names ...string) bool {
		for _, name := range names {
			if typ == name || strings.HasPrefix(typ, name+"(") {
				return true
			}
		}
		return false
	}
	switch plain(values).(type) {
	case []string:
		return one("String", "JSON")
	case [][]string:
		return strings.HasPrefix(typ, "Array(String") || strings.HasPrefix(typ, "Array(LowCardinality(String")
	case []uuid.UUID:
		return one("UUID")
	case []int64:
		return one("Int64", "DateTime64")
	case []time.Time:
		return one("DateTime")
	case []int32:
		return one("Int32")
	case []uint32:
		return one("UInt32")
	case []int8:
		return one("Enum8", "Int8")
	case []bool:
		return one("Bool")
	case []*float32:
		return strings.HasPrefix(typ, "Nullable(Float32")
	}
	return false
}

func (c *Conn) schemaError(format string, args ...any) error {
	return schemaError(c.cfg.Database, format, args...)
}

func schemaError(database, format string, args ...any) error {
	return &SchemaError{fmt.Errorf("database %s: %s", database, fmt.Sprintf(format, args...))}
}
