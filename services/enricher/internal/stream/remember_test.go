package stream

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

// A fetchFunc is a reader of nothing but records.
type fetchFunc func(offset int64) (*kafka.Batch, error)

func (f fetchFunc) Partitions(context.Context, string) (int, error) { return 1, nil }
func (f fetchFunc) Offsets(context.Context, string) ([]kafka.PartitionOffsets, error) {
	return []kafka.PartitionOffsets{{End: 6}}, nil
}
func (f fetchFunc) OffsetsAt(context.Context, string, time.Time) ([]int64, error) {
	return []int64{0}, nil
}
func (f fetchFunc) Log(context.Context, string, int32) (kafka.Log, error)   { return kafka.Log{}, nil }
func (f fetchFunc) Verify(context.Context, kafka.Log, kafka.Position) error { return nil }
func (f fetchFunc) Committed(context.Context, string, string) ([]kafka.Commitment, error) {
	return nil, nil
}
func (f fetchFunc) Fetch(_ context.Context, _ kafka.Log, offset int64, _ kafka.FetchOptions) (*kafka.Batch, error) {
	return f(offset)
}

// The log may change while its end is read: what is there counts, and reading ends.
func TestReadingTheEnrichedEndMeetsALogThatChanges(t *testing.T) {
	records := func(offsets ...int64) []event.Record {
		out := make([]event.Record, len(offsets))
		for i, offset := range offsets {
			out[i].Offset = offset
		}
		return out
	}
	whole := func(offset int64) (*kafka.Batch, error) {
		return &kafka.Batch{Records: records(offset, offset+1), Next: offset + 2, HighWatermark: 9}, nil
	}
	for name, c := range map[string]struct {
		fetch fetchFunc
		want  []int64
		fails bool
	}{
		"more was written than the end that was asked for": {whole, []int64{2, 3, 4}, false},
		"retention took the front": {func(offset int64) (*kafka.Batch, error) {
			if offset < 4 {
				return nil, &kafka.OffsetOutOfRange{Offset: offset, Start: 4, End: 9}
			}
			return whole(offset)
		}, []int64{4}, false},
		"a new leader has less: past its end": {func(offset int64) (*kafka.Batch, error) { return nil, &kafka.OffsetOutOfRange{Offset: offset, End: 1} }, nil, false},
		"a new leader has less: just its end": {func(offset int64) (*kafka.Batch, error) {
			return &kafka.Batch{Next: offset, HighWatermark: offset}, nil
		}, nil, false},
		"control records only, up to the end": {func(offset int64) (*kafka.Batch, error) { return &kafka.Batch{Next: offset + 1, HighWatermark: 9}, nil }, nil, false},
		"what waiting does not fix is passed": {func(int64) (*kafka.Batch, error) { return nil, kafka.ErrCorrupt }, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStream(t)
			s.reader = c.fetch
			var got []int64
			err := newClaim(s, new(kafka.Claim)).output.read(t.Context(), 2, 5, func(rec *event.Record) error {
				got = append(got, rec.Offset)
				return nil
			})
			if !slices.Equal(got, c.want) || errors.Is(err, kafka.ErrCorrupt) != c.fails || (err != nil) != c.fails {
				t.Errorf("visited %v, want %v; error %v", got, c.want, err)
			}
		})
	}
}

