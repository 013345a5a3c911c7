package stream

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
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
func (f fetchFunc) Fetch(_ context.Context, _ string, _ int32, offset int64, _ kafka.FetchOptions) (*kafka.Batch, error) {
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
		"control records only, up to the end":  {func(offset int64) (*kafka.Batch, error) { return &kafka.Batch{Next: offset + 1, HighWatermark: 9}, nil }, nil, false},
		"what waiting does not mend is passed": {func(int64) (*kafka.Batch, error) { return nil, kafka.ErrCorrupt }, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStream(t)
			s.reader = c.fetch
			var got []int64
			err := newClaim(s, new(kafka.Claim)).readEnriched(t.Context(), 2, 5, func(rec *event.Record) { got = append(got, rec.Offset) })
			if !slices.Equal(got, c.want) || errors.Is(err, kafka.ErrCorrupt) != c.fails || (err != nil) != c.fails {
				t.Errorf("visited %v, want %v; error %v", got, c.want, err)
			}
		})
	}
}

func TestAlienRecordsOnTheEnrichedTopicAreCountedAndPassedOver(t *testing.T) {
	c := newClaim(newStream(t), new(kafka.Claim))
	known := tail{claim: c}
	id := idOf(1)
	value, err := (&event.Enriched{EventId: id[:], RawOffset: 7, Epoch: c.epoch}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	known.add(&event.Record{Value: []byte("?"), Offset: 3})
	known.add(&event.Record{Value: value, Key: []byte("k"), Offset: 4})
	known.add(&event.Record{Offset: 5})
	if known.alien != 2 || known.firstErr == nil || !c.recent.Repeats(id, []byte("k"), 8) {
		t.Errorf("%d alien records (%v)", known.alien, known.firstErr)
	}
}
