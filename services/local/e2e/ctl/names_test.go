package ctl

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

func contains(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not say %q", text, word)
		}
	}
}

func TestLagReadsNoOffsetOfAPredecessor(t *testing.T) {
	h := byHand(t)
	old := h.edge(5, time.Now())
	state := checkpoint.NewEnricher(0)
	state.Log = old[0].log.ID
	h.commit(schemas.EnricherGroup("us"), schemas.RawTopic("us"), 5, state.String())
	line := func() []string {
		for line := range strings.Lines(ok(t, "lag")) {
			if fields := strings.Fields(line); fields[1] == schemas.RawTopic("us") {
				return fields[2:]
			}
		}
		return nil
	}
	if got := line(); !slices.Equal(got, []string{"0", "5", "5", "0"}) {
		t.Errorf("of this topic: %v", got)
	}
	h.anew(schemas.RawTopic("us"))
	h.edge(8, time.Now())
	h.commit(schemas.EnricherGroup("us"), schemas.RawTopic("us"), 5, state.String())
	if got := line(); !slices.Equal(got, []string{"0", "-", "8", "8"}) {
		t.Errorf("of its predecessor: %v", got)
	}
	sink := checkpoint.NewSink(old[0].log.ID)
	h.commit(schemas.SinkGroup("us"), schemas.DeadTopic("us"), 3, sink.String())
	h.bury(old[0])
	contains(t, strings.Join(strings.Fields(ok(t, "lag")), " "), schemas.DeadTopic("us")+" 0 - 1 1")
}

func TestWhereNamesLogs(t *testing.T) {
	h := byHand(t)
	old := h.edge(3, time.Now())
	h.store(old)
	id := old[1].log.ID.String()
	text := ok(t, "where", old[1].EventID.String())
	contains(t, text, "stored in events of region us", id, "partition 0", "offset 1", "leader epoch")
	if strings.Contains(text, "earlier topic") {
		t.Error(text)
	}
	h.anew(schemas.RawTopic("us"))
	fresh := h.edge(3, time.Now())
	contains(t, ok(t, "where", old[1].EventID.String()), id, "an earlier topic of that name, which Kafka has no more")

	// The new record at the same offset is another event, which the enricher has not come to.
	contains(t, ok(t, "where", fresh[1].EventID.String()), fresh[1].log.ID.String(), "the enricher has not come to it")
	state := checkpoint.NewEnricher(0)
	state.Log = old[1].log.ID
	h.commit(schemas.EnricherGroup("us"), schemas.RawTopic("us"), 3, state.String())
	contains(t, ok(t, "where", fresh[1].EventID.String()), "the enricher has not begun with", "the enricher has not come to it")
	h.enrich(fresh)
	h.enricherAt(3)
	contains(t, ok(t, "where", fresh[1].EventID.String()), "enriched, and no table has it", "3 records behind")
	h.sinkAt(3, 2)
	contains(t, ok(t, "where", fresh[1].EventID.String()), "are past it, and no table has it")

	h.file(old[2], event.StageEnrich, 0)
	contains(t, ok(t, "where", old[2].EventID.String()), "dead letter", "events.raw.us, id "+id+" (an earlier topic")
}

// Rows of one event become one only where the table's key and month agree: where says what holds for these.
func TestWhereSaysWhichRowsBecomeOne(t *testing.T) {
	h := byHand(t)
	h.exec("SYSTEM STOP MERGES events")
	for name, c := range map[string]struct {
		second func(s *sent) (corrected string)
		says   string
		after  int // rows after a merge
	}{
		"the same key":     {func(*sent) string { return "received_at + 0" }, "they become one when ClickHouse merges them", 1},
		"another month":    {func(*sent) string { return "received_at - INTERVAL 40 DAY" }, "they differ in month, and ClickHouse never merges such", 2},
		"another account":  {func(s *sent) string { s.AccountID = "b"; return "received_at + 0" }, "they differ in account, and", 2},
		"two days, a year": {func(s *sent) string { s.ReceivedAt -= 366 * 86400 * 1000; return "received_at + 0" }, "they differ in day by the client's clock, month, and", 2},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			first := h.edge(1, time.Now())[0]
			second := first
			second.Offset++
			corrected := c.second(&second)
			h.row(first, first.EventID, "received_at + 0", 0)
			h.row(second, first.EventID, corrected, 0)
			contains(t, ok(t, "where", first.EventID.String()), "that is 2 rows: ", c.says)
			h.exec("SYSTEM START MERGES events")
			h.exec("OPTIMIZE TABLE events FINAL")
			h.exec("SYSTEM STOP MERGES events")
			if n := strings.Count(ok(t, "where", first.EventID.String()), "stored in events"); n != c.after {
				t.Errorf("%d rows after a merge, want %d", n, c.after)
			}
		})
	}
}

