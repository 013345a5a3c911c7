package stream

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// begin finds out where the claim goes on, says so, and fills its window. A log that changes while it is looked at is an error that otherLog
// tells of: look again.
func (c *claim) begin(ctx context.Context) error {
	started := time.Now()
	// Partitions can be added while we run, and this generation may have one that the enriched topic lacks still.
	if err := c.logs.ask(ctx, func() error { return c.stream.checkPartitions(ctx) }); err != nil {
		return err
	}
	e, seen, err := c.gather(ctx)
	if err != nil {
		return err
	}
	d := c.stream.resume(e)
	c.from, c.enriching.epoch, c.output.written = d.Position, d.epoch, d.written
	c.output.end.Store(e.enriched.end)
	c.outlook.looked = looked{c.stream.sink.last.Load(), time.Now(), e.enriched.end}
	c.outlook.stored.Store(d.stored)
	if seen.epoch != c.enriching.epoch {
		if seen, err = c.remember(ctx, e.enriched, c.enriching.epoch); err != nil {
			return err
		}
	}
	c.enriching.recent, c.top = seen.window, seen.top
	// At once: what they rest on may be gone when this begin has to be repeated.
	for i := range d.reports {
		c.report(&d.reports[i])
	}
	if err := c.completeFrom(ctx, e.raw, d.most); err != nil {
		return err
	}
	// A leader may have been elected since the first of these questions, and what it cut off was looked at before. Later elections are fetch's.
	if err := c.logs.verify(ctx, c.enriching.raw, c.from); err != nil {
		return err
	}
	if d.commit {
		if err := c.commit(ctx, c.from); err != nil {
			return err
		}
	}
	c.monitor.metrics.step("remember", started)
	c.monitor.log.Info("claimed", zap.Int64("offset", c.from.Offset), zap.Uint32("epoch", c.enriching.epoch), zap.Int("events_remembered", c.enriching.recent.Len()), zap.Duration("took", time.Since(started)))
	return nil
}

// completeFrom asks the raw log for the leader epoch of the record before the place where the claim begins, so that a truncation below it is
// noticed. most is the highest one it can have, unless it is below 0; above it, the log was cut just now.
func (c *claim) completeFrom(ctx context.Context, raw bounds, most int32) error {
	before := c.from.Offset - 1
	if c.from.LeaderEpoch != kafka.NoLeaderEpoch || before < raw.start {
		return nil
	}
	return c.logs.ask(ctx, func() error {
		fetched, err := c.logs.fetch(ctx, c.enriching.raw, kafka.Position{Offset: before, LeaderEpoch: kafka.NoLeaderEpoch})
		var outOfRange *kafka.OffsetOutOfRange
		switch {
		case errors.As(err, &outOfRange) && before < outOfRange.Start:
			return nil // retention took it
		case errors.As(err, &outOfRange):
			return &kafka.Truncated{Topic: c.enriching.raw.Topic, Partition: c.enriching.raw.Partition, Offset: c.from.Offset, To: outOfRange.End, LeaderEpoch: kafka.NoLeaderEpoch}
		case err != nil:
			return err
		}
		defer fetched.Release()
		if fetched.Next == before { // it ends there now
			return &kafka.Truncated{Topic: c.enriching.raw.Topic, Partition: c.enriching.raw.Partition, Offset: c.from.Offset, To: before, LeaderEpoch: kafka.NoLeaderEpoch}
		}
		if len(fetched.Records) > 0 && fetched.Records[0].Offset == before {
			c.from.LeaderEpoch = fetched.Records[0].LeaderEpoch
		}
		if most >= 0 && c.from.LeaderEpoch > most {
			return &kafka.Truncated{Topic: c.enriching.raw.Topic, Partition: c.enriching.raw.Partition, Offset: c.from.Offset, To: before, LeaderEpoch: kafka.NoLeaderEpoch}
		}
		return nil
	})
}

