package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newStream returns a Stream that can enrich batches but reaches no broker. An event whose value starts with "dead" is refused, one with
// "bug" is an error of ours, one with "panic" is worse.
func newStream(t testing.TB) *Stream {
	t.Helper()
	m, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	enrich := func(raw *event.Raw, out *event.Enriched) error {
		switch {
		case bytes.HasPrefix(raw.Value, []byte("dead")):
			return event.Reject(event.ReasonUnknownEvent, errors.New("no such event"))
		case bytes.HasPrefix(raw.Value, []byte("not collected")):
			return event.Reject(event.ReasonNotCollected, errors.New("consent was denied"))
		case bytes.HasPrefix(raw.Value, []byte("bug")):
			return errors.New("a bug")
		case bytes.HasPrefix(raw.Value, []byte("panic")):
			var none []int
			none[len(raw.Value)]++
		}
		out.Reset()
		out.EventId, out.AccountId, out.Props, out.RawOffset, out.ReceivedAt = raw.EventID[:], raw.AccountID, raw.Value, raw.Offset, raw.ReceivedAt
		return nil
	}
	return &Stream{
		settings: Settings{Region: "us", MaxRecordBytes: 10_000}, topics: topics{"events.raw.us", "events.enriched.us", "events.dead.us"},
		enrich: enrich, resume: resume, log: zap.NewNop(), metrics: m,
	}
}

// newClaim remembers the last ten events.
func newClaim(s *Stream, assigned *kafka.Claim) *claim {
	assigned.Topic = s.topics.raw
	c, err := s.claim(assigned, nil)
	if err != nil {
		panic(err)
	}
	c.enriching.epoch, c.enriching.recent = 4, recent.New(time.Minute, 10)
	c.enriching.raw.ID, c.output.log.ID = rawID, enrichedID
	return c
}

// The topics' ids.
var rawID, enrichedID = uuid.MustParse("11111111-0000-4000-8000-000000000001"), uuid.MustParse("22222222-0000-4000-8000-000000000002")

// idOf is the id of the event at a raw offset, unless a test gives it another's.
func idOf(offset int64) uuid.UUID {
	id := uuid.MustParse("0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f")
	binary.BigEndian.PutUint32(id[12:], uint32(offset))
	return id
}

func rawRecord(offset int64, value string) event.Record {
	raw := event.Raw{Format: event.FormatRecorder, AccountID: "demo", EventID: idOf(offset), ReceivedAt: 1_700_000_000_000, Value: []byte(value)}
	rec := raw.Record([]byte("demo|v"))
	rec.Partition, rec.LeaderEpoch, rec.Offset = 3, 2, offset
	return rec
}

