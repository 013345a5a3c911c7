package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
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
	log     *zap.Logger

	// committed is the last offset that is known to be committed, and at what was committed beside it.
	committed int64
	at        checkpoint.Enricher
	foreign   bool // at is another tool's
	// sawCut is true when the enriched log was found to be cut, until a begin has made up for it.
	sawCut bool

	stretch
}

// A stretch is a claim's work on one pair of logs, from one begin on.
type stretch struct {
	raw, enriched kafka.Log
	from          kafka.Position // where it begins
	epoch         uint32         // of every event
	recent        *recent.Window // changed by fill only
	// top is the highest place that recent had at the begin. Where enriching goes on below it, what comes must agree with it.
	top kafka.Position
	// written is the offset after the last record of this raw log that an owner is known to have written, 0 when there is none.
	written int64
	// end is what the enriched log was seen to reach. It never reaches less, unless it was cut.
	end    atomic.Int64
	stored atomic.Int64 // checkpoint.Enricher's
	looked looked
}

// consume handles one partition until ctx, its generation, ends. When one of its logs turns out to be another one than it began on, it
// begins anew.
func (s *Stream) consume(ctx context.Context, assigned *kafka.Claim, commits committer) error {
	at, err := checkpoint.ParseEnricher(assigned.Metadata)
	foreign := errors.Is(err, checkpoint.ErrForeign)
	if err != nil && !foreign {
		return fmt.Errorf("offset %d: %w", assigned.Offset, err)
	}
	c := &claim{
		Stream: s, Claim: assigned, commits: commits, committed: assigned.Offset, at: at, foreign: foreign,
		log: s.log.With(zap.Int32("partition", assigned.Partition), zap.Int32("generation", assigned.Generation)),
	}
	defer c.metrics.forget(c.Partition)
	defer c.held.release(c.Partition)
	defer c.progress.forget(c.Partition)
	c.progress.touch(c.Partition, time.Now())
	pause := newBackoff()
	for {
		err := c.begin(ctx)
		if err == nil {
			pause = newBackoff()
			err = c.work(ctx)
		}
		if !otherLog(err) || ctx.Err() != nil {
			return endOr(ctx, err)
		}
		c.sawCut = c.sawCut || errors.Is(err, errEnrichedCut)
		c.log.Warn("a log has changed: beginning anew", zap.Error(err))
		if err := pause.Wait(ctx); err != nil {
			return nil
		}
	}
}

// errEnrichedCut means that the enriched log lacks what was on it: it was made anew or truncated.
var errEnrichedCut = errors.New("the enriched log ends before what was written to it")

// otherLog tells whether err says that a log is not the one, or not as long, as was relied on.
func otherLog(err error) bool {
	var truncated *kafka.Truncated
	return errors.Is(err, kafka.ErrLogGone) || errors.As(err, &truncated) || errors.Is(err, errEnrichedCut)
}

// work enriches from c.from on. Two batches are in hand at most: while one is forwarded, the next is fetched and enriched.
func (c *claim) work(ctx context.Context) error {
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
	return group.Wait()
}

