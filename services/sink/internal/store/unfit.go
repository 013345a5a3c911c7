package store

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

//go:embed sql/unfit.sql
var unfit string

// Unfit returns the rows, in order, whose values ClickHouse does not take into events' JSON columns, whatever an operator has added to the
// table. All are looked at in one query that stores nothing. values are the columns props and detail as they are inserted.
func (s *Store) Unfit(ctx context.Context, values []clickhouse.Column) (rows []int, err error) {
	err = s.conn.QueryOver(ctx, unfit, "sent", values, func(_ []string, v []any) error {
		rows = append(rows, int(v[0].(uint64)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for values that are taken nowhere: %w", err)
	}
	return rows, nil
}
