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
	if err := c.obey(ctx, b); err != nil {
		return err
	}
	if err := c.bury(ctx, b, b.dead); err != nil {
		return err
	}
	if err := c.produce(ctx, b); err != nil {
		return fmt.Errorf("produce to %s/%d: %w", c.enriched.Topic, c.Partition, err)
	}
	started := time.Now()
	if err := c.commit(ctx, b.next); err != nil {
		return err
	}
	c.metrics.step("commit", started)
	c.metrics.forwarded(b)
	return nil
}

// commit says that everything before next is settled.
func (c *claim) commit(ctx context.Context, next kafka.Position) error {
	at := checkpoint.Enricher{
		Epoch: c.epoch, Log: c.raw.ID, LeaderEpoch: next.LeaderEpoch, Enriched: c.enriched.ID, Written: c.written, Stored: min(c.stored.Load(), next.Offset),
	}
	err := persist(ctx, c.watchRetries("commit", c.log), func() error { return c.commits.Commit(ctx, next.Offset, at.String()) })
	if err != nil {
		return fmt.Errorf("commit offset %d of %s/%d: %w", next.Offset, c.Topic, c.Partition, err)
	}
	c.committed, c.at, c.foreign, c.sawCut = next.Offset, at, false, false
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
		for ; to < len(b.enriched) && (to == from || size+framed(&b.enriched[to]) <= c.MaxRecordBytes); to++ {
			size += framed(&b.enriched[to])
		}
		if err := c.produceRange(ctx, b, from, to); err != nil {
			return err
		}
		from = to
	}
	c.metrics.step("produce", started)
	return nil
}

// produceRange writes the enriched records [from, to) in order. A record that the cluster refuses for its size, though it is
// within MaxRecordBytes, is found by bisection and becomes a dead letter like any other that cannot be used, before what follows
// it is written. It stays in the claim's window: the client's repetition would fare no better.
func (c *claim) produceRange(ctx context.Context, b *batch, from, to int) error {
	var base int64
	err := persist(ctx, c.watchRetries("produce", c.log), func() (err error) {
		base, err = c.writer.Produce(ctx, c.enriched.Topic, c.Partition, b.enriched[from:to])
		return err
	})
	var tooLarge *kafka.RecordTooLarge
	switch {
	case err == nil:
		return c.wrote(ctx, base, b.enriched[from:to])
	case !errors.As(err, &tooLarge):
		return err
	case to-from == 1:
		rec := b.sources[from]
		if err := event.ParseRaw(rec, &b.raw); err != nil {
			return fmt.Errorf("parse offset %d again: %w", rec.Offset, err)
		}
		why := event.Reject(event.ReasonTooLarge, errors.New("the enriched record is larger than its topic takes"))
		before := len(b.dead)
		if err := b.reject(c, rec, event.StageEnrich, why); err != nil {
			return err
		}
		return c.bury(ctx, b, b.dead[before:])
	}
	middle := (from + to) / 2
	if err := c.produceRange(ctx, b, from, middle); err != nil {
		return err
	}
	return c.produceRange(ctx, b, middle, to)
}

// wrote notes that records lie on the enriched log from base on. The log only grows: where base lies before what it had, the log is another
// one, or was cut.
func (c *claim) wrote(ctx context.Context, base int64, records []event.Record) error {
	had := c.end.Load()
	if base < 0 { // the leader has them from an earlier try, and no longer knows where
		last, err := c.find(ctx, &records[len(records)-1], had)
		if err != nil {
			return err
		}
		base = max(had, last+1-int64(len(records)))
	}
	if base < had {
		return fmt.Errorf("written at %d, after %d: %w", base, had, errEnrichedCut)
	}
	c.written = base + int64(len(records))
	c.end.Store(c.written)
	return nil
}

// find returns the offset of a record that was written to the enriched log, at from or after it. errEnrichedCut means that it is not there.
func (c *claim) find(ctx context.Context, written *event.Record, from int64) (int64, error) {
	sought, err := parseOrigin(written.Value)
	if err != nil {
		return -1, err
	}
	log, err := c.bounds(ctx, c.enriched)
	if err != nil {
		return -1, err
	}
	at := int64(-1)
	err = c.readEnriched(ctx, max(from, log.start), log.end, func(rec *event.Record) error {
		if o, err := parseOrigin(rec.Value); err == nil && o.Source == sought.Source {
			at = rec.Offset
		}
		return nil
	})
	if err == nil && at < 0 {
		err = fmt.Errorf("offset %d of the raw log was written and is not there: %w", sought.Offset, errEnrichedCut)
	}
	return at, err
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
			slim, makeErr := b.bury(c, d.source, d.stage, why, nil)
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
	return persist(ctx, c.watchRetries("bury", c.log), func() error { return c.writer.Send(ctx, c.dead, dead) })
}
