package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A partition is one claim's loop.
type partition struct {
	*Loader
	claim   *kafka.Claim
	commits committer
	log     *zap.Logger
	state   checkpoint.Sink
	// next is the offset to fetch next.
	next int64
	// fresh is true until something is committed: the group has never been here.
	fresh bool
	// owed is true while everything below next is stored and not yet committed.
	owed bool
	// pressure makes batches grow.
	pressure pressure
	// intent is what was committed for the batch in hand, at offset; confirmed is when a coordinator was last asked and then said that
	// the generation still holds. It reads the monotonic clock, which runs on while the process is stopped.
	offset    int64
	intent    checkpoint.Sink
	confirmed time.Time
}

func (p *partition) run(ctx context.Context) error {
	work, stop := retry.Outlive(ctx, p.Drain)
	defer stop()
	if p.state.Next > 0 {
		if err := p.replay(ctx, work); err != nil {
			return ended(ctx, err)
		}
	}
	for ctx.Err() == nil {
		b, err := p.form(ctx, work)
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case b == nil:
			continue
		}
		err = p.store(work, b)
		b.release()
		if err != nil {
			return ended(ctx, err)
		}
	}
	return ended(ctx, p.settle(work))
}

// ended leaves an error out when the partition was to end anyhow: its batch is not committed and comes again, to its next owner.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, errOperator) {
		return nil
	}
	return err
}

// form fetches until a batch is complete. It returns nil when there was nothing to fetch; what is owed is committed then.
func (p *partition) form(ctx, work context.Context) (*batch, error) {
	b := p.newBatch(p.next)
	var started time.Time
	rows, bytes, age := p.pressure.limits(&p.Settings)
	for {
		wait := p.Fetch.MaxWait
		if !b.empty() {
			if wait = min(wait, age-time.Since(started)); wait <= 0 {
				break
			}
		}
		fetched, held, err := p.fetch(ctx, wait, b)
		switch {
		case errors.Is(err, errNoMemory):
			return b.orNil(), nil
		case err != nil && ctx.Err() != nil, err != nil && b.empty():
			p.next = b.from // what was fetched is not stored: it must not be committed as such
			b.release()
			return nil, err
		case err != nil: // the next round meets it again
			return b, nil
		case fetched == nil && b.empty():
			b.release()
			return nil, p.settle(work)
		case fetched == nil:
			continue
		}
		if started.IsZero() {
			started = time.Now()
		}
		if b.empty() {
			b.from = p.next // the log may begin after the offset asked for
		}
		if err := b.add(fetched, held, 0); err != nil {
			b.release()
			return nil, err
		}
		p.next = fetched.Next
		if b.rows.Len() >= rows || b.bytes >= bytes || time.Since(started) >= age {
			break
		}
	}
	return b, nil
}

// store intends and inserts b.
func (p *partition) store(work context.Context, b *batch) error {
	if p.AtLeastOnce {
		return p.storeAtLeastOnce(work, b)
	}
	p.step("formed")
	if err := p.commit(work, b.from, checkpoint.Sink{Next: b.to, Source: p.state.Source, Superseded: p.state.Superseded}); err != nil {
		return err
	}
	p.step("intended")
	return p.insert(work, b, func(work context.Context, b *batch) error {
		return p.insertPiece(work, b, 0, 0, b.rows.Len())
	})
}

// insert stores b's rows by means of send, buries what cannot be stored, and notes that its end is to be committed.
func (p *partition) insert(work context.Context, b *batch, send func(context.Context, *batch) error) error {
	if err := p.bury(work, b.dead); err != nil {
		return err
	}
	b.leaveOutSuperseded()
	if err := p.leaveOutRepeats(work, b); err != nil {
		return err
	}
	if b.rows.Len() > 0 {
		if err := p.inserts.Acquire(work, 1); err != nil {
			return err
		}
		err := p.persist(work, b, send)
		p.inserts.Release(1)
		if err != nil {
			return err
		}
	}
	p.step("stored")
	p.state = checkpoint.Sink{Source: b.source, Superseded: b.superseded}
	p.owed = true
	p.metrics.stored(b)
	return nil
}

