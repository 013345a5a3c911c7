package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A bug must neither lose its event nor pass for a dead letter: the partition waits, and not ready says so.
func TestABugHoldsThePartitionUntilItIsGone(t *testing.T) {
	s := newStream(t)
	c := newClaim(s, &kafka.Claim{Partition: 3})
	usual, calls := s.enrich, 0
	c.enriching.enrich = func(raw *event.Raw, out *event.Enriched) error {
		if calls++; calls <= 2 {
			if s.held.check(context.Background()) == nil && calls == 2 {
				t.Error("ready while the partition is held")
			}
			return errors.New("a bug")
		}
		return usual(raw, out)
	}
	b := &batch{fetched: &kafka.Batch{Records: []event.Record{rawRecord(8, "fine")}}}
	if err := c.enrichBatch(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	if len(b.enriched) != 1 || len(b.dead) != 0 || testutil.ToFloat64(s.metrics.bugs) != 2 {
		t.Errorf("%d enriched, %d dead, %v bugs", len(b.enriched), len(b.dead), testutil.ToFloat64(s.metrics.bugs))
	}
	if err := s.held.check(context.Background()); err != nil {
		t.Errorf("still held: %v", err)
	}
}

func TestAHeldPartitionStillEndsWithItsGeneration(t *testing.T) {
	s := newStream(t)
	c := newClaim(s, &kafka.Claim{Partition: 3})
	ctx, cancel := context.WithCancel(context.Background())
	c.enriching.enrich = func(*event.Raw, *event.Enriched) error {
		cancel()
		return errors.New("a bug")
	}
	b := &batch{fetched: &kafka.Batch{Records: []event.Record{rawRecord(8, "fine")}}}
	if err := c.enrichBatch(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOffsetsWithoutARecordAreCounted(t *testing.T) {
	s := newStream(t)
	s.reader = fetchFunc(func(offset int64) (*kafka.Batch, error) {
		return &kafka.Batch{Records: []event.Record{rawRecord(offset+3, "fine")}, Next: offset + 4, LeaderEpoch: 2, Holes: 3}, nil
	})
	s.sink.last.Store(new(sight))
	s.sink.tried = time.Now()
	var b batch
	if err := newClaim(s, new(kafka.Claim)).fetch(t.Context(), kafka.Position{Offset: 5, LeaderEpoch: 2}, &b); err != nil {
		t.Fatal(err)
	}
	if holes := testutil.ToFloat64(s.metrics.holes); holes != 3 || b.next != (kafka.Position{Offset: 9, LeaderEpoch: 2}) {
		t.Errorf("%v holes are counted, the next offset is %v", holes, b.next)
	}
}

// A leader may have records from an earlier try and not know where: then they are looked for, since a cut between a place below them and them
// would go unseen.
func TestWhereRecordsLieIsLookedUpWhenTheLeaderDoesNotKnow(t *testing.T) {
	source := func(offset int64) event.Record {
		e := event.Enriched{EventId: make([]byte, 16), RawTopicId: make([]byte, 16), RawOffset: offset}
		e.RawTopicId[0] = 1
		value, err := e.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		return event.Record{Value: value}
	}
	s := newStream(t)
	s.reader = fetchFunc(func(offset int64) (*kafka.Batch, error) { // the log ends at 6
		rec := source(100 + offset)
		rec.Offset = offset
		return &kafka.Batch{Records: []event.Record{rec}, Next: offset + 1, HighWatermark: 6}, nil
	})
	c := newClaim(s, new(kafka.Claim))
	c.output.end.Store(2)
	if err := c.output.wrote(t.Context(), -1, []event.Record{source(103), source(104)}); err != nil || c.output.written != 5 || c.output.end.Load() != 5 {
		t.Errorf("written is %d, the end %d, %v", c.output.written, c.output.end.Load(), err)
	}
	if err := c.output.wrote(t.Context(), 4, []event.Record{source(105)}); !errors.Is(err, errEnrichedCut) {
		t.Errorf("the log had 5, and is written at 4: %v", err)
	}
	if err := c.output.wrote(t.Context(), -1, []event.Record{source(105), source(106)}); !errors.Is(err, errEnrichedCut) {
		t.Errorf("acknowledged, and not there: %v", err)
	}
}

func BenchmarkBatch(b *testing.B) {
	s := newStream(b)
	records := make([]event.Record, 1000)
	for i := range records {
		records[i] = rawRecord(int64(i), `{"time": 1551784021000, "type": "view", "data": {"type": "page"}}`)
	}
	c := newClaim(s, new(kafka.Claim))
	batch := &batch{fetched: &kafka.Batch{Records: records}}
	b.ReportAllocs()
	started := time.Now()
	n := 0
	for b.Loop() {
		if _, err := batch.fill(&c.enriching); err != nil {
			b.Fatal(err)
		}
		n += len(records)
	}
	b.ReportMetric(float64(time.Since(started).Nanoseconds())/float64(n), "ns/event")
}
