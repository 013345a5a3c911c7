package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var window = regexp.MustCompile(`(non_replicated|replicated)_deduplication_window\s*=\s*([0-9]+)`)

// CheckTable returns nil when table has every column named and a deduplication window; otherwise a *SchemaError, or the error
// of the look.
func (c *Conn) CheckTable(ctx context.Context, table string, columns []string) error {
	var have []string
	err := c.Query(ctx, "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = ?", func(_ []string, values []any) error {
		have = append(have, fmt.Sprint(values[0]))
		return nil
	}, table)
	if err != nil {
		return fmt.Errorf("look at table %s: %w", table, err)
	}
	if len(have) == 0 {
		return c.schemaError("table %s is missing", table)
	}
	for _, name := range columns {
		if !slices.Contains(have, name) {
			return c.schemaError("table %s has no column %s", table, name)
		}
	}
	engine := ""
	err = c.Query(ctx, "SELECT engine, engine_full FROM system.tables WHERE database = currentDatabase() AND name = ?", func(_ []string, values []any) error {
		engine = fmt.Sprint(values...)
		return nil
	}, table)
	if err != nil {
		return fmt.Errorf("look at table %s: %w", table, err)
	}
	// Replicated tables have a window unless one says otherwise; the others have none unless one says so.
	blocks := 0
	if strings.Contains(engine, "Replicated") {
		blocks = 10_000
	}
	if match := window.FindStringSubmatch(engine); match != nil {
		if blocks, err = strconv.Atoi(match[2]); err != nil {
			return fmt.Errorf("look at table %s: %w", table, err)
		}
	}
	if blocks == 0 {
		return c.schemaError("table %s has no deduplication window, so a repeated insert would double its rows", table)
	}
	return nil
}

func (c *Conn) schemaError(format string, args ...any) error {
	return &SchemaError{fmt.Errorf("database %s: "+format+"; run: waymarkctl migrate", append([]any{c.cfg.Database}, args...)...)}
}
