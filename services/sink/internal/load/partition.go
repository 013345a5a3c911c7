package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

// A partition is one claim's loop over one log.
type partition struct {
	*Loader
	claim   *kafka.Claim
	commits committer
	log     *zap.Logger
	// progress is told when nothing can be stored for long.
	progress *telemetry.Progress
	source   kafka.Log
	state    checkpoint.Sink
	// next is where to fetch next.
	next kafka.Position
	// fresh is true until something is committed: nothing before next was to be read.
	fresh bool
	// owed is true while everything below next is stored and not yet committed.
	owed bool
	// pressure makes batches grow.
	pressure pressure
	// offset is what is committed, -1 for nothing, and committed what stands beside it, nil when that is not ours; confirmed is when a
	// coordinator was last asked and then said that the generation still holds. It reads the monotonic clock, which runs on while the
	// process is stopped.
	offset    int64
	committed *checkpoint.Sink
	confirmed time.Time
	// sampled is when a batch was last read back though ClickHouse had acknowledged it.
	sampled time.Time
}

// consume loads one partition until its generation ends. What it commits goes to commits. When the log turns out to be another one, or to
// lack what lay before, it begins again from what is known then.
func (l *Loader) consume(ctx context.Context, claim *kafka.Claim, commits committer) error {
	p := &partition{
		Loader: l, claim: claim, commits: commits, offset: claim.Offset, progress: new(telemetry.Progress),
		log: l.log.With(zap.String("topic", claim.Topic), zap.Int32("partition", claim.Partition), zap.Int32("generation", claim.Generation)),
	}
	defer p.forget()
	if l.health != nil {
		p.progress = l.health.Progress()
		defer p.progress.End()
	}
	switch state, err := checkpoint.ParseSink(claim.Metadata, claim.Offset); {
	case err == nil:
		p.committed = &state
	case !errors.Is(err, checkpoint.ErrForeign):
		return operator(fmt.Errorf("offset %d: %w", claim.Offset, err))
	}
	for {
		work, stop := retry.Outlive(ctx, l.Drain)
		err := p.begin(ctx)
		if err == nil {
			err = p.run(ctx, work)
		}
		stop()
		var truncated *kafka.Truncated
		if ctx.Err() != nil || !errors.Is(err, kafka.ErrLogGone) && !errors.As(err, &truncated) {
			return ended(ctx, err)
		}
		p.log.Warn("the log is not what it was; looking at it anew", zap.Error(err))
	}
}

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
	p.state, p.fresh, p.owed = c.state, c.fresh, false
	if p.state.Era == 0 {
		p.state.Era = time.Now().UnixMilli()
	}
	p.next = kafka.Position{Offset: c.next, LeaderEpoch: c.state.LeaderEpoch}
	if c.say != "" {
		p.log.Warn(c.say)
		p.metrics.resumed.Inc()
	}
	if c.doubt {
		for _, m := range p.state.Marks {
			if m, err = p.ask(ctx, m); err != nil {
				return err
			}
			p.state.Marks = p.state.Marks.With(m)
		}
	}
	return nil
}

// look gathers what resume decides on.
func (p *partition) look(ctx context.Context) (e evidence, err error) {
	before := p.source.ID
	if p.source, err = p.fetcher.Log(ctx, p.claim.Topic, p.claim.Partition); err != nil {
		return e, err
	}
	if p.committed == nil && before != uuid.Nil && before != p.source.ID {
		p.offset = -1 // it was set for the log before
	}
	e = evidence{offset: p.offset, memory: p.committed, log: p.source.ID, cut: -1}
	if e.start, e.end, err = p.fetcher.Bounds(ctx, p.source); err != nil {
		return e, err
	}
	at := kafka.Position{LeaderEpoch: kafka.NoLeaderEpoch}
	switch m := p.committed; {
	case m == nil || m.Log != e.log: // nothing is known of this log
	case m.Next > 0:
		at = kafka.Position{Offset: m.Next, LeaderEpoch: m.NextLeaderEpoch}
	default:
		at = kafka.Position{Offset: p.offset, LeaderEpoch: m.LeaderEpoch}
	}
	var truncated *kafka.Truncated
	switch err = p.fetcher.Verify(ctx, p.source, at); {
	case errors.As(err, &truncated):
		e.cut, e.cutEpoch, err = truncated.To, truncated.LeaderEpoch, nil
	case errors.Is(err, kafka.ErrLogGone): // just now: asked for again
		err = fmt.Errorf("%s: %w", p.claim.Topic, errUnsettled)
	}
	return e, err
}