// The record that is now at a letter's place, of the raw topic or of the dead one, may be another event: it is neither shown nor sent.
func TestALetterIsNotWhatTookItsPlace(t *testing.T) {
	h := byHand(t)
	raw, dead := schemas.RawTopic("us"), schemas.DeadTopic("us")
	events := h.edge(3, time.Now())
	// The first is kept whole, the second was too large for that, the third was refused by ClickHouse as an enriched event.
	h.file(events[0], event.StageEnrich, h.bury(events[0]))
	large := events[1]
	large.Value = nil
	h.file(events[1], event.StageEnrich, h.bury(large))
	value, err := events[2].enriched().MarshalVT()
	h.must(err)
	refused := events[2]
	refused.log = h.log(schemas.EnrichedTopic("us"))
	h.file(refused, event.StageInsert, h.buryAs(&event.Dead{
		Reason: "refused", Stage: event.StageInsert, AccountId: "a", EventId: refused.EventID[:], Topic: refused.log.Topic, TopicId: refused.log.ID[:],
		LeaderEpoch: refused.leaderEpoch, Offset: refused.Offset, Value: value,
	}))
	shown := objects(t, ok(t, "dead", "show", events[0].EventID.String()))
	if len(shown) != 1 || shown[0]["topic_id"] != events[0].log.ID.String() || shown[0]["leader_epoch"] == nil {
		t.Errorf("shown %v", shown)
	}
	listed := objects(t, ok(t, "dead", "list", "--json", "--to", "2099-01-01"))
	if len(listed) != 3 || listed[0]["dead_topic_id"] != h.log(dead).ID.String() || listed[0]["topic_id"] == nil || listed[0]["leader_epoch"] == nil {
		t.Errorf("listed %v", listed)
	}

	// A letter of a record that the log lost in a truncation: another event has its place now, and so has another leader epoch.
	cut := events[2]
	cut.EventID, cut.Value = uuid.New(), nil
	h.file(cut, event.StageEnrich, h.bury(cut))
	contains(t, ok(t, "dead", "replay", "--yes", "--wait", "0s", "--id", cut.EventID.String(), "--to", "2099-01-01"), "sent 0:", "1 cannot be sent")
	cut = events[1]
	cut.leaderEpoch, cut.Value = 5, nil
	h.exec("TRUNCATE TABLE dead_events")
	h.file(cut, event.StageEnrich, h.bury(cut))
	contains(t, ok(t, "dead", "replay", "--yes", "--wait", "0s", "--to", "2099-01-01"), "sent 0:", "1 cannot be sent")
	h.exec("TRUNCATE TABLE dead_events")
	h.file(events[0], event.StageEnrich, 0)
	h.file(events[1], event.StageEnrich, 1)
	h.file(refused, event.StageInsert, 2)

	// The raw topic is made anew, with another event at every place.
	h.anew(raw)
	h.edge(5, time.Now())
	replay := []string{"dead", "replay", "--yes", "--wait", "0s", "--window", "0s", "--to", "2099-01-01"}
	contains(t, ok(t, replay...), "sent 1:", "2 cannot be sent")
	if n := h.end(raw); n != 6 {
		t.Errorf("%d records on the raw topic, want 5 and the letter that was kept whole", n)
	}
	rec, err := kafkatest.Fetch(h.ctx, h.client, raw, 0, 5, kafka.DefaultFetchOptions)
	h.must(err)
	if got := string(rec.Records[0].Header(event.HeaderEventID)); got != events[0].EventID.String() {
		t.Errorf("sent event %s, want %s", got, events[0].EventID)
	}

	// The dead topic is made anew, with another letter at the first one's place.
	h.anewDead()
	stranger := events[0]
	stranger.EventID = uuid.New()
	h.bury(stranger)
	fails(t, []string{"no longer", "made anew"}, "dead", "show", events[0].EventID.String())
	contains(t, ok(t, replay...), "sent 0:", "3 cannot be sent")
	// The same where only the log's end was replaced: the place is right, the letter is not.
	h.exec("TRUNCATE TABLE dead_events")
	h.file(events[0], event.StageEnrich, 0)
	fails(t, []string{"no longer"}, "dead", "show", events[0].EventID.String())
	contains(t, ok(t, replay...), "sent 0:", "1 cannot be sent")
	if n := h.end(raw); n != 6 {
		t.Errorf("%d records on the raw topic, want no more", n)
	}
}

