// Package where finds out where one event is, or what became of it.
package where

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/progress"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/terminal"
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
	// Erasures say who was erased.
	Erasures *erasure.Set
	Out      io.Writer
}

// Run prints what it finds, tables first, since they are quick to ask; it reads Kafka only when they know nothing. found tells
// whether there was anything.
func (s *Search) Run(ctx context.Context) (found bool, err error) {
	raw, err := s.topicID(ctx, schemas.RawTopic(s.Region))
	if err != nil {
		return false, err
	}
	rows, err := s.rows(ctx, raw)
	if err != nil {
		return false, err
	}
	dead, err := s.dead(ctx, raw)
	if err != nil {
		return false, err
	}
	if rows+dead > 0 {
		return true, nil
	}
	return s.raw(ctx, raw)
}

// topicID is uuid.Nil where there is no such topic.
func (s *Search) topicID(ctx context.Context, topic string) (uuid.UUID, error) {
	id, err := s.Client.TopicID(ctx, topic)
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return uuid.Nil, nil
	}
	return id, err
}

// of says whether a topic's id is the one that its name has now.
func of(id, now uuid.UUID) string {
	if id == now {
		return ""
	}
	return " (an earlier topic of that name, which Kafka has no more)"
}

// A row is what a merge asks of one.
type row struct{ account, day, itemType, itemID, month string }

func (s *Search) rows(ctx context.Context, raw uuid.UUID) (int, error) {
	var rows []row
	err := s.Conn.Query(ctx, rowsSQL, func(_ []string, v []any) error {
		fmt.Fprintf(s.Out, "stored in events of region %s: topic %s, id %v%s, partition %v, leader epoch %v, offset %v; epoch %v; received %s, inserted %s\n",
			s.Region, schemas.RawTopic(s.Region), v[0], of(v[0].(uuid.UUID), raw), v[1], v[2], v[3], v[4], clock(v[5]), clock(v[6]))
		rows = append(rows, row{v[7].(string), v[8].(string), v[9].(string), v[10].(string), v[11].(string)})
		return nil
	}, clickhouse.Named("id", s.ID.String()))
	if err != nil {
		return 0, fmt.Errorf("ask the events table: %w", err)
	}
	if len(rows) > 1 {
		fmt.Fprintf(s.Out, "that is %d rows: %s\n", len(rows), mergeable(rows))
	}
	return len(rows), nil
}

// mergeable says which rows become one.
func mergeable(rows []row) string {
	var kinds []row
	for _, r := range rows {
		if !slices.Contains(kinds, r) {
			kinds = append(kinds, r)
		}
	}
	if len(kinds) == 1 {
		return "they become one when ClickHouse merges them, of the highest epoch"
	}
	var differ []string
	for _, column := range []struct {
		what string
		of   func(row) string
	}{
		{"account", func(r row) string { return r.account }},
		{"item", func(r row) string { return r.itemType + "\x00" + r.itemID }},
		{"day by the client's clock", func(r row) string { return r.day }},
		{"month", func(r row) string { return r.month }},
	} {
		if slices.ContainsFunc(kinds[1:], func(r row) bool { return column.of(r) != column.of(kinds[0]) }) {
			differ = append(differ, column.what)
		}
	}
	text := fmt.Sprintf("they differ in %s, and ClickHouse never merges such", strings.Join(differ, ", "))
	if len(kinds) < len(rows) {
		text += fmt.Sprintf("; merges leave %d", len(kinds))
	}
	return text
}

func (s *Search) dead(ctx context.Context, raw uuid.UUID) (int, error) {
	now := map[string]uuid.UUID{schemas.RawTopic(s.Region): raw}
	for _, topic := range []string{schemas.EnrichedTopic(s.Region), schemas.DeadTopic(s.Region)} {
		id, err := s.topicID(ctx, topic)
		if err != nil {
			return 0, err
		}
		now[topic] = id
	}
	dead, kept := 0, schemas.DeadTopic(s.Region)
	err := s.Conn.Query(ctx, deadSQL, func(_ []string, v []any) error {
		dead++
		if v[1] == string(event.ReasonNotCollected) {
			fmt.Fprintf(s.Out, "not collected in region %s since %s: %v; it was topic %v, id %v%s, partition %v, leader epoch %v, offset %v, and nothing of it was kept\n",
				s.Region, clock(v[8]), v[2], v[3], v[4], of(v[4].(uuid.UUID), now[v[3].(string)]), v[5], v[6], v[7])
			return nil
		}
		fmt.Fprintf(s.Out, "dead letter in region %s since %s: %v of stage %v (%v); it was topic %v, id %v%s, partition %v, leader epoch %v, offset %v, and is kept at %s/%v@%v, id %v%s\n",
			s.Region, clock(v[8]), v[1], v[0], terminal.Line(fmt.Sprint(v[2])), v[3], v[4], of(v[4].(uuid.UUID), now[v[3].(string)]), v[5], v[6], v[7], kept, v[10], v[11], v[9], of(v[9].(uuid.UUID), now[kept]))
		return nil
	}, clickhouse.Named("id", s.ID.String()))
	if err != nil {
		return 0, fmt.Errorf("ask the dead_events table: %w", err)
	}
	return dead, nil
}