// errUnsettled means that the brokers do not agree yet on what a topic is.
var errUnsettled = errors.New("the topic is just being made anew")

// persist does something until it succeeds, ctx ends, or only an operator can help.
func (p *partition) persist(ctx context.Context, step string, do func() error) error {
	trying := retry.Policy{First: 50 * time.Millisecond, Last: 10 * time.Second, Passes: kafka.Retriable, Notice: func(err error) {
		p.metrics.retries.WithLabelValues(step).Inc()
		p.progress.Failing("the "+step+" of "+p.claim.Topic, err)
		p.log.Warn("trying again", zap.String("step", step), zap.Error(err))
	}}
	switch err := trying.Do(ctx, do); {
	case err == nil:
		p.progress.Working()
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return operator(fmt.Errorf("%s: %w", step, err))
	}
}

// ask completes a mark with what the table holds of its log.
func (p *partition) ask(ctx context.Context, m checkpoint.Mark) (checkpoint.Mark, error) {
	var last checkpoint.Source
	var highest int64
	err := p.askTable(ctx, func() (err error) {
		last, highest, err = p.latest(ctx, m.Topic)
		return err
	})
	if err != nil {
		return m, err
	}
	m.Doubt = last
	if last.Epoch > 0 { // rows of earlier epochs may lie among them
		m.Superseded = max(m.Superseded, highest+1)
	}
	if last.After(m.Source) {
		p.log.Warn("the table holds more of a raw log than this group remembers: it is asked for each row until that is passed; materialized views may lack some of what was inserted last",
			zap.Stringer("raw_topic_id", m.Topic), zap.Int64("stored_up_to_offset", last.Offset), zap.Uint32("epoch", last.Epoch))
	}
	return m, nil
}

// askTable asks until ClickHouse answers, ctx ends, or somebody is needed.
func (p *partition) askTable(ctx context.Context, question func() error) error {
	passes := func(err error) bool { return clickhouse.Classify(err) == clickhouse.Retriable }
	asking := retry.Policy{First: 100 * time.Millisecond, Last: 15 * time.Second, Passes: passes, Notice: func(err error) { p.notice("readback", err) }}
	err := asking.Do(ctx, question)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return operator(err)
	}
	return nil
}

// latest asks what the table holds of a raw log, once no insert of this partition is under way any more: one of a member that died would
// not be seen, and could not be told by its token from what is inserted next.
func (p *partition) latest(ctx context.Context, topic uuid.UUID) (last checkpoint.Source, highest int64, err error) {
	n, err := p.underWay(ctx)
	switch {
	case err != nil:
		return last, highest, err
	case n > 0:
		return last, highest, errUnderWay
	}
	return p.db.Latest(ctx, topic, p.claim.Partition)
}

// errUnderWay means that inserts of this partition that somebody sent before may still land.
var errUnderWay = errors.New("inserts of this partition are under way")

// underWay counts them. A user without the right to see what the server is busy with cannot: nothing but time then speaks for there being
// none, a session at least.
func (p *partition) underWay(ctx context.Context) (int, error) {
	n, err := p.db.UnderWay(ctx, fmt.Sprintf("%s/%%/%d/", p.claim.Topic, p.claim.Partition))
	if clickhouse.Classify(err) == clickhouse.Operator {
		p.blind.Do(func() {
			p.log.Warn("ClickHouse does not tell which inserts are under way: grant SELECT ON system.processes to the sink's user", zap.Error(err))
		})
		return 0, nil
	}
	return n, err
}

// quiet returns nil when no insert of this partition is under way.
func (p *partition) quiet(ctx context.Context) error {
	n, err := p.underWay(ctx)
	switch {
	case err != nil:
		return p.failed(err)
	case n > 0:
		return &passingError{errUnderWay}
	}
	return nil
}

