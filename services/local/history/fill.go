package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/sink"
)

// Topic is the id of the raw topic that the events of a history name. There is none.
var Topic = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://waymark.example/history"))

// Options say what past to store.
type Options struct {
	// Past is what to make, of accounts of one region.
	Past demo.HistoryOptions
	// Enricher has the region, its accounts and what locates them; it needs no Kafka.
	Enricher enricher.Config
	// ClickHouse is the region's database.
	ClickHouse clickhouse.Config
	Log        *zap.Logger
}

// block is how many events are inserted at a time.
const block = 25_000

// Fill stores a past and returns how many events it has. The same options store the same events under the same ids and keys: what was stored before
// is not stored again, or is the same row after a merge.
func Fill(ctx context.Context, o Options) (stored int, err error) {
	past, err := demo.NewHistory(o.Past)
	if err != nil {
		return 0, err
	}
	stage, err := enricher.NewStage(o.Enricher, o.Log)
	if err != nil {
		return 0, err
	}
	conn, err := clickhouse.Open(o.ClickHouse)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	m := maker{past: past, stage: stage}
	// While one block is inserted the next one is made.
	full := make(chan *sink.Rows)
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(full)
		for {
			rows, err := m.rows()
			if err != nil || rows.Len() == 0 {
				return err
			}
			select {
			case full <- rows:
			case <-groupCtx.Done():
				return groupCtx.Err()
			}
		}
	})
	group.Go(func() error {
		for rows := range full {
			token := fmt.Sprintf("history/%d/%d/%d/%d/%d", o.Past.Seed, o.Past.Until.UnixMilli(), o.Past.Days, o.Past.Events, stored)
			if err := rows.Insert(groupCtx, conn, token); err != nil {
				return fmt.Errorf("store a history: %w", err)
			}
			stored += rows.Len()
		}
		return nil
	})
	err = group.Wait()
	return stored, err
}

// A maker turns deliveries into rows.
type maker struct {
	past   *demo.History
	stage  *enricher.Stage
	offset int64

	enriched event.Enriched
}

// rows makes the next block: none at the end.
func (m *maker) rows() (*sink.Rows, error) {
	out := sink.NewRows()
	for out.Len() < block {
		d, err := m.past.Next()
		if err != nil || d == nil {
			return out, err
		}
		for _, raw := range d.Raw() {
			if err := m.add(&raw, out); err != nil {
				return out, fmt.Errorf("an event of a history: %w", err)
			}
		}
	}
	return out, nil
}

// handled and inserted are how long after its arrival the enricher has an event, and ClickHouse.
const (
	handled  = 180 * time.Millisecond
	inserted = 1400 * time.Millisecond
)

func (m *maker) add(raw *event.Raw, out *sink.Rows) error {
	e := &m.enriched
	if err := m.stage.Enrich(raw, e); err != nil {
		var refused *event.Rejection
		if errors.As(err, &refused) && refused.Reason == event.ReasonNotCollected {
			return nil // the account's policy
		}
		return err
	}
	e.EnrichedAt = raw.ReceivedAt + handled.Milliseconds()
	e.RawTopicId, e.RawPartition, e.RawOffset = Topic[:], 0, m.offset
	m.offset++
	value, err := e.MarshalVT()
	if err != nil {
		return err
	}
	return out.Add(&event.Record{Value: value}, raw.ReceivedAt+inserted.Milliseconds())
}
