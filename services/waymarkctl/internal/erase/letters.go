package erase

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/walk"
)

var (
	//go:embed sql/letters.sql
	lettersSQL string
	//go:embed sql/count_dead.sql
	countDeadSQL string
	//go:embed sql/delete_dead.sql
	deleteDeadSQL string
)

// Letters are a person's dead letters: the table has no identifiers, so they are found by the records that the dead topic keeps, and by the
// events that are rows.
type letters struct {
	// places name the records that failed, as sql/dead.sql does; kept are where the dead topic has them.
	places []string
	kept   []Place
	rows   uint64
}

// A Place is where the dead topic keeps a letter.
type Place struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

func place(topic uuid.UUID, partition, leaderEpoch int32, offset int64) string {
	return fmt.Sprintf("%s/%d/%d/%d", topic, partition, leaderEpoch, offset)
}

// letters looks for them.
func (e *Erasure) letters(ctx context.Context) (*letters, error) {
	out := new(letters)
	all := make(map[string]*erasure.Tombstone)
	for _, t := range e.tombstones {
		all[t.ID()] = t
	}
	set := erasure.NewSet(all, e.Keys)
	if err := e.kept(ctx, set, out); err != nil {
		return nil, err
	}
	for _, p := range e.persons {
		err := e.Conn.Query(ctx, about(lettersSQL), func(_ []string, v []any) error {
			out.places = append(out.places, fmt.Sprintf("%v/%v/%v/%v", v...))
			return nil
		}, p...)
		if err != nil {
			return nil, fmt.Errorf("look for dead letters: %w", err)
		}
	}
	slices.Sort(out.places)
	out.places = slices.Compact(out.places)
	for part := range slices.Chunk(out.places, mostListed) {
		err := e.Conn.Query(ctx, countDeadSQL, func(_ []string, v []any) error {
			out.rows += v[0].(uint64)
			return nil
		}, clickhouse.Named("places", part))
		if err != nil {
			return nil, fmt.Errorf("count rows of dead_events: %w", err)
		}
	}
	return out, nil
}

// kept reads the dead topic, all partitions at once.
func (e *Erasure) kept(ctx context.Context, set *erasure.Set, out *letters) error {
	topic := schemas.DeadTopic(e.Name)
	bounds, err := e.Client.Offsets(ctx, topic)
	switch {
	case errors.Is(err, kafka.ErrUnknownTopic):
		return nil
	case err != nil:
		return err
	}
	id, err := e.Client.TopicID(ctx, topic)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for _, b := range bounds {
		group.Go(func() error {
			var d event.Dead
			_, err := walk.Log(ctx, e.Client, kafka.Log{Topic: topic, ID: id, Partition: b.Partition}, b.Start, b.End, func(rec *event.Record) error {
				d.Reset()
				if d.UnmarshalVT(rec.Value) != nil {
					return nil
				}
				if subject := erasure.OfDead(&d); set.Judge(&subject) == erasure.Keep {
					return nil
				}
				source, _ := uuid.FromBytes(d.TopicId) // zero where a foreign writer left it out, as in the table
				mu.Lock()
				defer mu.Unlock()
				out.places = append(out.places, place(source, d.Partition, d.LeaderEpoch, d.Offset))
				out.kept = append(out.kept, Place{rec.Partition, rec.Offset})
				return nil
			})
			return err
		})
	}
	return group.Wait()
}

// clearLetters deletes the rows of the person's dead letters.
func (e *Erasure) clearLetters(ctx context.Context, found *letters) error {
	if found.rows == 0 {
		return nil
	}
	for part := range slices.Chunk(found.places, mostListed) {
		if err := e.Conn.Exec(ctx, deleteDeadSQL, clickhouse.Named("salt", e.salt), clickhouse.Named("places", part)); err != nil {
			return fmt.Errorf("delete dead letters: %w", err)
		}
	}
	return e.mutated(ctx)
}