func (p *partition) run(ctx, work context.Context) error {
	if p.state.Next > 0 {
		if err := p.replay(ctx, work); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		b, err := p.form(ctx, work)
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
		err = p.store(work, b)
		b.release()
		if err != nil {
			return err
		}
	}
	return p.settle(work)
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
	b := p.newBatch()
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
		p.next = b.to
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
	if err := p.acquaint(work, b); err != nil {
		return err
	}
	p.trace(b)
	if err := p.commit(work, b.from.Offset, p.intend(b)); err != nil {
		return err
	}
	p.step("intended")
	return p.insert(work, b)
}

// acquaint asks the table about the raw logs of b's rows that have no mark: it is a new log, or one whose mark was lost.
func (p *partition) acquaint(work context.Context, b *batch) error {
	if p.claim.Topic == p.DeadTopic {
		return nil
	}
	var last checkpoint.Source
	for i := range b.rows.Len() {
		s := b.rows.Origin(i)
		if s.Topic == last.Topic {
			continue
		}
		last = s
		if _, known := p.state.Marks.Find(s.Topic); known {
			continue
		}
		m, err := p.ask(work, checkpoint.NewMark(s.Topic))
		if err != nil {
			return err
		}
		p.state.Marks = p.state.Marks.With(m)
		if m.Doubt.Offset >= 0 && s.After(m.Doubt) && s.Offset > m.Doubt.Offset+1 {
			p.log.Warn("the log goes on behind what the table holds: raw records between are stored only if they were dead letters or repetitions; waymarkctl audit tells",
				zap.Stringer("raw_topic_id", s.Topic), zap.Int64("from_offset", m.Doubt.Offset+1), zap.Int64("to_offset", s.Offset-1))
		}
	}
	return nil
}

// intend is the state to commit before b is inserted.
func (p *partition) intend(b *batch) checkpoint.Sink {
	return checkpoint.Sink{
		Log: p.source.ID, Era: p.state.Era, LeaderEpoch: b.from.LeaderEpoch, Next: b.to.Offset, NextLeaderEpoch: b.to.LeaderEpoch, Replaces: len(b.replaced) > 0, Marks: p.state.Marks,
	}
}

// settle commits what is stored, without an intent.
func (p *partition) settle(work context.Context) error {
	if !p.owed {
		return nil
	}
	if err := p.commit(work, p.next.Offset, p.state); err != nil {
		return err
	}
	p.step("settled")
	return nil
}

// confirm returns nil when this member may insert: its generation held within the last half of a session, or holds now. No other
// member can have been given the partition in less than a session or a rebalance; later one may have, stored the batch, and gone on
// until ClickHouse remembers no token of it. A member that was stopped and goes on notices here.
func (p *partition) confirm(work context.Context) error {
	if time.Since(p.confirmed) < p.claimHolds {
		return nil
	}
	p.step("confirming")
	return p.commit(work, p.offset, *p.committed)
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
			p.offset, p.committed, p.confirmed = offset, &state, asked
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

// lost reports records that the topic's retention deleted before they were stored. Where nothing was read yet they are no loss: the log's
// start is where it belongs.
func (p *partition) lost(at int64, e *kafka.OffsetOutOfRange) error {
	switch {
	case at > e.End:
		return &kafka.Truncated{Topic: e.Topic, Partition: e.Partition, Offset: at, To: e.End, LeaderEpoch: kafka.NoLeaderEpoch}
	case p.fresh:
		p.log.Info("nothing was read of this log yet: beginning at its start", zap.Int64("offset", e.Start))
	default:
		p.metrics.lost.Add(float64(e.Start - at))
		p.log.Error("records were deleted by the topic's retention before they were stored",
			zap.Int64("from", at), zap.Int64("to", e.Start-1), zap.Int64("records_at_most", e.Start-at))
	}
	p.next = kafka.Position{Offset: e.Start, LeaderEpoch: kafka.NoLeaderEpoch}
	return nil
}

// forget takes the partition's gauges away and gives back what it holds.
func (p *partition) forget() {
	p.metrics.forget(p.claim.Topic, p.claim.Partition)
}
