package enricher

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

// What people do to topics and groups while the enricher runs or stands still. What it stored is read as the sink does: of one raw log only
// what rises, by epoch, leader epoch and offset.

func operate(t testing.TB, w *world) *operator.Operator {
	t.Helper()
	o, err := operator.New(w.brokers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// anew deletes a topic and makes it again.
func (w *world) anew(t testing.TB, op *operator.Operator, partitions int, topics ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := op.DeleteTopics(ctx, topics...); err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if err := op.CreateTopic(ctx, topic, partitions, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	// The producers of these tests know the old topics' leaders for a moment.
	kafkatest.Wait(t, func() bool {
		for _, topic := range topics {
			if n, err := w.client.Partitions(ctx, topic); err != nil || n != partitions {
				return false
			}
		}
		return true
	}, "the new topics")
}

// write sends raw records as an edge does that tries until it is answered.
func (w *world) write(t testing.TB, partition int32, records ...event.Record) {
	t.Helper()
	kafkatest.Wait(t, func() bool {
		_, err := w.producer.Produce(t.Context(), w.raw, partition, records)
		if err != nil && !kafka.Retriable(err) {
			t.Fatal(err)
		}
		return err == nil
	}, "%d records are written", len(records))
}

// A table is what a sink would hold of one partition: how often each event was stored, whatever became of the enriched topic meanwhile.
type table map[uuid.UUID]int

// store adds what lies on an enriched partition now.
func (w *world) store(t testing.TB, partition int32, into table, marks map[uuid.UUID]checkpoint.Source, rows map[checkpoint.Source]uuid.UUID) {
	t.Helper()
	bounds, err := w.client.Offsets(t.Context(), w.enriched)
	if err != nil {
		t.Fatal(err)
	}
	if bounds[partition].End == 0 {
		return
	}
	w.readUntil(t, w.enriched, partition, func(rec event.Record) bool {
		e := decodeEnriched(t, rec)
		at := checkpoint.Source{Topic: uuid.UUID(e.RawTopicId), Epoch: e.Epoch, LeaderEpoch: e.RawLeaderEpoch, Offset: e.RawOffset}
		mark, known := marks[at.Topic]
		if !known {
			mark = checkpoint.Nowhere(at.Topic)
		}
		if at.After(mark) {
			marks[at.Topic] = at
			row := at
			row.Epoch = 0 // a later epoch's replaces it
			if _, replaced := rows[row]; !replaced {
				into[uuid.UUID(e.EventId)]++
			}
			rows[row] = uuid.UUID(e.EventId)
		}
		return rec.Offset == bounds[partition].End-1
	})
}

// A sinkModel stores what it is told to look at.
type sinkModel struct {
	w     *world
	table table
	marks map[uuid.UUID]checkpoint.Source
	rows  map[checkpoint.Source]uuid.UUID
}

func (w *world) sink() *sinkModel {
	return &sinkModel{w, make(table), make(map[uuid.UUID]checkpoint.Source), make(map[checkpoint.Source]uuid.UUID)}
}

func (s *sinkModel) store(t testing.TB) {
	t.Helper()
	s.w.store(t, 0, s.table, s.marks, s.rows)
}

// holds waits until each of the events is stored, and fails when one is stored twice.
func (s *sinkModel) holds(t testing.TB, what string, records ...event.Record) {
	t.Helper()
	missing := 0
	kafkatest.Wait(t, func() bool {
		s.store(t)
		missing = 0
		for _, rec := range records {
			if s.table[uuid.MustParse(string(rec.Header(event.HeaderEventID)))] == 0 {
				missing++
			}
		}
		return missing == 0
	}, "%s: all of %d events are stored", what, len(records))
	if twice := slices.DeleteFunc(slices.Collect(maps.Values(s.table)), func(n int) bool { return n == 1 }); len(twice) > 0 {
		t.Errorf("%s: %d events are stored more than once", what, len(twice))
	}
}

// enriched waits until so many events are enriched and committed.
func (s *service) enriched(t testing.TB, n int) {
	t.Helper()
	kafkatest.Wait(t, func() bool { return s.metric(t, "waymark_enricher_events_total", "enriched") >= float64(n) }, "%d events are enriched", n)
}

func (s *service) rewinds(t testing.TB, cause string) float64 {
	t.Helper()
	return s.metric(t, "waymark_enricher_rewinds_total", cause)
}

// A plot is a world of one partition in which an enricher has enriched seven events, and somebody is at hand to do what people do.
type plot struct {
	*world
	t       testing.TB
	op      *operator.Operator
	sink    *sinkModel
	service *service
	old     []event.Record
}

func afterSeven(t testing.TB) *plot {
	t.Helper()
	w := newWorld(t, 1)
	p := &plot{world: w, t: t, op: operate(t, w), sink: w.sink(), service: start(t, w.config()), old: numbered(7)}
	w.write(t, 0, p.old...)
	p.service.enriched(t, len(p.old))
	return p
}

// meanwhile has something done while the enricher runs on, or else while it stands still.
func (p *plot) meanwhile(running bool, do func()) {
	p.t.Helper()
	if running {
		do()
		return
	}
	mustStop(p.t, p.service)
	do()
	p.service = start(p.t, p.config())
}

// anew deletes topics and makes them again.
func (p *plot) anew(topics ...string) {
	p.t.Helper()
	p.world.anew(p.t, p.op, 1, topics...)
}

// stored waits until the seven events and others are stored, each once.
func (p *plot) stored(what string, others []event.Record) {
	p.t.Helper()
	p.sink.holds(p.t, what, append(p.old, others...)...)
}

// Cases B5, B6b and B6c: the new raw topic has fewer or more records than the old one had when the enricher stopped, or is written to while
// it runs.
func TestARawTopicMadeAnewIsEnrichedFromItsStart(t *testing.T) {
	for _, n := range []int{3, 7, 20} { // after 7
		for _, running := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d records after 7, running %v", n, running), func(t *testing.T) {
				p, fresh := afterSeven(t), numbered(n)
				p.meanwhile(running, func() {
					p.anew(p.raw)
					p.write(t, 0, fresh...)
				})
				p.stored("after the raw topic was made anew", fresh)
				if got := p.service.rewinds(t, "raw_anew"); got == 0 {
					t.Error("it was not counted")
				}
				mustStop(t, p.service)
			})
		}
	}
}