func TestAlienRecordsOnTheEnrichedTopicAreCountedAndPassedOver(t *testing.T) {
	c := newClaim(newStream(t), new(kafka.Claim))
	c.logs.reader = fetchFunc(nil)
	known := tail{claim: c, window: recent.New(time.Minute, 10), epoch: 4, ends: make(map[int32]int64)}
	id := idOf(1)
	value, err := (&event.Enriched{EventId: id[:], RawOffset: 7, Epoch: 4, RawTopicId: rawID[:]}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range []event.Record{{Value: []byte("?"), Offset: 3}, {Value: value, Key: []byte("k"), Offset: 4}, {Offset: 5}} {
		if err := known.add(t.Context(), &rec); err != nil {
			t.Fatal(err)
		}
	}
	if known.alien != 2 || known.firstErr == nil || !known.window.Repeats(id, []byte("k"), 8) || known.window.Repeats(id, []byte("k"), 7) {
		t.Errorf("%d alien records (%v)", known.alien, known.firstErr)
	}
}

// What lies on the enriched partition of another raw log, or of what this one lost, passed before every record that the raw log has.
func TestWhatIsNotOnTheRawLogIsRememberedBeforeAllOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		record *event.Enriched
		at     int64 // of a raw record with the same event
		want   bool
	}{
		"the same record, read again":                  {&event.Enriched{RawTopicId: rawID[:], RawLeaderEpoch: 1, RawOffset: 7}, 7, false},
		"a later one":                                  {&event.Enriched{RawTopicId: rawID[:], RawLeaderEpoch: 1, RawOffset: 7}, 8, true},
		"of another log, further on":                   {&event.Enriched{RawTopicId: enrichedID[:], RawLeaderEpoch: 1, RawOffset: 900}, 0, true},
		"of no log that it names":                      {&event.Enriched{RawOffset: 900}, 0, true},
		"at the offset of a record that the log lost":  {&event.Enriched{RawTopicId: rawID[:], RawLeaderEpoch: 0, RawOffset: 5}, 5, true},
		"behind where its epoch ends":                  {&event.Enriched{RawTopicId: rawID[:], RawLeaderEpoch: 0, RawOffset: 9}, 5, true},
		"before where its epoch ends, read once again": {&event.Enriched{RawTopicId: rawID[:], RawLeaderEpoch: 0, RawOffset: 4}, 4, false},
		"of a lower epoch":                             {&event.Enriched{RawTopicId: rawID[:], RawLeaderEpoch: 1, RawOffset: 7, Epoch: 3}, 8, false},
	} {
		t.Run(name, func(t *testing.T) {
			claim := newClaim(newStream(t), new(kafka.Claim))
			claim.logs.reader = endsAt{0: 5, 1: 1000}
			known := tail{claim: claim, window: recent.New(time.Minute, 10), epoch: 4, ends: make(map[int32]int64)}
			id := idOf(1)
			if c.record.EventId = id[:]; c.record.Epoch == 0 {
				c.record.Epoch = 4
			}
			value, err := c.record.MarshalVT()
			if err != nil {
				t.Fatal(err)
			}
			if err := known.add(t.Context(), &event.Record{Value: value, Key: []byte("k")}); err != nil {
				t.Fatal(err)
			}
			if got := known.window.Repeats(id, []byte("k"), c.at); got != c.want {
				t.Errorf("a repetition: %v", got)
			}
		})
	}
}

// endsAt knows where leader epochs end.
type endsAt map[int32]int64

func (e endsAt) Verify(_ context.Context, log kafka.Log, at kafka.Position) error {
	if end := e[at.LeaderEpoch]; end < at.Offset {
		return &kafka.Truncated{Topic: log.Topic, Offset: at.Offset, To: end}
	}
	return nil
}
func (endsAt) Partitions(context.Context, string) (int, error)                       { return 1, nil }
func (endsAt) Offsets(context.Context, string) ([]kafka.PartitionOffsets, error)     { return nil, nil }
func (endsAt) OffsetsAt(context.Context, string, time.Time) ([]int64, error)         { return nil, nil }
func (endsAt) Log(context.Context, string, int32) (kafka.Log, error)                 { return kafka.Log{}, nil }
func (endsAt) Committed(context.Context, string, string) ([]kafka.Commitment, error) { return nil, nil }
func (endsAt) Fetch(context.Context, kafka.Log, int64, kafka.FetchOptions) (*kafka.Batch, error) {
	return nil, errors.New("no records")
}
