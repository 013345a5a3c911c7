package store

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

var (
	//go:embed sql/held_events.sql
	heldEvents string
	//go:embed sql/held_dead.sql
	heldDead string
	//go:embed sql/latest.sql
	latest string
	//go:embed sql/present.sql
	present string
)

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
				Source:   rows.Position{Topic: v[0].(string), TopicID: v[1].(uuid.UUID), Partition: v[2].(int32), LeaderEpoch: v[3].(int32), Offset: v[4].(int64)},
				Position: rows.Position{TopicID: v[5].(uuid.UUID), Partition: v[6].(int32), Offset: v[7].(int64)},
			})
			return nil
		}, span.Topics, span.Partitions[0], span.Partitions[1], span.Offsets[0], span.Offsets[1])
	} else {
		err = s.conn.Query(ctx, heldEvents, func(_ []string, v []any) error {
			at := rows.Position{TopicID: v[0].(uuid.UUID), Partition: v[1].(int32), LeaderEpoch: v[2].(int32), Epoch: v[3].(uint32)}
			for _, at.Offset = range v[5].([]int64) {
				held = append(held, rows.Held{Source: at, Position: at, Block: v[4].(int64)})
			}
			return nil
		}, texts(span.TopicIDs), span.Partitions[0], span.Partitions[1], span.Offsets[0], span.Offsets[1], span.Times[0], span.Times[1])
	}
	if err != nil {
		return nil, fmt.Errorf("read back from %s: %w", table, err)
	}
	return held, nil
}

func texts(ids []uuid.UUID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}

// Latest returns the last event stored of a raw partition's log, in the order of sources, and the highest offset that is stored of it under
// any epoch; checkpoint.Nowhere and -1 where there is none.
func (s *Store) Latest(ctx context.Context, topic uuid.UUID, partition int32) (last checkpoint.Source, highest int64, err error) {
	last, highest = checkpoint.Nowhere(topic), -1
	if err := s.catchUp(ctx, "events"); err != nil {
		return last, highest, err
	}
	err = s.conn.Query(ctx, latest, func(_ []string, v []any) error {
		if v[5].(uint64) > 0 {
			last.Epoch, last.LeaderEpoch, last.Offset, highest = v[1].(uint32), v[2].(int32), v[3].(int64), v[4].(int64)
		}
		return nil
	}, topic.String(), partition)
	if err != nil {
		return last, highest, fmt.Errorf("ask what is stored of raw topic %s, partition %d: %w", topic, partition, err)
	}
	return last, highest, nil
}

// Gone returns how many of the events are no rows, wherever they came from.
func (s *Store) Gone(ctx context.Context, ids []uuid.UUID) (int, error) {
	there, err := number[uint64](ctx, s, present, texts(ids))
	if err != nil {
		return 0, fmt.Errorf("look for events: %w", err)
	}
	return len(ids) - int(there), nil
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
