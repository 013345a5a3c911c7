package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// The model runs the real loop against a cluster of one partition in memory. Owners crash at a chosen call and others follow; then
// the logs are held against what the package promises.

// A crash ends an owner at its nth call of op.
type crash struct {
	op string // offsets, fetch, produce, send or commit
	n  int    // from 1
	// how much of the call is done. before: nothing; half: the front of its records; after: all, without an answer; late: all, while others own
	// the partition. refused and unanswered are before and after of a call that fails for good in a process that lives.
	how string
	// later counts the calls of the next owners before the late write lands.
	later int
}

// A cluster is what outlives owners.
type cluster struct {
	mu        sync.Mutex
	raw       []event.Record
	enriched  []event.Record
	dead      []event.Record
	committed int64
	metadata  string
	late      []lateWrite
	fetch     int // raw records at once
	problems  []string
}

type lateWrite struct {
	calls   int
	records []event.Record
}

// An owner is a member while it has the partition.
type owner struct {
	*cluster
	crash  crash
	calls  map[string]int
	gone   bool
	finish context.CancelFunc
}

var errGone = fmt.Errorf("the process is gone: %w", kafka.ErrClosed)

// call does effect, all of it or what the crash leaves of it. effect is told which part of n records to do.
func (o *owner) call(op string, records []event.Record, effect func([]event.Record)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gone {
		return errGone
	}
	o.land(false)
	if o.calls[op]++; op != o.crash.op || o.calls[op] != o.crash.n {
		effect(records)
		return nil
	}
	o.gone = o.crash.how != "refused" && o.crash.how != "unanswered"
	switch o.crash.how {
	case "half":
		if len(records) > 1 {
			effect(records[:len(records)/2])
		}
	case "after", "unanswered":
		effect(records)
	case "late":
		if op == "produce" {
			o.late = append(o.late, lateWrite{o.crash.later, clones(records)})
		}
	}
	return errGone
}

// land lets late writes happen whose time has come.
func (c *cluster) land(all bool) {
	c.late = slices.DeleteFunc(c.late, func(l lateWrite) bool { return all && c.append(l.records) || l.calls <= 0 && c.append(l.records) })
	for i := range c.late {
		c.late[i].calls--
	}
}

func (c *cluster) append(records []event.Record) bool {
	c.enriched = append(c.enriched, clones(records)...)
	return true
}

func clones(records []event.Record) []event.Record {
	out := make([]event.Record, len(records))
	for i, rec := range records {
		out[i] = event.Record{Timestamp: rec.Timestamp, Key: slices.Clone(rec.Key), Value: slices.Clone(rec.Value)}
	}
	return out
}

func (o *owner) Partitions(context.Context, string) (int, error) { return 1, nil }

func (o *owner) Offsets(context.Context, string) (out []kafka.PartitionOffsets, err error) {
	err = o.call("offsets", nil, func([]event.Record) { out = []kafka.PartitionOffsets{{End: int64(len(o.enriched))}} })
	return out, err
}

func (o *owner) OffsetsAt(_ context.Context, _ string, at time.Time) (out []int64, err error) {
	err = o.call("offsets", nil, func([]event.Record) {
		i := slices.IndexFunc(o.enriched, func(rec event.Record) bool { return rec.Timestamp >= at.UnixMilli() })
		if i < 0 {
			i = len(o.enriched)
		}
		out = []int64{int64(i)}
	})
	return out, err
}

func (o *owner) Fetch(ctx context.Context, topic string, _ int32, offset int64, _ kafka.FetchOptions) (b *kafka.Batch, err error) {
	err = o.call("fetch", nil, func([]event.Record) {
		log := o.enriched
		if topic == "raw" {
			log = o.raw
		}
		end := min(int(offset)+o.fetch, len(log))
		b = &kafka.Batch{Next: int64(end), HighWatermark: int64(len(log))}
		for i, rec := range log[offset:end] {
			rec.Offset = offset + int64(i)
			b.Records = append(b.Records, rec)
		}
	})
	if err == nil && len(b.Records) == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return b, err
}

func (o *owner) Produce(_ context.Context, _ string, _ int32, records []event.Record) (int64, error) {
	return 0, o.call("produce", records, func(part []event.Record) { o.append(part) })
}

func (o *owner) Send(_ context.Context, _ string, records []event.Record) error {
	return o.call("send", records, func(part []event.Record) { o.dead = append(o.dead, clones(part)...) })
}

func (o *owner) Commit(_ context.Context, offset int64, metadata string) error {
	return o.call("commit", nil, func([]event.Record) {
		o.committed, o.metadata = offset, metadata
		o.problems = append(o.problems, o.check(offset)...)
		if int(offset) == len(o.raw) {
			o.finish()
		}
	})
}

