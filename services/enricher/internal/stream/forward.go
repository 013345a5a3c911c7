package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// forward makes b durable and then, only then, commits it.
//
// The dead letters go first. An enriched record tells the sink that everything before it is settled, and what an account, say, that
// is known after a crash makes of a dead event would come too late: it must lie on the dead topic by then. A crash between the
// two buries it a second time; the sink knows the place that a dead letter names, and stores one.
func (c *claim) forward(ctx context.Context, b *batch) error {
	if err := c.obey(ctx, b); err != nil {
		return err
	}
	if err := c.burial.bury(ctx, b, &c.enriching, b.dead); err != nil {
		return err
	}
	if err := c.produce(ctx, b); err != nil {
		return fmt.Errorf("produce to %s/%d: %w", c.output.log.Topic, c.output.log.Partition, err)
	}
	started := time.Now()
	if err := c.commit(ctx, b.next); err != nil {
		return err
	}
	c.monitor.metrics.step("commit", started)
	c.monitor.metrics.forwarded(b)
	return nil
}

// commit says that everything before next is settled.
func (c *claim) commit(ctx context.Context, next kafka.Position) error {
	raw := c.enriching.raw
	err := c.bookmark.move(ctx, next.Offset, checkpoint.Enricher{
		Epoch: c.enriching.epoch, Log: raw.ID, LeaderEpoch: next.LeaderEpoch,
		Enriched: c.output.log.ID, Written: c.output.written, Stored: min(c.outlook.stored.Load(), next.Offset),
	})
	if err != nil {
		return fmt.Errorf("commit offset %d of %s/%d: %w", next.Offset, raw.Topic, raw.Partition, err)
	}
	c.sawCut = false
	return nil
}

// produce writes the enriched records to the partition of the same number.
func (c *claim) produce(ctx context.Context, b *batch) error {
	if len(b.enriched) == 0 {
		return nil
	}
	started := time.Now()
	// One request each time: only then its records lie together, and the place after the last one is known to be ours.
	for from := 0; from < len(b.enriched); {
		to, size := from, 0
		for ; to < len(b.enriched) && (to == from || size+framed(&b.enriched[to]) <= c.enriching.most); to++ {
			size += framed(&b.enriched[to])
		}
		if err := c.produceRange(ctx, b, from, to); err != nil {
			return err
		}
		from = to
	}
	c.monitor.metrics.step("produce", started)
	return nil
}

// produceRange writes the enriched records [from, to) in order. A record that the cluster refuses for its size, though it is
// within MaxRecordBytes, is found by bisection and becomes a dead letter like any other that cannot be used, before what follows
// it is written. It stays in the claim's window: the client's repetition would fare no better.
func (c *claim) produceRange(ctx context.Context, b *batch, from, to int) error {
	err := c.output.append(ctx, b.enriched[from:to])
	var tooLarge *kafka.RecordTooLarge
	switch {
	case !errors.As(err, &tooLarge): // or nil
		return err
	case to-from == 1:
		rec := b.sources[from]
		if err := event.ParseRaw(rec, &b.raw); err != nil {
			return fmt.Errorf("parse offset %d again: %w", rec.Offset, err)
		}
		why := event.Reject(event.ReasonTooLarge, errors.New("the enriched record is larger than its topic takes"))
		before := len(b.dead)
		if err := b.reject(&c.enriching, rec, event.StageEnrich, why); err != nil {
			return err
		}
		return c.burial.bury(ctx, b, &c.enriching, b.dead[before:])
	}
	middle := (from + to) / 2
	if err := c.produceRange(ctx, b, from, middle); err != nil {
		return err
	}
	return c.produceRange(ctx, b, middle, to)
}
