// Package store is the two tables as the sink uses them: it inserts blocks, and tells which rows of a batch are there already.
package store

import (
	"context"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A Store is one region's tables events and dead_events. It is safe for concurrent use.
type Store struct{ conn *clickhouse.Conn }

// New returns the tables of conn's database. conn stays the caller's.
func New(conn *clickhouse.Conn) *Store { return &Store{conn} }

// Check returns nil when the tables are as this version needs them.
func (s *Store) Check(ctx context.Context) error {
	if err := s.conn.CheckTable(ctx, "events", rows.EventColumns()); err != nil {
		return err
	}
	return s.conn.CheckTable(ctx, "dead_events", rows.DeadColumns())
}

// Insert stores parts, one after the other, as one block under token, once.
func (s *Store) Insert(ctx context.Context, statement, token string, parts ...[]clickhouse.Column) error {
	return s.conn.Insert(ctx, statement, token, parts...)
}

// number asks for one number.
func number[T uint64 | int64](ctx context.Context, s *Store, statement string, args ...any) (n T, err error) {
	err = s.conn.Query(ctx, statement, func(_ []string, v []any) error {
		n = v[0].(T)
		return nil
	}, args...)
	return n, err
}