// What was enriched and lost with the enriched topic is enriched again, and nothing that the sink had is stored twice.
func TestWhatWasLostWithTheEnrichedTopicIsEnrichedAgain(t *testing.T) {
	for _, running := range []bool{true, false} {
		for _, stored := range []bool{true, false} {
			t.Run(fmt.Sprintf("running %v, stored %v", running, stored), func(t *testing.T) {
				p, fresh := afterSeven(t), numbered(3)
				if stored {
					p.sink.store(t)
				}
				p.meanwhile(running, func() { p.anew(p.enriched) })
				// Nobody writes: it must be noticed all the same.
				p.stored("after the enriched topic was made anew", nil)
				p.write(t, 0, fresh...)
				p.stored("afterwards", fresh)
				kafkatest.Wait(t, func() bool { return p.service.rewinds(t, "enriched_lost") > 0 }, "it is counted")
				if got := p.service.rewinds(t, "enriched_lost"); got != 1 {
					t.Errorf("counted %v times", got)
				}
				mustStop(t, p.service)
			})
		}
	}
}

// The sink's group says how far to go back: what lies before is not enriched again.
func TestEnrichingBeginsAgainWhereTheSinkWas(t *testing.T) {
	p := afterSeven(t)
	p.meanwhile(false, func() {
		raw, err := p.client.Log(t.Context(), p.raw, 0)
		if err != nil {
			t.Fatal(err)
		}
		enriched, err := p.client.Log(t.Context(), p.enriched, 0)
		if err != nil {
			t.Fatal(err)
		}
		first := decodeEnriched(t, p.read(t, p.enriched, 0, 1)[0])
		state := checkpoint.NewSink(enriched.ID)
		mark := checkpoint.NewMark(raw.ID)
		mark.Source = checkpoint.Source{Topic: raw.ID, LeaderEpoch: first.RawLeaderEpoch, Offset: 4}
		state.Marks = state.Marks.With(mark)
		at := []kafka.Commitment{{Partition: 0, Offset: 5, Metadata: state.String()}}
		if err := admin.ResetGroup(t.Context(), p.client, schemas.SinkGroup(p.region), p.enriched, at); err != nil {
			t.Fatal(err)
		}
	})
	p.write(t, 0, numbered(1)...) // whose commit carries what the sink had
	p.committed(t)
	p.meanwhile(false, func() { p.anew(p.enriched) })
	for i, rec := range p.read(t, p.enriched, 0, 3) {
		if e := decodeEnriched(t, rec); e.RawOffset != int64(5+i) || e.Epoch != 1 {
			t.Errorf("enriched again: raw offset %d under epoch %d, want %d under 1", e.RawOffset, e.Epoch, 5+i)
		}
	}
	mustStop(t, p.service)
}

func TestBothTopicsMadeAnew(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("running %v", running), func(t *testing.T) {
			p, fresh := afterSeven(t), numbered(7)
			p.stored("before", nil)
			p.meanwhile(running, func() { p.anew(p.raw, p.enriched) })
			p.write(t, 0, fresh...)
			p.stored("afterwards", fresh)
			mustStop(t, p.service)
		})
	}
}