// check returns what is wrong once every raw record before end is committed.
func (c *cluster) check(end int64) (problems []string) {
	passed := make(map[uuid.UUID][]int64)
	mark := checkpoint.Nowhere
	for _, rec := range c.enriched {
		o, err := parseOrigin(rec.Value)
		if err != nil {
			return []string{err.Error()}
		}
		if at := (checkpoint.Source{Epoch: o.epoch, Offset: o.offset}); at.After(mark) {
			mark = at
			passed[o.eventID] = append(passed[o.eventID], o.offset)
		}
	}
	buried := make(map[int64]bool)
	for _, rec := range c.dead {
		var d event.Dead
		if err := d.UnmarshalVT(rec.Value); err != nil {
			return []string{err.Error()}
		}
		buried[d.Offset] = true
	}
	// A visitor's id is looked for where it came first alive.
	first := make(map[uuid.UUID]int64)
	for i := range c.raw[:end] {
		var raw event.Raw
		rec := c.raw[i]
		rec.Offset = int64(i)
		if err := event.ParseRaw(&rec, &raw); err != nil {
			return []string{err.Error()}
		}
		if string(raw.Value) == "unknown" {
			if got := len(passed[raw.EventID]); got > 1 || got == 0 && !buried[raw.Offset] {
				problems = append(problems, fmt.Sprintf("the event at raw offset %d, unknown to the first owner only, passes %d times and is no dead letter", i, got))
			}
			continue
		}
		if string(raw.Value) == "dead" {
			if !buried[raw.Offset] && first[raw.EventID] == 0 { // 0: not yet alive, see below
				problems = append(problems, fmt.Sprintf("the dead event at raw offset %d is lost", i))
			}
			continue
		}
		if first[raw.EventID] == 0 {
			first[raw.EventID] = raw.Offset + 1
		}
	}
	for id, offset := range first {
		if got := passed[id]; !slices.Equal(got, []int64{offset - 1}) {
			problems = append(problems, fmt.Sprintf("the event that came first at raw offset %d passes at %v", offset-1, got))
		}
	}
	return problems
}

// run lets owners crash one after the other, the last one not, and returns what was wrong at any commit or at the end.
func (c *cluster) run(base *Stream, crashes []crash) []string {
	c.committed = -1
	for number, at := range append(slices.Clone(crashes), crash{}) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		o := &owner{cluster: c, crash: at, calls: make(map[string]int), finish: cancel}
		s := &Stream{
			Settings: Settings{Region: "us", MaxRecordBytes: 10_000, Drain: 10 * time.Second, Window: Window{time.Hour, 1000}},
			raw:      "raw", enriched: "enriched", dead: "dead", reader: o, writer: o, log: zap.NewNop(), metrics: base.metrics,
			enrich: func(raw *event.Raw, out *event.Enriched) error {
				if number == 0 && string(raw.Value) == "unknown" {
					return event.Reject(event.ReasonUnknownAccount, errors.New("not in the accounts file yet"))
				}
				return base.enrich(raw, out)
			},
		}
		if int(c.committed) == len(c.raw) {
			cancel() // the crash took only the answer to the last commit
		}
		err := s.consume(ctx, &kafka.Claim{Topic: "raw", Offset: c.committed, Metadata: c.metadata}, o)
		if err != nil && !errors.Is(err, errGone) {
			c.problems = append(c.problems, err.Error())
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			c.problems = append(c.problems, "the loop does not end")
		}
		cancel()
	}
	c.land(true)
	if int(c.committed) != len(c.raw) {
		c.problems = append(c.problems, fmt.Sprintf("committed %d of %d", c.committed, len(c.raw)))
	}
	return append(c.problems, c.check(int64(len(c.raw)))...)
}

// history makes a raw log: event 7 is id 7, -7 a dead one of that id, 0 one of its own that only the first owner takes for dead.
func history(ids ...int) []event.Record {
	out := make([]event.Record, len(ids))
	for i, id := range ids {
		value := "fine"
		if id < 0 {
			id, value = -id, "dead"
		}
		if id == 0 {
			id, value = 1000+i, "unknown"
		}
		out[i] = repetition(int64(i), int64(id), value)
		out[i].Partition = 0
	}
	return out
}

func TestEveryCrashLeavesEachEventOnce(t *testing.T) {
	base := newStream(t)
	runs := 0
	for _, op := range []string{"offsets", "fetch", "produce", "send", "commit"} {
		for n := 1; n <= 8; n++ {
			for _, how := range []string{"before", "half", "after", "late", "refused", "unanswered"} {
				for later := range 16 {
					if how != "late" && later > 0 || how == "late" && op != "produce" {
						break
					}
					one := crash{op, n, how, later}
					for _, crashes := range [][]crash{{one}, {one, {"produce", 1, "half", 0}}, {one, {"commit", 1, "before", 0}, {"produce", 2, "late", later}}} {
						c := &cluster{raw: history(1, 2, 1, -3, 3, 2, 0, 4, 5, 4, -6, -6, 1, 0, 3, 3, 7), fetch: 3}
						runs++
						if problems := c.run(base, crashes); problems != nil {
							t.Fatalf("crashes %+v: %q", crashes, problems)
						}
					}
				}
			}
		}
	}
	t.Logf("%d runs", runs)
}

func TestAnyCrashesLeaveEachEventOnce(t *testing.T) {
	base := newStream(t)
	rapid.Check(t, func(t *rapid.T) {
		c := &cluster{
			raw:   history(rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -10, 0}), 1, 40).Draw(t, "events")...),
			fetch: rapid.IntRange(1, 10).Draw(t, "fetch"),
		}
		crashes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) crash {
			return crash{
				rapid.SampledFrom([]string{"offsets", "fetch", "produce", "send", "commit"}).Draw(t, "op"), rapid.IntRange(1, 6).Draw(t, "n"),
				rapid.SampledFrom([]string{"before", "half", "after", "late", "refused", "unanswered"}).Draw(t, "how"), rapid.IntRange(0, 30).Draw(t, "later"),
			}
		}), 0, 5).Draw(t, "crashes")
		if problems := c.run(base, crashes); problems != nil {
			t.Fatalf("%q", problems)
		}
	})
}
