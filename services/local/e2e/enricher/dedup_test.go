package enricher

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// settled returns the raw offsets of an enriched partition, in its order, and sees to it first that the enricher is done with all that
// was sent: a last event of its own ends the list.
func (w *world) settled(t testing.TB, partition int32) (offsets []int64) {
	t.Helper()
	last := numbered(1)[0]
	w.send(t, partition, last)
	w.readUntil(t, w.enriched, partition, func(rec event.Record) bool {
		e := decodeEnriched(t, rec)
		offsets = append(offsets, e.RawOffset)
		return sameID(e, last)
	})
	return offsets[:len(offsets)-1]
}

func sameID(e *event.Enriched, rec event.Record) bool {
	return fmt.Sprintf("%x-%x-%x-%x-%x", e.EventId[:4], e.EventId[4:6], e.EventId[6:8], e.EventId[8:10], e.EventId[10:]) == string(rec.Header(event.HeaderEventID))
}

// committed waits until the group has committed every raw record and returns the metadata beside partition 0's offset.
func (w *world) committed(t testing.TB) (metadata string) {
	t.Helper()
	kafkatest.Wait(t, func() bool {
		lags, err := admin.Lag(t.Context(), w.client, "waymark-enricher."+w.region, w.raw)
		if err != nil {
			return false
		}
		metadata = lags[0].Metadata
		return !slices.ContainsFunc(lags, func(l admin.PartitionLag) bool { return l.Committed != l.End && l.End > 0 })
	}, "all raw records are committed")
	return metadata
}

// epochCommitted waits as committed does and returns the epoch.
func (w *world) epochCommitted(t testing.TB) uint32 {
	t.Helper()
	at, err := checkpoint.ParseEnricher(w.committed(t))
	if err != nil {
		t.Fatal(err)
	}
	return at.Epoch
}