// An event that the account's policy does not collect has a letter, so that its record is accounted for, and the letter has nothing of it.
func TestALetterOfWhatIsNotCollectedHasItsNameOnly(t *testing.T) {
	s := newStream(t)
	b := &batch{fetched: &kafka.Batch{Records: []event.Record{rawRecord(10, "a"), rawRecord(11, "not collected: planted")}}}
	b.fetched.Records[1].Key = []byte("demo|planted")
	b.fetched.Records[1].Headers = append(b.fetched.Records[1].Headers, event.Header{Key: event.HeaderUserAgent, Value: []byte("planted")}, event.Header{Key: event.HeaderClientIP, Value: []byte("203.0.113.77")})
	if offset, err := b.fill(&newClaim(s, &kafka.Claim{Partition: 3}).enriching); err != nil {
		t.Fatalf("offset %d: %v", offset, err)
	}
	if len(b.enriched) != 1 || len(b.dead) != 1 {
		t.Fatalf("%d enriched, %d dead", len(b.enriched), len(b.dead))
	}
	letter := b.dead[0]
	if text := string(letter.Key) + string(letter.Value); strings.Contains(text, "planted") || strings.Contains(text, "203.0.113") {
		t.Errorf("the letter has what was not to be collected: %q", text)
	}
	var got event.Dead
	if err := got.UnmarshalVT(letter.Value); err != nil {
		t.Fatal(err)
	}
	id := idOf(11)
	want := &event.Dead{
		Reason: "not_collected", Stage: event.StageEnrich, Error: "consent was denied", Region: "us", AccountId: "demo", EventId: id[:], ReceivedAt: 1_700_000_000_000, FailedAt: got.FailedAt,
		Topic: "events.raw.us", TopicId: rawID[:], Partition: 3, LeaderEpoch: 2, Offset: 11, Key: []byte("demo"),
	}
	if diff := cmp.Diff(want, &got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	s.metrics.forwarded(b)
	if n := testutil.ToFloat64(s.metrics.events.WithLabelValues("not_collected", "")); n != 1 {
		t.Errorf("%v counted", n)
	}
}

func TestBatchSplitsTheUsableFromTheDead(t *testing.T) {
	s := newStream(t)
	foreign := event.Record{Partition: 3, LeaderEpoch: 2, Offset: 12, Key: []byte("k"), Value: []byte("?"), Headers: []event.Header{{Key: "event_id", Value: []byte(idOf(12).String())}, {Key: "x", Value: []byte("y")}}}
	b := &batch{fetched: &kafka.Batch{Records: []event.Record{
		rawRecord(10, "a"), rawRecord(11, "dead"), foreign, rawRecord(13, strings.Repeat("b", 10_000)), rawRecord(14, "c"),
	}}}
	c := newClaim(s, &kafka.Claim{Partition: 3})
	for range 2 { // a second time in the memory of the first
		if offset, err := b.fill(&c.enriching); err != nil {
			t.Fatalf("offset %d: %v", offset, err)
		}
	}
	if len(b.enriched) != 2 || len(b.sources) != 2 {
		t.Fatalf("%d enriched records, %d sources", len(b.enriched), len(b.sources))
	}
	for i, want := range []struct {
		offset int64
		props  string
	}{{10, "a"}, {14, "c"}} {
		rec := b.enriched[i]
		var got event.Enriched
		if err := got.UnmarshalVT(rec.Value); err != nil {
			t.Fatal(err)
		}
		if got.RawOffset != want.offset || string(got.Props) != want.props || got.EnrichedAt == 0 || got.Epoch != 4 || b.sources[i].Offset != want.offset {
			t.Errorf("record %d: %v", i, &got)
		}
		if uuid.UUID(got.RawTopicId) != rawID || got.RawLeaderEpoch != 2 {
			t.Errorf("record %d names %x, leader epoch %d", i, got.RawTopicId, got.RawLeaderEpoch)
		}
		if rec.Partition != 3 || rec.Timestamp != got.EnrichedAt || string(rec.Key) != "demo|v" || string(rec.Header(event.HeaderSchema)) != event.SchemaEnriched {
			t.Errorf("record %d: %+v", i, rec)
		}
	}

	header := func(key, value string) *event.DeadHeader { return &event.DeadHeader{Key: key, Value: []byte(value)} }
	dead := func(offset int64, reason event.Reason, stage, sentence, value string) *event.Dead {
		id := idOf(offset)
		headers := []*event.DeadHeader{header("format", "recorder/1"), header("account", "demo"), header("event_id", id.String()), header("received_at", "1700000000000")}
		return &event.Dead{
			Reason: string(reason), Stage: stage, Error: sentence, Region: "us", AccountId: "demo", EventId: id[:], Topic: "events.raw.us", TopicId: rawID[:],
			Partition: 3, LeaderEpoch: 2, Offset: offset,
			ReceivedAt: 1_700_000_000_000, Key: []byte("demo|v"), Value: []byte(value), Headers: headers,
		}
	}
	alien := dead(12, event.ReasonBadHeaders, event.StageDecode, `header "format" is missing`, "?")
	alien.AccountId, alien.ReceivedAt, alien.Key, alien.Headers = "", 0, []byte("k"), []*event.DeadHeader{header("event_id", idOf(12).String()), header("x", "y")}
	want := []*event.Dead{
		dead(11, event.ReasonUnknownEvent, event.StageEnrich, "no such event", "dead"),
		alien,
		dead(13, event.ReasonTooLarge, event.StageEnrich, "the enriched record has 10140 bytes, of at most 10000", strings.Repeat("b", 10_000)),
	}
	if len(b.dead) != len(want) {
		t.Fatalf("%d dead records, want %d", len(b.dead), len(want))
	}
	for i := range want {
		got := new(event.Dead)
		if err := got.UnmarshalVT(b.dead[i].Value); err != nil {
			t.Fatal(err)
		}
		if got.FailedAt == 0 || string(b.dead[i].Header(event.HeaderSchema)) != event.SchemaDead {
			t.Errorf("dead record %d has no time or schema", i)
		}
		got.FailedAt = 0
		if diff := cmp.Diff(want[i], got, protocmp.Transform()); diff != "" {
			t.Errorf("dead record %d: %s", i, diff)
		}
	}
}

func TestABugIsNoDeadLetter(t *testing.T) {
	for _, value := range []string{"bug", "panic"} {
		b := &batch{fetched: &kafka.Batch{Records: []event.Record{rawRecord(7, "fine"), rawRecord(8, value)}}}
		offset, err := b.fill(&newClaim(newStream(t), new(kafka.Claim)).enriching)
		if err == nil || offset != 8 || event.AsRejection(err) != nil || len(b.dead) != 0 {
			t.Errorf("%s: error %v at offset %d, %d dead", value, err, offset, len(b.dead))
		}
	}
}

func TestArenaHandsOutDisjointMemoryAndKeepsIt(t *testing.T) {
	var a arena
	for round := range 3 {
		var taken [][]byte
		for i, n := range []int{1, chunkBytes - 1, 10, 0, chunkBytes, chunkBytes + 1, 100} {
			p := a.take(n)
			if len(p) != n || cap(p) > max(n, chunkBytes+1) {
				t.Fatalf("take(%d): len %d cap %d", n, len(p), cap(p))
			}
			for j := range p {
				p[j] = byte(i + 1)
			}
			taken = append(taken, p)
		}
		for i, p := range taken {
			if bytes.Count(p, []byte{byte(i + 1)}) != len(p) {
				t.Errorf("slice %d was written over", i)
			}
		}
		if len(a.chunks) != 4 {
			t.Errorf("round %d: %d chunks", round, len(a.chunks))
		}
		a.reset()
	}
}

func repetition(offset, of int64, value string) event.Record {
	raw := event.Raw{Format: event.FormatRecorder, AccountID: "demo", EventID: idOf(of), ReceivedAt: 1_700_000_000_000, Value: []byte(value)}
	rec := raw.Record([]byte("demo|v"))
	rec.Partition, rec.Offset = 3, offset
	return rec
}

func TestABatchLeavesOutWhatPassedBefore(t *testing.T) {
	c := newClaim(newStream(t), &kafka.Claim{Partition: 3})
	fill := func(records ...event.Record) (offsets []int64, repeated, dead int) {
		t.Helper()
		b := &batch{fetched: &kafka.Batch{Records: records}}
		if offset, err := b.fill(&c.enriching); err != nil {
			t.Fatalf("offset %d: %v", offset, err)
		}
		for _, rec := range b.sources {
			offsets = append(offsets, rec.Offset)
		}
		return offsets, b.repeated, len(b.dead)
	}
	for _, step := range []struct {
		name           string
		records        []event.Record
		passed         []int64
		repeated, dead int
	}{
		{"in one batch", []event.Record{rawRecord(1, "a"), repetition(2, 1, "a"), rawRecord(3, "b")}, []int64{1, 3}, 1, 0},
		{"in a later one, with other bytes", []event.Record{repetition(4, 1, "c"), rawRecord(5, "d")}, []int64{5}, 1, 0},
		{"nothing but repetitions", []event.Record{repetition(6, 1, "a"), repetition(7, 3, "a")}, nil, 2, 0},
		{"of a dead event, which is no reason to leave out a good one", []event.Record{rawRecord(8, "dead"), repetition(9, 8, "fine"), repetition(10, 8, "fine")}, []int64{9}, 1, 1},
		{"the same batch, read again after a crash", []event.Record{rawRecord(1, "a"), repetition(2, 1, "a"), rawRecord(3, "b")}, []int64{1, 3}, 1, 0},
	} {
		passed, repeated, dead := fill(step.records...)
		if !slices.Equal(passed, step.passed) || repeated != step.repeated || dead != step.dead {
			t.Errorf("%s: offsets %v passed, want %v; %d repeated, %d dead", step.name, passed, step.passed, repeated, dead)
		}
	}
}

func TestABatchFilledAgainAfterABugDoesNotRepeatItself(t *testing.T) {
	s := newStream(t)
	c := newClaim(s, &kafka.Claim{Partition: 3})
	usual, failing := s.enrich, true
	c.enriching.enrich = func(raw *event.Raw, out *event.Enriched) error {
		if raw.Offset == 3 && failing {
			failing = false
			return errors.New("a bug")
		}
		return usual(raw, out)
	}
	b := &batch{fetched: &kafka.Batch{Records: []event.Record{rawRecord(1, "a"), repetition(2, 1, "a"), rawRecord(3, "b")}}}
	if err := c.enrichBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if len(b.enriched) != 2 || b.repeated != 1 {
		t.Errorf("%d enriched, %d repeated", len(b.enriched), b.repeated)
	}
}