// gather asks for all that resume wants to know. The order matters: what was read of the enriched partition and of the sink is held
// against the raw log as it is after it, and the topics' ids are asked for before all and after all.
func (c *claim) gather(ctx context.Context) (evidence, *tail, error) {
	mark := c.bookmark
	e := evidence{region: c.stream.settings.Region, partition: c.monitor.partition, committed: mark.offset.Load(), at: mark.at, foreign: mark.foreign, cut: -1}
	before := c.output.log.ID
	if err := c.identify(ctx); err != nil {
		return e, nil, err
	}
	stored, err := c.mark(ctx)
	if err != nil {
		return e, nil, err
	}
	if e.enriched, err = c.logs.bounds(ctx, c.output.log); err != nil {
		return e, nil, err
	}
	if had := c.output.end.Load(); had > 0 && (c.output.log.ID != before || e.enriched.end < had) {
		c.sawCut = true
		c.output.end.Store(0)
	}
	e.replaced = c.sawCut
	seen, err := c.remember(ctx, e.enriched, max(e.at.Epoch, stored.Epoch))
	if err != nil {
		return e, nil, err
	}
	e.tail, e.stranger = seen.last, seen.stranger
	if e.mark, err = c.settledAt(ctx, stored.Source, seen.ends); err != nil {
		return e, nil, err
	}
	if e.at.Log == c.enriching.raw.ID {
		if err := c.verifyCommitted(ctx, &e); err != nil {
			return e, nil, err
		}
	}
	if e.raw, err = c.logs.bounds(ctx, c.enriching.raw); err != nil {
		return e, nil, err
	}
	switch {
	case e.at.Log != c.enriching.raw.ID || e.cut >= 0 || e.committed <= e.raw.end:
	case e.at.LeaderEpoch == kafka.NoLeaderEpoch:
		e.cut = e.raw.end
	default: // The leader has it. Just elected, it may not tell yet how far all replicas are (KIP-207).
		e.raw.end = e.committed
	}
	return e, seen, c.logs.verify(ctx, c.output.log, kafka.Position{})
}

// identify finds the logs that have the topics' names now.
func (c *claim) identify(ctx context.Context) error {
	return c.logs.ask(ctx, func() error {
		raw, err := c.logs.reader.Log(ctx, c.enriching.raw.Topic, c.enriching.raw.Partition)
		if err != nil {
			return err
		}
		enriched, err := c.logs.reader.Log(ctx, c.output.log.Topic, c.output.log.Partition)
		if err != nil {
			return err
		}
		c.enriching.raw, c.output.log = raw, enriched
		return nil
	})
}

// verifyCommitted looks whether the logs still have what the committed offset rests on.
func (c *claim) verifyCommitted(ctx context.Context, e *evidence) error {
	err := c.logs.verify(ctx, c.enriching.raw, kafka.Position{Offset: e.committed, LeaderEpoch: e.at.LeaderEpoch})
	var truncated *kafka.Truncated
	switch {
	case errors.As(err, &truncated):
		e.cut = truncated.To
	case err != nil:
		return err
	}
	if last := e.at.Written - 1; e.at.Enriched == c.output.log.ID && last >= e.enriched.start && last < e.enriched.end {
		err := c.output.read(ctx, last, e.at.Written, func(rec *event.Record) error {
			o, err := parseOrigin(rec.Value)
			e.replaced = e.replaced || err != nil || o.Topic != e.at.Log || o.Epoch >= e.at.Epoch && o.Offset >= e.committed
			return nil
		})
		return err
	}
	return nil
}

// settledAt finds out where a source's leader epoch ends on the raw log. ends are those that are known.
func (c *claim) settledAt(ctx context.Context, source checkpoint.Source, ends map[int32]int64) (settled, error) {
	if source.Topic == uuid.Nil || source.Offset < 0 {
		return settled{}, nil
	}
	end, known := ends[source.LeaderEpoch]
	if !known {
		// The end of the log is behind every place, so that the answer is where the epoch ends.
		err := c.logs.verify(ctx, c.enriching.raw, kafka.Position{Offset: math.MaxInt64, LeaderEpoch: source.LeaderEpoch})
		var truncated *kafka.Truncated
		switch end = math.MaxInt64; {
		case errors.As(err, &truncated):
			end = truncated.To
		case err != nil:
			return settled{}, err
		}
		ends[source.LeaderEpoch] = end
	}
	return settled{Source: source, end: end}, nil
}

// report says what was decided, counts it, and what is lost by it.
func (c *claim) report(r *report) {
	fields := []zap.Field{zap.Int64("committed_offset", c.bookmark.offset.Load()), zap.Int64("begins_at", c.from.Offset), zap.Uint32("epoch", c.enriching.epoch), zap.Stringer("raw_topic_id", c.enriching.raw.ID)}
	if r.lost {
		fields = append(fields, zap.Stringer("of_topic_id", r.topic), zap.Int64("from_offset", r.from))
		if r.to != open {
			fields = append(fields, zap.Int64("to_offset", r.to-1), zap.Int64("records_at_most", r.to-r.from))
		}
	}
	if r.retention {
		c.monitor.metrics.lostToRetention.Add(float64(r.to - r.from))
	}
	if r.cause != "" {
		c.monitor.metrics.rewinds.WithLabelValues(r.cause).Inc()
	}
	if entry := c.monitor.log.Check(r.level, r.text); entry != nil {
		entry.Write(fields...)
	}
}