// anewDead makes the dead topic anew, with its three partitions.
func (h *hand) anewDead() {
	h.t.Helper()
	h.must(h.op.DeleteTopics(h.ctx, schemas.DeadTopic("us")))
	h.must(h.op.CreateTopic(h.ctx, schemas.DeadTopic("us"), 3, 1, nil))
}

// A replay sends an event once, whoever else has its id, and nothing that is no raw record.
func TestReplaySendsWhatIsNotStored(t *testing.T) {
	h := byHand(t)
	events := h.edge(3, time.Now())
	for _, s := range events {
		h.file(s, event.StageEnrich, h.bury(s))
	}
	h.file(events[0], event.StageEnrich, 0) // given up twice, after a crash
	h.store(events[:1])
	other := events[1]
	other.AccountID = "b"
	h.store([]sent{other}) // an event of another account, under the same id
	garbage := events[0]
	garbage.log, garbage.EventID = h.log(schemas.EnrichedTopic("us")), uuid.Nil
	h.file(garbage, event.StageDecode, 0)
	replay := []string{"dead", "replay", "--yes", "--wait", "0s", "--to", "2099-01-01"}
	contains(t, ok(t, replay...), "sent 2:", "1 were not sent: their events are stored", "1 were not sent: they are no raw records")
	h.store(events[1:])
	contains(t, ok(t, replay...), "sent 0:", "3 were not sent: their events are stored")
	if n := h.end(schemas.RawTopic("us")); n != 5 {
		t.Errorf("%d records on the raw topic, want 3 and the 2 sent", n)
	}
}

// committed reads what is committed for the enricher.
func (h *hand) committed() (int64, checkpoint.Enricher) {
	h.t.Helper()
	lag, err := admin.Lag(h.ctx, h.client, schemas.EnricherGroup("us"), schemas.RawTopic("us"))
	h.must(err)
	state, err := checkpoint.ParseEnricher(lag[0].Metadata)
	h.must(err)
	return lag[0].Committed, state
}

func TestReenrichCommitsAWholeCheckpoint(t *testing.T) {
	h := byHand(t)
	raw := schemas.RawTopic("us")
	early := time.Now().Add(-2 * time.Hour)
	h.edge(4, early)
	h.transaction(raw, early, false) // its record and its marker lie between
	events := h.edge(6, time.Now())
	h.enrich(events)
	state := checkpoint.NewEnricher(3)
	state.Log, state.LeaderEpoch = h.log(raw).ID, events[0].leaderEpoch
	state.Enriched, state.Written, state.Stored = h.log(schemas.EnrichedTopic("us")).ID, 6, 9
	h.commit(schemas.EnricherGroup("us"), raw, 12, state.String())

	contains(t, ok(t, "reenrich", "--from=-1h", "--yes"), "epoch 4, 7 records") // and the marker, which is of now
	want := state
	want.Epoch, want.Stored = 4, 5
	if at, got := h.committed(); at != 5 || got != want {
		t.Errorf("committed %d, %+v\nwant 5, %+v", at, got, want)
	}
	// At the log's start there is no record before.
	contains(t, ok(t, "reenrich", "--from", "2020-01-01", "--yes"), "epoch 5, 5 records")
	want.Epoch, want.Stored, want.LeaderEpoch = 5, 0, -1
	if at, got := h.committed(); at != 0 || got != want {
		t.Errorf("committed %d, %+v\nwant 0, %+v", at, got, want)
	}
}

func TestReenrichRefusesALogThatTheEnrichersDoNotKnow(t *testing.T) {
	h := byHand(t)
	raw := schemas.RawTopic("us")
	old := h.edge(9, time.Now())
	state := checkpoint.NewEnricher(0)
	state.Log, state.LeaderEpoch = old[0].log.ID, old[0].leaderEpoch
	h.anew(raw)
	h.edge(9, time.Now())
	h.commit(schemas.EnricherGroup("us"), raw, 9, state.String())
	fails(t, []string{"events.raw.us/0 was made anew", "start them"}, "reenrich", "--from", "2020-01-01", "--yes")
	state.Log = h.log(raw).ID
	h.commit(schemas.EnricherGroup("us"), raw, 20, state.String())
	fails(t, []string{"ends below the enrichers' offset 20"}, "reenrich", "--from", "2020-01-01", "--yes")
	if at, got := h.committed(); at != 20 || got != state {
		t.Errorf("committed %d, %+v: want nothing done", at, got)
	}
	h.must(h.op.SetOffset(h.ctx, schemas.EnricherGroup("us"), raw, 0, 21))
	fails(t, []string{"ends below the enrichers' offset 21"}, "reenrich", "--from", "2020-01-01", "--yes")
}