// persist calls send until the rows are stored or somebody is needed. After a failure the block may be stored all the same, and a long
// time may pass until ClickHouse can be reached, so every further try looks first what is there.
func (p *partition) persist(work context.Context, b *batch, send func(context.Context, *batch) error) error {
	backoff := retry.Backoff{First: 100 * time.Millisecond, Last: 15 * time.Second}
	failed := false
	for {
		err := p.deleteSuperseded(work, b)
		if err == nil {
			err = send(work, b)
		}
		var passing *passingError
		if !errors.As(err, &passing) {
			if err == nil && !failed {
				p.pressure.eased()
			}
			p.metrics.setScale(p.claim.Topic, p.claim.Partition, p.pressure.scale)
			return err
		}
		failed = true
		p.pressure.felt(err)
		p.metrics.setScale(p.claim.Topic, p.claim.Partition, p.pressure.scale)
		p.metrics.retries.WithLabelValues("insert").Inc()
		p.log.Warn("cannot insert; trying again", zap.Int("rows", b.rows.Len()), zap.String("token", b.token()), zap.Error(err))
		if err := backoff.Wait(work); err != nil {
			return err
		}
		send = p.complete
	}
}

// settle commits what is stored, without an intent.
func (p *partition) settle(work context.Context) error {
	if !p.owed {
		return nil
	}
	if err := p.commit(work, p.next, p.state); err != nil {
		return err
	}
	p.step("settled")
	return nil
}

// confirm returns nil when this member may insert: its generation held within the last half of a session, or holds now. No other
// member can have been given the partition in less than a session or a rebalance; later one may have, stored the batch, and gone on
// until ClickHouse remembers no token of it. A member that was stopped and goes on notices here.
func (p *partition) confirm(work context.Context) error {
	if time.Since(p.confirmed) < p.sure() {
		return nil
	}
	p.step("confirming")
	return p.commit(work, p.offset, p.intent)
}

// sure is how long an answer of the coordinator's or of a read-back may be relied on.
func (p *partition) sure() time.Duration {
	return min(p.Group.SessionTimeout, p.Group.RebalanceTimeout) / 2
}

// step tells a test where the partition is.
func (p *partition) step(name string) {
	if p.Step != nil {
		p.Step(name)
	}
}

// commit tries until the coordinator answers, or the work must end: while it is away the generation ends of itself.
func (p *partition) commit(work context.Context, offset int64, state checkpoint.Sink) error {
	for {
		asked := time.Now()
		err := p.commits.Commit(work, offset, state.String())
		switch {
		case err == nil:
			p.fresh, p.owed = false, false
			p.offset, p.intent, p.confirmed = offset, state, asked
			return nil
		case errors.Is(err, kafka.ErrFenced), work.Err() != nil:
			return err
		case !kafka.Retriable(err):
			return operator(err)
		}
		p.metrics.retries.WithLabelValues("commit").Inc()
		p.log.Warn("cannot commit; trying again", zap.Error(err))
	}
}

// lost reports records that the topic's retention deleted before they were stored. In a new group they are no loss: the log's
// start is where it belongs.
func (p *partition) lost(at int64, e *kafka.OffsetOutOfRange) error {
	switch {
	case p.fresh:
		p.log.Info("the group is new: starting at the log's start", zap.Int64("offset", e.Start))
	case at < e.Start:
		p.metrics.lost.Add(float64(e.Start - at))
		p.log.Error("records were deleted by the topic's retention before they were stored",
			zap.Int64("from", at), zap.Int64("to", e.Start-1), zap.Int64("records_at_most", e.Start-at))
	default:
		return operator(fmt.Errorf("the committed offset %d lies beyond the end of %s/%d at %d: the topic was made anew; reset the group's offsets on purpose",
			at, e.Topic, e.Partition, e.End))
	}
	return nil
}

// forget takes the partition's gauges away and gives back what it holds.
func (p *partition) forget() {
	p.metrics.forget(p.claim.Topic, p.claim.Partition)
}
