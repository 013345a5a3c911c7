package stream

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A claim is one partition in one generation: its loop, and the parts of it. The bookmark alone commits.
type claim struct {
	stream    *Stream
	monitor   *monitor
	logs      *logs
	bookmark  *bookmark
	enriching enriching
	output    output
	burial    burial
	outlook   outlook
	// from is where enriching begins.
	from kafka.Position
	// top is the highest place that the window had at the begin. Where enriching goes on below it, what comes must agree with it.
	top kafka.Position
	// behind is true when the last fetch left records behind.
	behind bool
	// sawCut is true when the enriched log was found to be cut, until a begin has made up for it.
	sawCut bool
}

// consume handles one partition until ctx, its generation, ends. What it commits goes to commits.
func (s *Stream) consume(ctx context.Context, assigned *kafka.Claim, commits committer) error {
	c, err := s.claim(assigned, commits)
	if err != nil {
		return err
	}
	defer c.monitor.end()
	return c.run(ctx)
}

// claim puts a claim's parts together.
func (s *Stream) claim(assigned *kafka.Claim, commits committer) (*claim, error) {
	m := &monitor{
		partition: assigned.Partition, metrics: s.metrics, held: &s.held, progress: &s.progress,
		log: s.log.With(zap.Int32("partition", assigned.Partition), zap.Int32("generation", assigned.Generation)),
	}
	mark, err := newBookmark(assigned, commits, m)
	if err != nil {
		return nil, err
	}
	l := &logs{reader: s.reader, options: s.settings.Fetch, monitor: m}
	raw := kafka.Log{Topic: assigned.Topic, Partition: assigned.Partition}
	enriched := kafka.Log{Topic: s.topics.enriched, Partition: assigned.Partition}
	return &claim{
		stream: s, monitor: m, logs: l, bookmark: mark,
		enriching: enriching{enrich: s.enrich, region: s.settings.Region, most: s.settings.MaxRecordBytes, metrics: s.metrics, raw: raw},
		output:    output{logs: l, writer: s.writer, monitor: m, log: enriched},
		burial:    burial{writer: s.writer, topic: s.topics.dead, monitor: m},
	}, nil
}

// run works until ctx ends. When one of the logs turns out to be another one than it began on, it begins anew.
func (c *claim) run(ctx context.Context) error {
	c.monitor.moved()
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
		c.monitor.log.Warn("a log has changed: beginning anew", zap.Error(err))
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
	drain, stop := retry.Outlive(ctx, c.stream.settings.Drain)
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
	c.behind = true // nobody has looked
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

// enrichBatch enriches b. A bug must neither lose the event nor kill the process and with it every other partition: the
// partition is held, loudly, and tried again.
func (c *claim) enrichBatch(ctx context.Context, b *batch) error {
	pause := newBackoff()
	for {
		var err error
		if b.erasures, err = c.stream.erasures.Await(ctx); err != nil {
			return err
		}
		started := time.Now()
		offset, err := b.fill(&c.enriching)
		if err == nil {
			c.monitor.held.release(c.monitor.partition)
			c.monitor.metrics.enriched(b, started)
			return nil
		}
		c.monitor.metrics.bugs.Inc()
		c.monitor.held.hold(c.monitor.partition, offset)
		c.monitor.log.Error("a bug in enrichment holds the partition", zap.Int64("offset", offset), zap.Error(err))
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