func clock(v any) string {
	if at, isTime := v.(time.Time); isTime {
		return at.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return fmt.Sprint(v)
}

// A place is a raw record's.
type place struct {
	offset      int64
	leaderEpoch int32
	// erased is the tombstone that means the event, nil when none does.
	erased *erasure.Tombstone
}

// raw reads the raw topic, all partitions at once, and says what the consumers have done with what it finds.
func (s *Search) raw(ctx context.Context, id uuid.UUID) (bool, error) {
	topic := schemas.RawTopic(s.Region)
	from, err := s.Client.OffsetsAt(ctx, topic, s.From)
	if err != nil {
		return false, err
	}
	bounds, err := s.Client.Offsets(ctx, topic)
	if err != nil {
		return false, err
	}
	places := make([][]place, len(bounds))
	group, reading := errgroup.WithContext(ctx)
	for p := range min(len(from), len(bounds)) {
		group.Go(func() error {
			log := kafka.Log{Topic: topic, ID: id, Partition: int32(p)}
			_, err := walk.Log(reading, s.Client, log, from[p], bounds[p].End, func(rec *event.Record) error {
				if id, err := uuid.ParseBytes(rec.Header(event.HeaderEventID)); err == nil && id == s.ID {
					places[p] = append(places[p], place{rec.Offset, rec.LeaderEpoch, s.erased(rec)})
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
	for p := range places {
		for _, at := range places[p] {
			found = true
			if err := s.explain(ctx, int32(p), at); err != nil {
				return true, err
			}
		}
	}
	if !found {
		fmt.Fprintf(s.Out, "not in region %s: neither table has it, nor the raw topic since %s\n", s.Region, clock(s.From))
	}
	return found, nil
}

// erased returns the tombstone that means a raw record.
func (s *Search) erased(rec *event.Record) *erasure.Tombstone {
	subject := erasure.OfRecord(rec)
	return s.Erasures.Why(&subject)
}

// explain says how far the consumers are with a raw record that no table has.
func (s *Search) explain(ctx context.Context, partition int32, at place) error {
	state, err := progress.Read(ctx, s.Client, s.Region)
	if err != nil {
		return err
	}
	if int(partition) >= len(state.Enrichers) {
		return fmt.Errorf("%s has no partition %d any more", schemas.RawTopic(s.Region), partition)
	}
	enricher := &state.Enrichers[partition]
	name := fmt.Sprintf("on %s, id %s, partition %d, leader epoch %d, offset %d", schemas.RawTopic(s.Region), state.Raw, partition, at.leaderEpoch, at.offset)
	odd := func(p *progress.Position, who, topic string) {
		if text := p.Sentence(who, topic); text != "" {
			fmt.Fprintln(s.Out, text)
		}
	}
	odd(&enricher.Position, "the enricher", schemas.RawTopic(s.Region))
	if enricher.At <= at.offset {
		fmt.Fprintf(s.Out, "%s: the enricher has not come to it; it is at %d, %d records behind the end\n", name, enricher.At, enricher.End-enricher.At)
		return nil
	}
	if t := at.erased; t != nil {
		fmt.Fprintf(s.Out, "%s: erased, by tombstone %s of %s; Kafka keeps the raw record until its topic's retention ends\n", name, t.ID(), clock(time.UnixMilli(t.MadeAt)))
		return nil
	}
	if int(partition) >= len(state.Sinks) {
		return fmt.Errorf("the enriched topic has no partition %d: run waymarkctl topics apply", partition)
	}
	sink := &state.Sinks[partition]
	odd(&sink.Position, "the sink", schemas.EnrichedTopic(s.Region))
	mark, known := sink.State.Marks.Find(state.Raw)
	source := checkpoint.Source{Topic: state.Raw, Epoch: enricher.State.Epoch, LeaderEpoch: at.leaderEpoch, Offset: at.offset}
	if sink.At < sink.End && (!known || source.After(mark.Source) || mark.Doubtful(source)) {
		fmt.Fprintf(s.Out, "%s: enriched, and no table has it; the sink is %d records behind the end of %s/%d\n",
			name, sink.End-sink.At, schemas.EnrichedTopic(s.Region), partition)
		return nil
	}
	fmt.Fprintf(s.Out, "%s: the enricher and the sink are past it, and no table has it: run waymarkctl audit around its time\n", name)
	return nil
}
