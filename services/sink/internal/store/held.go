package store

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

//go:embed sql/held_events.sql
var heldEvents string

//go:embed sql/held_dead.sql
var heldDead string

// Held returns the rows of table that lie in span. More may be returned than a batch has: other rows of the same span.
func (s *Store) Held(ctx context.Context, table string, span rows.Span) ([]rows.Held, error) {
	recent, err := s.recent(ctx, table)
	if err != nil {
		return nil, err
	}
	var held []rows.Held
	if table == "dead_events" {
		err = s.conn.Query(ctx, heldDead, func(_ []string, v []any) error {
			held = append(held, rows.Held{
				Source: rows.Place{Topic: v[0].(string), Partition: v[1].(int32), Offset: v[2].(int64)},
				Place:  rows.Place{Partition: v[3].(int32), Offset: v[4].(int64)},
				Recent: recent(v[5]),
			})
			return nil
		}, span.Topics, span.Partitions[0], span.Partitions[1], span.Offsets[0], span.Offsets[1])
	} else {
		err = s.conn.Query(ctx, heldEvents, func(_ []string, v []any) error {
			for _, offset := range v[3].([]int64) {
				at := rows.Place{Partition: v[0].(int32), Offset: offset, Epoch: v[1].(uint32)}
				held = append(held, rows.Held{Source: at, Place: at, Recent: recent(v[2])})
			}
			return nil
		}, span.Partitions[0], span.Partitions[1], span.Offsets[0], span.Offsets[1], span.Times[0], span.Times[1])
	}
	if err != nil {
		return nil, fmt.Errorf("read back from %s: %w", table, err)
	}
	return held, nil
}

// recent returns what tells whether a block of so many blocks ago is still remembered. Half the window is left for blocks that come
// between the look and the insert.
//
// A replicated table numbers the blocks of each of its partitions apart, so that a number says nothing about its window: there no block
// counts as recent, and its replica is brought up to date first, or rows that another replica took would be missing here.
func (s *Store) recent(ctx context.Context, table string) (func(blocksAgo any) bool, error) {
	window, replicated, err := s.conn.DeduplicationWindow(ctx, table)
	if err != nil {
		return nil, err
	}
	if replicated {
		if err := s.conn.Exec(ctx, "SYSTEM SYNC REPLICA "+table); err != nil {
			return nil, fmt.Errorf("bring the replica of %s up to date: %w", table, err)
		}
		window = 0
	}
	return func(blocksAgo any) bool {
		n, ok := blocksAgo.(int64)
		return ok && n*2 < int64(window)
	}, nil
}
