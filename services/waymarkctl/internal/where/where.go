// Package where finds out where one event is, or what became of it.
package where

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/walk"
)

var (
	//go:embed sql/rows.sql
	rowsSQL string
	//go:embed sql/dead.sql
	deadSQL string
)

// A Search looks for one event in one region.
type Search struct {
	Client *kafka.Client
	Conn   *clickhouse.Conn
	Region string
	ID     uuid.UUID
	// From is how far back the raw topic is read.
	From time.Time
	Out  io.Writer
}

// Run prints what it finds, tables first, since they are quick to ask; it reads Kafka only when they know nothing. found tells
// whether there was anything.
func (s *Search) Run(ctx context.Context) (found bool, err error) {
	rows := 0
	err = s.Conn.Query(ctx, rowsSQL, func(_ []string, v []any) error {
		rows++
		fmt.Fprintf(s.Out, "stored in events of region %s: raw partition %v, offset %v, epoch %v; received %s, inserted %s\n",
			s.Region, v[0], v[1], v[2], clock(v[4]), clock(v[5]))
		return nil
	}, clickhouse.Named("id", s.ID.String()))
	if err != nil {
		return false, fmt.Errorf("ask the events table: %w", err)
	}
	if rows > 1 {
		fmt.Fprintf(s.Out, "that is %d rows: they become one when ClickHouse merges, unless they lie in two months\n", rows)
	}
	dead := 0
	err = s.Conn.Query(ctx, deadSQL, func(_ []string, v []any) error {
		dead++
		fmt.Fprintf(s.Out, "dead letter in region %s since %s: %v of stage %v (%v); it was %v/%v@%v, and is kept at %s/%v@%v\n",
			s.Region, clock(v[6]), v[1], v[0], v[2], v[3], v[4], v[5], schemas.DeadTopic(s.Region), v[7], v[8])
		return nil
	}, clickhouse.Named("id", s.ID.String()))
	if err != nil {
		return false, fmt.Errorf("ask the dead_events table: %w", err)
	}
	if rows+dead > 0 {
		return true, nil
	}
	return s.raw(ctx)
}

func clock(v any) string {
	if at, isTime := v.(time.Time); isTime {
		return at.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return fmt.Sprint(v)
}

// raw reads the raw topic, all partitions at once, and says what the consumers have done with what it finds.
func (s *Search) raw(ctx context.Context) (bool, error) {
	topic := schemas.RawTopic(s.Region)
	from, err := s.Client.OffsetsAt(ctx, topic, s.From)
	if err != nil {
		return false, err
	}
	bounds, err := s.Client.Offsets(ctx, topic)
	if err != nil {
		return false, err
	}
	places := make([][]int64, len(bounds))
	group, reading := errgroup.WithContext(ctx)
	for p := range from {
		group.Go(func() error {
			_, err := walk.Partition(reading, s.Client, topic, int32(p), from[p], bounds[p].End, func(rec *event.Record) error {
				if id, err := uuid.ParseBytes(rec.Header(event.HeaderEventID)); err == nil && id == s.ID {
					places[p] = append(places[p], rec.Offset)
				}
				return nil
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	found := false
	for p, offsets := range places {
		for _, offset := range offsets {
			found = true
			if err := s.explain(ctx, int32(p), offset); err != nil {
				return true, err
			}
		}
	}
	if !found {
		fmt.Fprintf(s.Out, "not in region %s: neither table has it, nor the raw topic since %s\n", s.Region, clock(s.From))
	}
	return found, nil
}

// explain says how far the consumers are with a raw record that no table has.
func (s *Search) explain(ctx context.Context, partition int32, offset int64) error {
	enricher, err := s.Client.Lag(ctx, schemas.EnricherGroup(s.Region), schemas.RawTopic(s.Region))
	if err != nil {
		return err
	}
	place := fmt.Sprintf("on %s, partition %d, offset %d", schemas.RawTopic(s.Region), partition, offset)
	if at := enricher[partition].Committed; at <= offset {
		fmt.Fprintf(s.Out, "%s: the enricher has not come to it; it is at %d, %d records behind the end\n", place, at, enricher[partition].Lag)
		return nil
	}
	sink, err := s.Client.Lag(ctx, schemas.SinkGroup(s.Region), schemas.EnrichedTopic(s.Region))
	if err != nil {
		return err
	}
	if int(partition) >= len(sink) {
		return fmt.Errorf("the enriched topic has no partition %d: run waymarkctl topics apply", partition)
	}
	state, err := checkpoint.ParseSink(sink[partition].Metadata, sink[partition].Committed)
	if err != nil {
		return err
	}
	if state.Source.Offset < offset || sink[partition].Lag > 0 {
		fmt.Fprintf(s.Out, "%s: enriched, and on its way to ClickHouse; the sink is %d records behind the end of %s/%d\n",
			place, sink[partition].Lag, schemas.EnrichedTopic(s.Region), partition)
		return nil
	}
	fmt.Fprintf(s.Out, "%s: the enricher and the sink are past it, and no table has it: run waymarkctl audit around its time\n", place)
	return nil
}
