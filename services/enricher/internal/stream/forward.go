package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

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
	if err := c.bury(ctx, b, b.dead); err != nil {
		return err
	}
	if err := c.produce(ctx, b); err != nil {
		return fmt.Errorf("produce to %s/%d: %w", c.enriched, c.Partition, err)
	}
	started := time.Now()
	err := persist(ctx, c.watchRetries("commit", c.log), func() error { return c.commits.Commit(ctx, b.next, checkpoint.Enricher{Epoch: c.epoch}.String()) })
	if err != nil {
		return fmt.Errorf("commit offset %d of %s/%d: %w", b.next, c.Topic, c.Partition, err)
	}
	c.metrics.step("commit", started)
	c.metrics.forwarded(b)
	return nil
}

// produce writes the enriched records to the partition of the same number.
func (c *claim) produce(ctx context.Context, b *batch) error {
	if len(b.enriched) == 0 {
		return nil
	}
	started := time.Now()
	if err := c.produceRange(ctx, b, 0, len(b.enriched)); err != nil {
		return err
	}
	c.metrics.step("produce", started)
	return nil
}

// produceRange writes the enriched records [from, to) in order. A record that the cluster refuses for its size, though it is
// within MaxRecordBytes, is found by bisection and becomes a dead letter like any other that cannot be used, before what follows
// it is written. It stays in the claim's window: the client's repetition would fare no better.
func (c *claim) produceRange(ctx context.Context, b *batch, from, to int) error {
	err := persist(ctx, c.watchRetries("produce", c.log), func() error {
		_, err := c.writer.Produce(ctx, c.enriched, c.Partition, b.enriched[from:to])
		return err
	})
	var tooLarge *kafka.RecordTooLarge
	switch {
	case !errors.As(err, &tooLarge):
		return err
	case to-from == 1:
		rec := b.sources[from]
		if err := event.ParseRaw(rec, &b.raw); err != nil {
			return fmt.Errorf("parse offset %d again: %w", rec.Offset, err)
		}
		why := event.Reject(event.ReasonTooLarge, errors.New("the enriched record is larger than its topic takes"))
		if err := b.reject(c.Stream, rec, event.StageEnrich, why); err != nil {
			return err
		}
		return c.bury(ctx, b, b.dead[len(b.dead)-1:])
	}
	middle := (from + to) / 2
	if err := c.produceRange(ctx, b, from, middle); err != nil {
		return err
	}
	return c.produceRange(ctx, b, middle, to)
}

// bury writes dead records of b and waits until they are acknowledged.
func (c *claim) bury(ctx context.Context, b *batch, dead []deadRecord) error {
	if len(dead) == 0 {
		return nil
	}
	started := time.Now()
	records := make([]event.Record, len(dead))
	for i := range dead {
		records[i] = dead[i].Record
	}
	if err := c.send(ctx, records); err != nil {
		var tooLarge *kafka.RecordTooLarge
		if errors.As(err, &tooLarge) {
			err = c.buryOneByOne(ctx, b, dead)
		}
		if err != nil {
			return fmt.Errorf("produce to %s: %w", c.dead, err)
		}
	}
	c.metrics.step("bury", started)
	c.log.Info("events became dead letters", zap.Int("events", len(dead)), zap.String("first_reason", string(dead[0].why.Reason)),
		zap.Int64("first_offset", dead[0].source.Offset))
	return nil
}

// buryOneByOne leaves the original value out of those that the dead topic does not take whole: it still lies on the raw
// topic, where the dead record says.
func (c *claim) buryOneByOne(ctx context.Context, b *batch, dead []deadRecord) error {
	for _, d := range dead {
		err := c.send(ctx, []event.Record{d.Record})
		var tooLarge *kafka.RecordTooLarge
		if errors.As(err, &tooLarge) {
			_ = event.ParseRaw(d.source, &b.raw) // for its account and id, as far as they can be read
			why := &event.Rejection{Reason: d.why.Reason, Err: fmt.Errorf("%w (the value is too large for the dead letter)", d.why.Err)}
			slim, makeErr := b.bury(c.Stream, d.source, d.stage, why, nil)
			if makeErr != nil {
				return makeErr
			}
			err = c.send(ctx, []event.Record{slim})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *claim) send(ctx context.Context, dead []event.Record) error {
	return persist(ctx, c.watchRetries("bury", c.log), func() error { return c.writer.Send(ctx, c.Stream.dead, dead) })
}