// commit sets the group's offset of partition 0, as a tool would.
func (w *world) commit(t testing.TB, offset int64, metadata string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	group := kafka.DefaultGroupConfig()
	group.ID, group.Topics, group.HeartbeatInterval = "waymark-enricher."+w.region, []string{w.raw}, 50*time.Millisecond
	var failed error
	err := w.client.RunGroup(ctx, group, func(ctx context.Context, c *kafka.Claim) error {
		defer cancel()
		failed = c.Commit(ctx, offset, metadata)
		return nil
	})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

func mustStop(t testing.TB, services ...*service) {
	t.Helper()
	for _, s := range services {
		if err := s.stop(t); err != nil {
			t.Error(err)
		}
	}
}

func want(t testing.TB, got []int64, offsets ...int64) {
	t.Helper()
	if !slices.Equal(got, offsets) {
		t.Errorf("raw offsets %v passed, want %v", got, offsets)
	}
}

func TestAClientsRepetitionIsLeftOut(t *testing.T) {
	w := newWorld(t, 1)
	events := numbered(2)
	s := start(t, w.config())
	w.send(t, 0, events[0], events[1], events[0]) // in one batch
	w.committed(t)
	w.send(t, 0, events...) // a batch of nothing else
	w.committed(t)
	// They are counted when the commit has been answered.
	kafkatest.Wait(t, func() bool { return s.metric(t, "waymark_enricher_events_total", "repeated") == 3 }, "three repetitions are counted")
	want(t, w.settled(t, 0), 0, 1)
	w.committed(t)
	mustStop(t, s)
	if enriched := s.metric(t, "waymark_enricher_events_total", "enriched"); enriched != 3 {
		t.Errorf("%v enriched events counted, want 3", enriched)
	}

	s = start(t, w.config()) // which knows them from the enriched topic
	w.send(t, 0, events...)
	want(t, w.settled(t, 0), 0, 1, 5)
	mustStop(t, s)
}

func TestARepetitionIsKnownByWhomeverThePartitionGoesTo(t *testing.T) {
	const partitions, n = 4, 100
	w := newWorld(t, partitions)
	events := make([][]event.Record, partitions) // ids of their own: one that another partition has is its repetition where partitions were added
	for p := range events {
		events[p] = numbered(n)
	}
	first := start(t, w.config())
	for p := range int32(partitions) {
		w.send(t, p, events[p]...)
	}
	w.committed(t)
	second := start(t, w.config())
	kafkatest.Wait(t, func() bool { return second.metric(t, "waymark_enricher_step_seconds", "remember") > 0 }, "the second member has partitions")
	for p := range int32(partitions) {
		w.send(t, p, events[p]...)
	}
	for p := range int32(partitions) {
		if got := w.settled(t, p); len(got) != n {
			t.Errorf("partition %d: %d events passed, want %d", p, len(got), n)
		}
	}
	w.committed(t)
	mustStop(t, first, second)
	one, other := first.metric(t, "waymark_enricher_events_total", "repeated"), second.metric(t, "waymark_enricher_events_total", "repeated")
	if other == 0 || one+other < partitions*n {
		t.Errorf("the members left out %v and %v repetitions, of %d", one, other, partitions*n)
	}
}

func TestWhatComesAgainBeyondTheWindowPasses(t *testing.T) {
	w := newWorld(t, 1)
	cfg := w.config()
	cfg.Dedup.Events, cfg.Dedup.Window = 3, time.Minute
	events := numbered(4)
	check := func(passed ...int64) {
		t.Helper()
		s := start(t, cfg)
		want(t, w.settled(t, 0), passed...)
		mustStop(t, s)
	}
	w.send(t, 0, append(events, events[0], events[3])...) // one of four is forgotten
	check(0, 1, 2, 3, 4)

	later := recordOf("demo", example(t, "page-view"))
	raw := rawOf("demo", later.Value)
	raw.ReceivedAt += 61_000
	w.send(t, 0, raw.Record(later.Key), events[0]) // offsets 7, 8: all before 7 is too old by then
	check(0, 1, 2, 3, 4, 6, 7, 8)

	cfg.Dedup.Events = 0
	w.send(t, 0, events[0]) // at 10
	check(0, 1, 2, 3, 4, 6, 7, 8, 9, 10)
}

func TestTheEpochComesFromTheCommittedOffset(t *testing.T) {
	w := newWorld(t, 1)
	events := numbered(2)
	s := start(t, w.config())
	w.send(t, 0, events[0], events[1], events[0])
	if got := w.epochCommitted(t); got != 0 {
		t.Errorf("committed epoch %d", got)
	}
	mustStop(t, s)

	epochs := func() (of []uint32) {
		t.Helper()
		w.settled(t, 0)
		w.readUntil(t, w.enriched, 0, func(rec event.Record) bool {
			of = append(of, decodeEnriched(t, rec).Epoch)
			return int64(len(of)) == w.enrichedRecords(t)
		})
		return of
	}
	// A deliberate re-enrichment: the events of the epoch before are no reason to leave these out, but a repetition is one still.
	w.commit(t, 0, checkpoint.NewEnricher(7).String())
	s = start(t, w.config())
	if got := epochs(); !slices.Equal(got, []uint32{0, 0, 7, 7, 7}) {
		t.Errorf("epochs %v", got)
	}
	if got := w.epochCommitted(t); got != 7 {
		t.Errorf("committed epoch %d", got)
	}
	mustStop(t, s)

	// A tool that knows of no epochs: a lower one than is stored would have every event dropped, new ones too.
	w.commit(t, 3, "")
	s = start(t, w.config())
	if got := epochs(); !slices.Equal(got, []uint32{0, 0, 7, 7, 7, 7, 7}) {
		t.Errorf("epochs %v", got)
	}
	mustStop(t, s)
}

// What a re-enrichment writes stands for itself: it does not lean on events of the epoch before it, which it may be there to fix.
func TestOneEpochsEventsAreNoReasonToLeaveOutAnothers(t *testing.T) {
	w := newWorld(t, 1)
	once := numbered(1)[0]
	w.send(t, 0, once, once)
	s := start(t, w.config())
	w.committed(t)
	mustStop(t, s)
	w.commit(t, 1, checkpoint.NewEnricher(1).String())
	s = start(t, w.config())
	want(t, w.settled(t, 0), 0, 1)
	mustStop(t, s)
}

func TestRefusesAnOffsetCommittedByANewerEnricher(t *testing.T) {
	w := newWorld(t, 1)
	w.send(t, 0, numbered(1)...)
	w.commit(t, 0, `{"v":3}`)
	s := start(t, w.config())
	if err := s.wait(t); err == nil {
		t.Error("it runs all the same")
	}
	if s.Health.Ready(t.Context()) == nil {
		t.Error("still ready")
	}
	if n := w.enrichedRecords(t); n != 0 {
		t.Errorf("%d events enriched", n)
	}
}

// Clients that repeat and an enricher that is killed, together: what is above the sink's high-water mark is each event once.
func TestSIGKILLAndRepetitionsLeaveEachEventOnce(t *testing.T) {
	const events, kills = 20_000, 3
	w := newWorld(t, 1)
	random := rand.New(rand.NewPCG(3, 4))
	var sent []event.Record
	for i, rec := range numbered(events) {
		sent = append(sent, rec)
		for random.IntN(4) == 0 { // again, at once or a good while later
			sent = append(sent, sent[max(0, len(sent)-1-random.IntN(i+1))])
		}
	}
	share := len(sent) / (kills + 1)
	for i := range kills {
		w.send(t, 0, sent[i*share:(i+1)*share]...)
		w.killed(t)
	}
	w.send(t, 0, sent[kills*share:]...) // for one that lives
	s := start(t, w.config())
	w.audit(t, int64(len(sent)), events)
	mustStop(t, s)
}

// audit reads the enriched partition 0 as the sink does and holds it against what raw was to become: so many different events.
func (w *world) audit(t testing.TB, raw int64, events int) {
	t.Helper()
	last := numbered(1)[0]
	w.send(t, 0, last)
	seen := make(map[string]int64)
	mark, dropped := checkpoint.Nowhere(uuid.Nil), 0
	w.readUntil(t, w.enriched, 0, func(rec event.Record) bool {
		e := decodeEnriched(t, rec)
		at := checkpoint.Source{Epoch: e.Epoch, LeaderEpoch: e.RawLeaderEpoch, Offset: e.RawOffset}
		if !at.After(mark) {
			dropped++
			return false
		}
		mark = at
		if before, ok := seen[string(e.EventId)]; ok {
			t.Fatalf("the event at raw offset %d passes again at %d", before, e.RawOffset)
		}
		seen[string(e.EventId)] = e.RawOffset
		return sameID(e, last)
	})
	if len(seen) != events+1 || mark.Offset != raw {
		t.Errorf("%d events of %d passed", len(seen)-1, events)
	}
	t.Logf("%d raw records, %d events, %d written again after kills", raw, len(seen)-1, dropped)
}
