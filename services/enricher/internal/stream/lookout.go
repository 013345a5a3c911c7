package stream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
)

// lookEvery is how often the enriched topic and the sink's group are looked at, once for all partitions.
const lookEvery = 5 * time.Second

// lookLater is how much longer it takes to the next look after one that failed.
const lookLater = 25 * time.Second

// A lookout looks beyond the enriched topic: how far the sink has stored what lies there, and whether it is still the same log. Where
// nothing is produced nobody else would notice.
type lookout struct {
	last atomic.Pointer[sight] // nil before the first

	mu     sync.Mutex // held while somebody looks
	tried  time.Time
	denied bool // the warning was given
}

// A sight is what was seen, all of it after a moment.
type sight struct {
	since    time.Time
	enriched uuid.UUID
	ends     []int64           // of the enriched partitions
	sink     []checkpoint.Sink // by partition; empty where it could not be asked
}

// look takes a new sight when the last one is old and nobody else does.
func (s *Stream) look(ctx context.Context) {
	l := &s.sink
	if !l.mu.TryLock() {
		return
	}
	defer l.mu.Unlock()
	if time.Since(l.tried) < lookEvery {
		return
	}
	err := s.lookNow(ctx)
	if l.tried = time.Now(); err != nil && ctx.Err() == nil {
		l.tried = l.tried.Add(lookLater) // what waits for a broker keeps a partition from its records
		retrying(s.metrics, s.log, "sink")(err)
	}
}

// lookAfter sees to it that the last sight was taken after a moment.
func (s *Stream) lookAfter(ctx context.Context, moment time.Time) error {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	if seen := s.sink.last.Load(); seen != nil && seen.since.After(moment) {
		return nil
	}
	return s.lookNow(ctx)
}

// lookNow asks for the sink first: what it had stored then, it had read from what is looked at afterwards.
func (s *Stream) lookNow(ctx context.Context) error {
	seen := &sight{since: time.Now()}
	group := schemas.SinkGroup(s.settings.Region)
	committed, err := s.reader.Committed(ctx, group, s.topics.enriched)
	switch {
	case err == nil:
		for _, at := range committed {
			state, _ := checkpoint.ParseSink(at.Metadata, at.Offset) // one that cannot be read is no evidence
			seen.sink = append(seen.sink, state)
		}
	case kafka.Retriable(err):
		return err
	case !s.sink.denied:
		s.sink.denied = true
		s.log.Warn("the sink's group cannot be read, which takes the right to DESCRIBE it: if the enriched topic is lost, enriching begins again at the oldest raw record", zap.String("group", group), zap.Error(err))
	}
	of, err := s.reader.Offsets(ctx, s.topics.enriched)
	if err != nil {
		return err
	}
	for _, o := range of {
		seen.ends = append(seen.ends, o.End)
	}
	log, err := s.reader.Log(ctx, s.topics.enriched, 0)
	if err != nil {
		return err
	}
	seen.enriched = log.ID
	s.sink.last.Store(seen)
	return nil
}

// mark returns the sink's mark of the claim's raw log as it is now; the zero value when there is none.
func (c *claim) mark(ctx context.Context) (checkpoint.Mark, error) {
	begun := time.Now()
	if err := c.logs.ask(ctx, func() error { return c.stream.lookAfter(ctx, begun) }); err != nil {
		return checkpoint.Mark{}, err
	}
	m, _ := c.stream.sink.last.Load().mark(c.enriching.raw)
	return m, nil
}

// mark returns the sink's mark of a raw log, and the enriched log that it had read.
func (s *sight) mark(raw kafka.Log) (checkpoint.Mark, uuid.UUID) {
	if int(raw.Partition) >= len(s.sink) {
		return checkpoint.Mark{}, uuid.Nil
	}
	m, _ := s.sink[raw.Partition].Marks.Find(raw.ID)
	return m, s.sink[raw.Partition].Log
}

// An outlook is what a claim knows of what lies beyond its raw log.
type outlook struct {
	looked looked
	stored atomic.Int64 // checkpoint.Enricher's
}

// Looked is what a claim has made of the sights: seen is the last of them, and at the time since the enriched log reached end.
type looked struct {
	seen  *sight
	since time.Time
	end   int64
}

// watch looks out for the enriched log and the sink, every now and then. errEnrichedCut means that the log is another one, or shorter
// than it was.
func (c *claim) watch(ctx context.Context, next kafka.Position) error {
	raw := c.enriching.raw
	end, since := c.output.end.Load(), time.Now() // what is written after this is no part of what is seen
	c.stream.look(ctx)
	seen := c.stream.sink.last.Load()
	switch {
	case seen == c.outlook.looked.seen || int(raw.Partition) >= len(seen.ends):
		return nil
	case seen.since.After(c.outlook.looked.since) && (seen.enriched != c.output.log.ID || seen.ends[raw.Partition] < c.outlook.looked.end):
		return fmt.Errorf("%s has %d records on partition %d: %w", c.output.log.Topic, seen.ends[raw.Partition], raw.Partition, errEnrichedCut)
	}
	c.outlook.looked = looked{seen, since, end}
	m, on := seen.mark(raw)
	if m.Topic != raw.ID || m.Epoch != c.enriching.epoch || on != c.output.log.ID {
		return nil
	}
	// A mark of an earlier leader epoch, or further on than we are, may lie on what the log has lost since.
	if m.LeaderEpoch != next.LeaderEpoch || m.Offset >= next.Offset {
		lies := c.logs.reader.Verify(ctx, raw, kafka.Position{Offset: m.Offset + 1, LeaderEpoch: m.LeaderEpoch})
		if err := c.logs.reader.Verify(ctx, raw, next); otherLog(err) { // a new leader was asked for the mark only
			return err
		}
		if lies != nil {
			return nil
		}
	}
	c.outlook.stored.Store(max(c.outlook.stored.Load(), m.Offset+1))
	return nil
}
