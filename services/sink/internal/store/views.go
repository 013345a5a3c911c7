package store

import (
	"context"
	_ "embed"
	"fmt"
)

var (
	//go:embed sql/views.sql
	views string
	//go:embed sql/blocks.sql
	blocks string
	//go:embed sql/under_way.sql
	underWay string
)

// Views counts the materialized views that hang on table: an insert may be stored in the table and not in them.
func (s *Store) Views(ctx context.Context, table string) (n uint64, err error) {
	if n, err = number[uint64](ctx, s, views, table); err != nil {
		return 0, fmt.Errorf("ask for the views of %s: %w", table, err)
	}
	return n, nil
}

// Remembers tells whether table surely still knows the token of an insert that was its block or a later one, so that a repetition stores
// nothing in the table: half of its deduplication window has not passed since. Of a replicated table nothing is known: its window is one
// of time too.
func (s *Store) Remembers(ctx context.Context, table string, block int64) (bool, error) {
	window, replicated, err := s.conn.DeduplicationWindow(ctx, table)
	if err != nil || replicated || block <= 0 {
		return false, err
	}
	last, err := number[int64](ctx, s, blocks, table)
	if err != nil {
		return false, fmt.Errorf("ask for the last insert into %s: %w", table, err)
	}
	return last-block < int64(window)/2, nil
}

// UnderWay counts the inserts whose tokens match a LIKE pattern's begin that the server is busy with, for this user.
func (s *Store) UnderWay(ctx context.Context, tokens string) (int, error) {
	n, err := number[uint64](ctx, s, underWay, tokens+"%")
	if err != nil {
		return 0, fmt.Errorf("ask for inserts under way: %w", err)
	}
	return int(n), nil
}
