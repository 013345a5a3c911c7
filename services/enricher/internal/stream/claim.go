package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

// A claim is one partition in one generation.
type claim struct {
	*Stream
	*kafka.Claim
	commits committer
	epoch   uint32         // of every event
	recent  *recent.Window // changed by fill only
	log     *zap.Logger
}

// consume handles one partition until ctx, its generation, ends. Two batches are in hand at most: while one is forwarded, the
// next is fetched and enriched.
func (s *Stream) consume(ctx context.Context, assigned *kafka.Claim, commits committer) error {
	at, err := checkpoint.ParseEnricher(assigned.Metadata)
	if err != nil {
		return fmt.Errorf("offset %d: %w", assigned.Offset, err)
	}
	c := &claim{
		Stream: s, Claim: assigned, commits: commits, epoch: at.Epoch, recent: recent.New(s.Window.Span, s.Window.Events),
		log: s.log.With(zap.Int32("partition", assigned.Partition), zap.Int32("generation", assigned.Generation)),
	}
	defer c.metrics.forget(c.Partition)
	defer c.held.release(c.Partition)
	defer c.progress.forget(c.Partition)
	// Partitions can be added while we run, and this generation may have one that the enriched topic lacks still.
	if err := persist(ctx, c.watchRetries("partitions", c.log), func() error { return c.checkPartitions(ctx) }); err != nil {
		return err
	}
	c.progress.touch(c.Partition, time.Now())
	if err := c.remember(ctx); err != nil {
		return endOr(ctx, err)
	}
	drain, stop := retry.Outlive(ctx, c.Drain)
	defer stop()

	ready, free := make(chan *batch), make(chan *batch, 2)
	free <- new(batch)
	free <- new(batch)
	group, fillCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(ready)
		return c.fill(fillCtx, free, ready)
	})
	group.Go(func() error {
		for b := range ready {
			if err := c.forward(drain, b); err != nil {
				return err
			}
			b.release()
			free <- b
		}
		return nil
	})
	return endOr(ctx, group.Wait())
}

// fill fetches and enriches batch after batch. What it holds when ctx ends is dropped: it was not committed.
func (c *claim) fill(ctx context.Context, free <-chan *batch, ready chan<- *batch) error {
	next := max(c.Offset, 0)
	for {
		var b *batch
		select {
		case <-ctx.Done():
			return nil
		case b = <-free:
		}
		if err := c.fetch(ctx, next, b); err != nil {
			return endOr(ctx, err)
		}
		next = b.next
		if err := c.enrichBatch(ctx, b); err != nil {
			b.release()
			return endOr(ctx, err)
		}
		select {
		case <-ctx.Done():
			b.release()
			return nil
		case ready <- b:
		}
	}
}

// fetch waits for the records from offset next on. It returns only with progress: some records, or an offset past control
// records.
func (c *claim) fetch(ctx context.Context, next int64, b *batch) error {
	for {
		started := time.Now()
		var fetched *kafka.Batch
		err := persist(ctx, c.watchRetries("fetch", c.log), func() (err error) {
			fetched, err = c.reader.Fetch(ctx, c.Topic, c.Partition, next, c.Fetch)
			return err
		})
		var outOfRange *kafka.OffsetOutOfRange
		switch {
		case errors.As(err, &outOfRange):
			c.lost(next, outOfRange.Start)
			next = outOfRange.Start
			continue
		case err != nil:
			return fmt.Errorf("fetch %s/%d from %d: %w", c.Topic, c.Partition, next, err)
		}
		c.progress.touch(c.Partition, time.Now())
		c.metrics.lag(c.Partition, fetched.HighWatermark-fetched.Next)
		if len(fetched.Records) == 0 && fetched.Next == next {
			fetched.Release()
			continue
		}
		c.metrics.step("fetch", started)
		b.fetched, b.from, b.next = fetched, next, fetched.Next
		return nil
	}
}

// lost reports the records between the committed offset and the oldest one that the broker still has. With nothing
// committed the group is new, and the log's start is where it belongs.
func (c *claim) lost(next, logStart int64) {
	switch {
	case c.Offset < 0:
		c.log.Info("the group is new: starting at the log's start", zap.Int64("offset", logStart))
	case next < logStart:
		c.metrics.lostToRetention.Add(float64(logStart - next))
		c.log.Error("records were deleted by the topic's retention before they were enriched",
			zap.Int64("from_offset", next), zap.Int64("to_offset", logStart-1), zap.Int64("records_at_most", logStart-next))
	default:
		c.metrics.rewinds.Inc()
		c.log.Error("the committed offset lies beyond the log's end: the topic was made anew or truncated. Enriching it from its start; the sink leaves out what is not above what it has stored: "+
			"if the topic was made anew, run waymarkctl reenrich, which raises the epoch",
			zap.Int64("committed_offset", next), zap.Int64("log_start", logStart))
	}
	c.Offset = max(c.Offset, 0)
}

// enrichBatch enriches b. A bug must neither lose the event nor kill the process and with it every other partition: the
// partition is held, loudly, and tried again.
func (c *claim) enrichBatch(ctx context.Context, b *batch) error {
	pause := newBackoff()
	for {
		started := time.Now()
		offset, err := b.fill(c)
		if err == nil {
			c.held.release(c.Partition)
			c.metrics.enriched(b, started)
			return nil
		}
		c.metrics.bugs.Inc()
		c.held.hold(c.Partition, offset)
		c.log.Error("a bug in enrichment holds the partition", zap.Int64("offset", offset), zap.Error(err))
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
}

// endOr returns nil when ctx has ended: what failed then was not committed, and whoever owns the partition next meets the
// same fault if it lasts.
func endOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
