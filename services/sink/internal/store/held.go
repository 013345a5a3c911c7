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
	if err := s.catchUp(ctx, table); err != nil {
		return nil, err
	}
	var held []rows.Held
	var err error
	if table == "dead_events" {
		err = s.conn.Query(ctx, heldDead, func(_ []string, v []any) error {
			held = append(held, rows.Held{
				Source: rows.Place{Topic: v[0].(string), Partition: v[1].(int32), Offset: v[2].(int64)},
				Place:  rows.Place{Partition: v[3].(int32), Offset: v[4].(int64)},
			})
			return nil
		}, span.Topics, span.Partitions[0], span.Partitions[1], span.Offsets[0], span.Offsets[1])
	} else {
		err = s.conn.Query(ctx, heldEvents, func(_ []string, v []any) error {
			for _, offset := range v[2].([]int64) {
				at := rows.Place{Partition: v[0].(int32), Offset: offset, Epoch: v[1].(uint32)}
				held = append(held, rows.Held{Source: at, Place: at})
			}
			return nil
		}, span.Partitions[0], span.Partitions[1], span.Offsets[0], span.Offsets[1], span.Times[0], span.Times[1])
	}
	if err != nil {
		return nil, fmt.Errorf("read back from %s: %w", table, err)
	}
	return held, nil
}

// catchUp brings a replicated table's replica up to date: rows that another replica took would be missing from the answer.
func (s *Store) catchUp(ctx context.Context, table string) error {
	_, replicated, err := s.conn.DeduplicationWindow(ctx, table)
	if err != nil || !replicated {
		return err
	}
	if err := s.conn.Exec(ctx, "SYSTEM SYNC REPLICA "+table); err != nil {
		return fmt.Errorf("bring the replica of %s up to date: %w", table, err)
	}
	return nil
}
