package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// begin finds out where to go on.
func (p *partition) begin(ctx context.Context) error {
	var e evidence
	err := p.persist(ctx, "claim", func() (err error) {
		e, err = p.look(ctx)
		return err
	})
	if err != nil {
		return err
	}
	c := resume(e)
	p.known = c.state
	if p.known.Era == 0 {
		p.known.Era = time.Now().UnixMilli()
	}
	p.reader.begin(c)
	if c.say != "" {
		p.monitor.log.Warn(c.say)
		p.monitor.metrics.resumed.Inc()
	}
	if c.doubt {
		p.known.Marks, err = p.readback.doubtAll(ctx, p.known.Marks)
	}
	return err
}

// look gathers what resume decides on.
func (p *partition) look(ctx context.Context) (evidence, error) {
	before, err := p.reader.open(ctx)
	if err != nil {
		return evidence{}, err
	}
	if p.reader.log.ID != before {
		p.fence.passed(before)
	}
	return p.reader.inspect(ctx, p.fence.offset, p.fence.memory)
}

// open finds the log that has the topic's name now, and returns the id of the one that was read before; uuid.Nil for none.
func (r *reader) open(ctx context.Context) (before uuid.UUID, err error) {
	log, err := r.fetcher.Log(ctx, r.log.Topic, r.log.Partition)
	if err != nil {
		return uuid.Nil, err // the one before stays known
	}
	before, r.log = r.log.ID, log
	return before, nil
}

// inspect looks what the log has of what was committed.
func (r *reader) inspect(ctx context.Context, offset int64, memory *checkpoint.Sink) (e evidence, err error) {
	e = evidence{offset: offset, memory: memory, log: r.log.ID, cut: -1}
	if e.start, e.end, err = r.fetcher.Bounds(ctx, r.log); err != nil {
		return e, err
	}
	at := kafka.Position{LeaderEpoch: kafka.NoLeaderEpoch}
	switch {
	case memory == nil || memory.Log != e.log: // nothing is known of this log
	case memory.Next > 0:
		at = kafka.Position{Offset: memory.Next, LeaderEpoch: memory.NextLeaderEpoch}
	default:
		at = kafka.Position{Offset: offset, LeaderEpoch: memory.LeaderEpoch}
	}
	var truncated *kafka.Truncated
	switch err = r.fetcher.Verify(ctx, r.log, at); {
	case errors.As(err, &truncated):
		e.cut, e.cutEpoch, err = truncated.To, truncated.LeaderEpoch, nil
	case errors.Is(err, kafka.ErrLogGone): // just now: asked for again
		err = fmt.Errorf("%s: %w", r.log.Topic, errUnsettled)
	}
	return e, err
}

// errUnsettled means that the brokers do not agree yet on what a topic is.
var errUnsettled = errors.New("the topic is just being made anew")

// persist does something until it succeeds, ctx ends, or only an operator can help.
func (p *partition) persist(ctx context.Context, step string, do func() error) error {
	trying := retry.Policy{First: 50 * time.Millisecond, Last: 10 * time.Second, Passes: kafka.Retriable, Notice: func(err error) {
		p.monitor.retried(step)
		p.monitor.progress.Failing("the "+step+" of "+p.monitor.topic, err)
		p.monitor.log.Warn("trying again", zap.String("step", step), zap.Error(err))
	}}
	switch err := trying.Do(ctx, do); {
	case err == nil:
		p.monitor.progress.Working()
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return operator(fmt.Errorf("%s: %w", step, err))
	}
}
