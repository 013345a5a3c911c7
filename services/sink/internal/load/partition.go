package load

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A partition is one claim's loop over one log. Its parts each own what they do: the reader the place in the log, the fence what is committed, the
// writer the way into the table, the burial the way to the dead topic.
type partition struct {
	reader   *reader
	fence    *fence
	readback *readback
	writer   *writer
	burial   *burial
	joiner   *joiner
	monitor  *monitor
	// drain bounds the work on the batch in hand when the claim ends.
	drain time.Duration
	// known is what is known of all that lies before the batch in hand: everything is stored.
	known checkpoint.Sink
}

// storing is how a batch is stored and acknowledged.
type storing func(p *partition, work context.Context, b *batch) error

// load goes on until ctx, the claim's generation, ends. When the log turns out to be another one, or to lack what lay before, it begins again
// from what is known then.
func (p *partition) load(ctx context.Context, store storing) error {
	for {
		work, stop := retry.Outlive(ctx, p.drain)
		err := p.begin(ctx)
		if err == nil {
			err = p.run(ctx, work, store)
		}
		stop()
		var truncated *kafka.Truncated
		if ctx.Err() != nil || !errors.Is(err, kafka.ErrLogGone) && !errors.As(err, &truncated) {
			return ended(ctx, err)
		}
		p.monitor.log.Warn("the log is not what it was; looking at it anew", zap.Error(err))
	}
}

// run completes an open intent, and then forms and stores batch after batch.
func (p *partition) run(ctx, work context.Context, store storing) error {
	if p.known.Next > 0 {
		if err := p.replay(ctx, work); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		b, err := p.reader.form(ctx, p.known)
		if b == nil && err == nil { // a quiet moment
			err = p.settle(work)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			// What is stored must be known before the log is looked at anew.
			if err := p.settle(work); err != nil {
				return err
			}
			return err
		case b == nil:
			continue
		}
		err = store(p, work, b)
		p.reader.release(b)
		if err != nil {
			return err
		}
	}
	return p.settle(work)
}

// store intends b, which acknowledges the batch before it, and then inserts it: with what other partitions have ready, or alone.
func (p *partition) store(work context.Context, b *batch) (err error) {
	p.monitor.step("formed")
	if p.known.Marks, err = p.readback.acquaint(work, b, p.known.Marks); err != nil {
		return err
	}
	b.trace(p.known.Marks)
	if p.joinable(b) {
		return p.storeJointly(work, b)
	}
	return p.storeAlone(work, b)
}

func (p *partition) storeAlone(work context.Context, b *batch) error {
	p.joiner.gone(b)
	if err := p.fence.intend(work, b.extent.from.Offset, p.intent(b)); err != nil {
		return err
	}
	p.reader.begun()
	p.monitor.step("intended")
	return p.deliver(work, newDelivery(b))
}

// replay completes the batch of an open intent: it reads the same offsets, makes the same rows, and asks the table which of them it
// has already.
func (p *partition) replay(ctx, work context.Context) error {
	p.monitor.metrics.replays.Inc()
	p.monitor.log.Info("an intent is open: its batch is completed", zap.Int64("from", p.reader.next.Offset), zap.Int64("to", p.known.Next))
	p.monitor.step("replaying")
	b, err := p.reader.reform(ctx, p.known)
	if err != nil {
		return err
	}
	defer p.reader.release(b)
	b.trace(p.known.Marks)
	d := newDelivery(b)
	d.replayed, d.halved, d.joint = true, p.known.Halved, p.known.Joint
	return p.deliver(work, d)
}

// deliver stores what an intent is open for: what makes no row goes to the dead topic, the rows into their table, and the next intent
// acknowledges both.
func (p *partition) deliver(work context.Context, d *delivery) error {
	b := d.batch
	if err := p.burial.bury(work, b.extent.log, b.rejected); err != nil {
		return err
	}
	if err := p.writer.write(work, d); err != nil {
		return err
	}
	p.monitor.inserted(b.rows.Len()-len(d.withheld.rows), b.kept.bytes)
	p.acknowledge(d)
	return nil
}

// acknowledge notes that d's batch is stored.
func (p *partition) acknowledge(d *delivery) {
	b := d.batch
	p.monitor.step("stored")
	fenced := p.known.Fenced
	if d.joint != nil && (d.halved || d.withheld.any()) {
		fenced = b.extent.to.Offset
	}
	p.known = checkpoint.Sink{
		Log: b.extent.log.ID, Era: b.extent.era, LeaderEpoch: b.extent.to.LeaderEpoch, NextLeaderEpoch: kafka.NoLeaderEpoch, Fenced: fenced, Marks: b.lineage.marks,
	}
	p.fence.owe(p.known)
	p.monitor.stored(b, len(d.withheld.rows))
}

// intent is what to commit before b is inserted.
func (p *partition) intent(b *batch) checkpoint.Sink {
	e := b.extent
	return checkpoint.Sink{
		Log: e.log.ID, Era: e.era, LeaderEpoch: e.from.LeaderEpoch, Next: e.to.Offset, NextLeaderEpoch: e.to.LeaderEpoch,
		Replaces: len(b.lineage.replaced) > 0, Fenced: p.known.Fenced, Marks: p.known.Marks,
	}
}

// settle commits what is stored, without an intent.
func (p *partition) settle(work context.Context) error {
	if p.fence.owed != nil && p.known.Fenced > 0 && p.writer.siblings.forget(work, p.known.Fenced) {
		p.known.Fenced = 0
		p.fence.owe(p.known)
		p.monitor.step("forgotten")
	}
	return p.fence.settle(work, p.reader.next.Offset)
}

// ended leaves an error out when the partition was to end anyhow: its batch is not committed and comes again, to its next owner.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, errOperator) {
		return nil
	}
	return err
}