// A group that was deleted, or expired, does not have everything enriched again (case H1, on this side).
func TestADeletedGroupGoesOnAfterWhatIsEnriched(t *testing.T) {
	p, fresh := afterSeven(t), numbered(5)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p.meanwhile(false, func() {
		if err := p.op.DeleteGroup(ctx, schemas.EnricherGroup(p.region)); err != nil {
			t.Fatal(err)
		}
		p.write(t, 0, fresh...)
	})
	p.stored("after the group was deleted", fresh)
	if n := p.enrichedRecords(t); n != 12 {
		t.Errorf("%d records are on the enriched topic, want 12: all was enriched again", n)
	}
	if got := p.service.rewinds(t, "nothing_committed"); got != 1 {
		t.Errorf("counted %v times", got)
	}
	mustStop(t, p.service)
}

func TestAnOffsetThatSomebodySet(t *testing.T) {
	for name, c := range map[string]struct {
		to    int64
		want  []int64 // raw offsets that are enriched after it, of 7 before and 3 more
		cause string
	}{
		"back":                      {4, []int64{4, 5, 6, 7, 8, 9}, "set_back"},
		"forward":                   {9, []int64{9}, "set_forward"},
		"to where it was":           {7, []int64{7, 8, 9}, ""},
		"beyond the end of the log": {1000, []int64{7, 8, 9}, "beyond_end"},
	} {
		t.Run(name, func(t *testing.T) {
			p := afterSeven(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			p.meanwhile(false, func() {
				p.write(t, 0, numbered(3)...)
				if err := p.op.SetOffset(ctx, schemas.EnricherGroup(p.region), p.raw, 0, c.to); err != nil {
					t.Fatal(err)
				}
			})
			var got []int64
			for _, rec := range p.read(t, p.enriched, 0, 7+len(c.want))[7:] {
				got = append(got, decodeEnriched(t, rec).RawOffset)
			}
			want(t, got, c.want...)
			p.committed(t)
			s := p.service
			if total := s.metric(t, "waymark_enricher_rewinds_total"); c.cause == "" && total != 0 || c.cause != "" && (total != 1 || s.rewinds(t, c.cause) != 1) {
				t.Errorf("%v begins elsewhere are counted, %v of them as %s", total, s.rewinds(t, c.cause), c.cause)
			}
			mustStop(t, s)
		})
	}
}

// A commit that was under way when the topic was deleted lands on the one that took its name: it says which log it is of.
func TestACommitOfTheOldTopicOnTheNewOne(t *testing.T) {
	p, fresh := afterSeven(t), numbered(20)
	metadata := p.committed(t)
	p.meanwhile(false, func() {
		p.anew(p.raw)
		p.commit(t, 7, metadata)
		p.write(t, 0, fresh...)
	})
	p.stored("on the new topic", fresh)
	mustStop(t, p.service)
}

// A topic made anew with fewer partitions, and its enriched topic with it: what is left is served, and ready says so.
func TestTopicsMadeAnewWithFewerPartitions(t *testing.T) {
	w := newWorld(t, 3)
	op, sink := operate(t, w), w.sink()
	s := start(t, w.config())
	for p := range int32(3) {
		w.write(t, p, numbered(3)...)
	}
	s.enriched(t, 9)
	mustStop(t, s)
	w.anew(t, op, 1, w.raw, w.enriched)
	s = start(t, w.config())
	fresh := numbered(5)
	w.write(t, 0, fresh...)
	sink.holds(t, "on the one partition that is left", fresh...)
	kafkatest.Wait(t, func() bool { return s.Health.Ready(t.Context()) == nil }, "ready")
	mustStop(t, s)
}

// A partition that was empty when it was claimed has a place of its own, committed then: what comes while nobody runs is enriched.
func TestWhatComesToAnEmptyPartitionWhileNobodyRuns(t *testing.T) {
	w := newWorld(t, 1)
	sink := w.sink()
	s := start(t, w.config())
	kafkatest.Wait(t, func() bool { return s.metric(t, "waymark_enricher_step_seconds", "remember") > 0 }, "the claim")
	mustStop(t, s)
	events := numbered(4)
	w.write(t, 0, events...)
	s = start(t, w.config())
	sink.holds(t, "an empty partition", events...)
	mustStop(t, s)
}

// The topic stays away for a while: nothing ends, and what comes on the new one is enriched.
func TestARawTopicThatIsAwayForAWhile(t *testing.T) {
	p, fresh := afterSeven(t), numbered(9)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.op.DeleteTopics(ctx, p.raw); err != nil {
		t.Fatal(err)
	}
	retries := func() float64 { return p.service.metric(t, "waymark_enricher_retries_total") }
	tries := retries()
	kafkatest.Wait(t, func() bool { return retries() > tries+3 }, "it waits for the topic")
	if err := p.op.CreateTopic(ctx, p.raw, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	p.write(t, 0, fresh...)
	p.stored("after the topic came back", fresh)
	mustStop(t, p.service)
}