// An offset that a tool set has lost its epoch. What comes under a lower one than is stored would be left out.
func TestReenrichRisesAboveTheEpochThatIsStored(t *testing.T) {
	h := byHand(t)
	raw := schemas.RawTopic("us")
	h.edge(5, time.Now())
	sink := checkpoint.NewSink(h.log(schemas.EnrichedTopic("us")).ID)
	mark := checkpoint.NewMark(h.log(raw).ID)
	mark.Source = checkpoint.Source{Topic: h.log(raw).ID, Epoch: 7, Offset: 4}
	earlier := checkpoint.NewMark(uuid.New())
	earlier.Source.Epoch, earlier.Source.Offset = 30, 1
	sink.Marks = sink.Marks.With(earlier).With(mark)
	h.commit(schemas.SinkGroup("us"), schemas.EnrichedTopic("us"), 0, sink.String())
	h.must(h.op.SetOffset(h.ctx, schemas.EnricherGroup("us"), raw, 0, 5))
	contains(t, ok(t, "reenrich", "--from", "2020-01-01", "--yes"), "epoch 8, 5 records", "note: events.raw.us was made anew")
	if _, got := h.committed(); got.Epoch != 8 || got.Log != h.log(raw).ID {
		t.Errorf("committed %+v", got)
	}
	// What the sink has not come to yet is above its marks.
	value, err := (&event.Enriched{Epoch: 11}).MarshalVT()
	h.must(err)
	h.produce(schemas.EnrichedTopic("us"), []event.Record{{Value: value}})
	h.must(h.op.SetOffset(h.ctx, schemas.EnricherGroup("us"), raw, 0, 5))
	contains(t, ok(t, "reenrich", "--from", "2020-01-01", "--dry-run"), "epoch 12, 5 records")
}

func TestReenrichSaysWhatItCannotReach(t *testing.T) {
	h := byHand(t)
	raw, enriched := schemas.RawTopic("us"), schemas.EnrichedTopic("us")
	h.edge(5, time.Now().Add(-3*time.Hour))
	h.edge(5, time.Now().Add(-time.Hour))
	h.enricherAt(10)
	if text := ok(t, "reenrich", "--from=-4h", "--dry-run"); strings.Contains(text, "note:") {
		t.Error(text)
	}
	h.must(h.op.Trim(h.ctx, raw, 0, 5))
	contains(t, ok(t, "reenrich", "--from=-4h", "--dry-run"), "5 records", "note: events.raw.us/0 begins at offset 5", "is deleted there")
	if text := ok(t, "reenrich", "--from=-30m", "--dry-run"); strings.Contains(text, "begins at") {
		t.Errorf("a span that the topic has: %s", text)
	}
	h.enricherAt(5) // it has enriched nothing that is left: its place is the log's begin, which is older than the span
	if text := ok(t, "reenrich", "--from=-30m", "--dry-run"); strings.Contains(text, "begins at") {
		t.Errorf("a span that the topic has: %s", text)
	}
	h.enricherAt(10)
	h.must(h.op.Configure(h.ctx, enriched, "retention.bytes", "1000000"))
	contains(t, ok(t, "reenrich", "--from=-4h", "--dry-run"), "keeps 1000000 bytes a partition")
	h.must(h.op.Configure(h.ctx, enriched, "retention.ms", "1000"))
	h.edge(9000, time.Now())
	h.enricherAt(9010)
	contains(t, ok(t, "reenrich", "--from=-4h", "--dry-run"), "keeps records for 1s, and 9005 events may take 3s")
}

// Records need not lie in the order of their times: none that was received in the span is left out.
func TestReenrichReachesEveryRecordOfItsSpan(t *testing.T) {
	h := byHand(t)
	now := time.Now()
	for _, age := range []time.Duration{3 * time.Hour, time.Minute, 3 * time.Hour, time.Minute} {
		h.edge(1, now.Add(-age))
	}
	h.enricherAt(4)
	ok(t, "reenrich", "--from", now.Add(-time.Hour).UTC().Format(time.RFC3339), "--yes")
	if at, _ := h.committed(); at != 1 {
		t.Errorf("set back to %d, want 1, the first record of the span", at)
	}
	// The same moment, as a clock elsewhere shows it.
	h.enricherAt(4)
	zone := time.FixedZone("", 5*3600+45*60)
	contains(t, ok(t, "reenrich", "--from", now.Add(-time.Hour).In(zone).Format(time.RFC3339), "--dry-run"), "3 records")
}