// fill fetches and enriches batch after batch. What it holds when ctx ends is dropped: it was not committed.
func (c *claim) fill(ctx context.Context, free <-chan *batch, ready chan<- *batch) error {
	next := c.from
	for ctx.Err() == nil {
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
		if err := c.enrichBatch(ctx, b); err != nil || ctx.Err() != nil {
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
	return nil
}

// fetch waits for the records from next on. It returns only with progress: some records, or an offset past control records.
func (c *claim) fetch(ctx context.Context, next kafka.Position, b *batch) error {
	for {
		if err := c.watch(ctx, next); err != nil {
			return err
		}
		started := time.Now()
		var fetched *kafka.Batch
		err := persist(ctx, c.watchRetries("fetch", c.log), func() (err error) {
			if fetched, err = c.fetchOnce(ctx, c.raw, next); err == nil {
				err = c.contradicted(fetched)
			}
			return err
		})
		var outOfRange *kafka.OffsetOutOfRange
		switch {
		case errors.As(err, &outOfRange) && next.Offset < outOfRange.Start:
			c.report(&report{level: zap.ErrorLevel, lost: true, topic: c.raw.ID, from: next.Offset, to: outOfRange.Start, retention: true,
				text: "records were deleted by the topic's retention before they were enriched"})
			next = kafka.Position{Offset: outOfRange.Start, LeaderEpoch: kafka.NoLeaderEpoch}
			continue
		case errors.As(err, &outOfRange):
			return &kafka.Truncated{Topic: c.Topic, Partition: c.Partition, Offset: next.Offset, To: outOfRange.End, LeaderEpoch: kafka.NoLeaderEpoch}
		case err != nil:
			return fmt.Errorf("fetch %s/%d from %d: %w", c.Topic, c.Partition, next.Offset, err)
		}
		c.progress.touch(c.Partition, time.Now())
		c.metrics.lag(c.Partition, fetched.HighWatermark-fetched.Next)
		if len(fetched.Records) == 0 && fetched.Next == next.Offset {
			fetched.Release()
			continue
		}
		if fetched.Holes > 0 {
			c.metrics.holes.Add(float64(fetched.Holes))
			c.log.Error("the raw log has offsets without a record: it was compacted, or records were taken out of it. They are not enriched",
				zap.Int64("from_offset", next.Offset), zap.Int64("to_offset", fetched.Next-1), zap.Int64("missing", fetched.Holes))
		}
		c.metrics.step("fetch", started)
		b.fetched, b.from, b.next = fetched, next.Offset, kafka.Position{Offset: fetched.Next, LeaderEpoch: fetched.LeaderEpoch}
		if b.next.LeaderEpoch == kafka.NoLeaderEpoch {
			b.next.LeaderEpoch = next.LeaderEpoch
		}
		return nil
	}
}

// fetchOnce sees to it that what it returns follows on what lies before the position. An election breaks the fetches that are under way, until
// Verify has found out what the new leader's log has; but it may also fall between two of them: then the next records come under a higher
// leader epoch, and the log may have parted from ours before them.
func (c *claim) fetchOnce(ctx context.Context, log kafka.Log, at kafka.Position) (*kafka.Batch, error) {
	fetched, err := c.reader.Fetch(ctx, log, at.Offset, c.Fetch)
	if err != nil {
		if changed := c.reader.Verify(ctx, log, at); otherLog(changed) {
			return nil, changed
		}
		return nil, err
	}
	if fetched.LeaderEpoch == kafka.NoLeaderEpoch || fetched.LeaderEpoch == at.LeaderEpoch {
		return fetched, nil
	}
	err = c.reader.Verify(ctx, log, at)
	if err == nil { // who was elected after the fetch was asked only for what lies before it
		err = c.reader.Verify(ctx, log, kafka.Position{Offset: fetched.Next, LeaderEpoch: fetched.LeaderEpoch})
	}
	if err != nil {
		fetched.Release()
		return nil, err
	}
	return fetched, nil
}

// contradicted returns *kafka.Truncated when other records lie now where the window has some, further on than enriching goes on: an election
// since the begin has cut those off. The new ones would be taken for them.
func (c *claim) contradicted(fetched *kafka.Batch) error {
	for i := range fetched.Records {
		rec := &fetched.Records[i]
		if rec.Offset > c.top.Offset {
			break
		}
		if rec.LeaderEpoch > c.top.LeaderEpoch {
			fetched.Release()
			return &kafka.Truncated{Topic: c.Topic, Partition: c.Partition, Offset: c.top.Offset + 1, To: rec.Offset, LeaderEpoch: c.top.LeaderEpoch}
		}
	}
	return nil
}

// enrichBatch enriches b. A bug must neither lose the event nor kill the process and with it every other partition: the
// partition is held, loudly, and tried again.
func (c *claim) enrichBatch(ctx context.Context, b *batch) error {
	pause := newBackoff()
	for {
		var err error
		if b.erasures, err = c.erasures.Await(ctx); err != nil {
			return err
		}
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
