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
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// errOperator marks what only an operator can mend.
var errOperator = errors.New("stopped; nothing is lost, a restart goes on from here")

func operator(err error) error { return fmt.Errorf("%w (%w)", err, errOperator) }

// A passingError is a fault that time mends. Whether its insert landed is not known.
type passingError struct{ err error }

func (e *passingError) Error() string { return e.err.Error() }
func (e *passingError) Unwrap() error { return e.err }

// errStale means that what a read-back said of the deduplication window is too old to repeat an insert on.
var errStale = errors.New("too long since the table was read back")

// failed tells what an error of a look at ClickHouse asks for: another look, or somebody.
func (p *partition) failed(err error) error {
	if clickhouse.Classify(err) != clickhouse.Retriable {
		return operator(err)
	}
	return &passingError{err}
}

// notice counts and tells of a failure that is tried again.
func (p *partition) notice(step string, err error) {
	p.metrics.retries.WithLabelValues(step).Inc()
	p.progress.Failing("the "+step+" of ClickHouse", clickhouse.Brief(err))
	p.log.Warn("ClickHouse does not answer; trying again", zap.String("step", step), zap.Error(err))
}

// insert stores b's rows, buries what cannot be stored, and notes that its end is to be committed.
func (p *partition) insert(work context.Context, b *batch) error {
	if err := p.bury(work, b.dead); err != nil {
		return err
	}
	send := p.insertWhole
	if p.claim.Topic == p.DeadTopic {
		if err := p.leaveOutRepeats(work, b); err != nil {
			return err
		}
		send = p.complete // dead records are rare: the table is asked each time
	} else {
		b.leaveOutSuperseded()
	}
	if b.replayed || b.doubtful {
		send = p.complete
	}
	if b.rows.Len() > 0 {
		if err := p.inserts.Acquire(work, 1); err != nil {
			return err
		}
		err := p.storeRows(work, b, send)
		p.inserts.Release(1)
		if err != nil {
			return err
		}
	}
	p.step("stored")
	p.state = checkpoint.Sink{Log: p.source.ID, Era: p.state.Era, LeaderEpoch: b.to.LeaderEpoch, NextLeaderEpoch: kafka.NoLeaderEpoch, Marks: b.marks}
	p.owed = true
	p.metrics.stored(b)
	return nil
}

// storeRows calls send until the rows are stored or somebody is needed. After a failure the block may be stored all the same, and a long
// time may pass until ClickHouse can be reached, so every further try looks first what is there.
func (p *partition) storeRows(work context.Context, b *batch, send func(context.Context, *batch) error) error {
	backoff := retry.Backoff{First: 100 * time.Millisecond, Last: 15 * time.Second}
	failures := 0
	for {
		err := p.deleteSuperseded(work, b)
		if err == nil {
			err = send(work, b)
		}
		if err == nil {
			err = p.judge(work, b)
		}
		var passing *passingError
		if !errors.As(err, &passing) {
			if err == nil && failures == 0 {
				p.pressure.eased()
			}
			p.metrics.setScale(p.claim.Topic, p.claim.Partition, p.pressure.scale)
			if err == nil {
				p.progress.Working()
				p.sample(work, b)
			}
			return err
		}
		if errors.Is(err, errStale) { // nothing failed: finding the refused rows took longer than a look at the table holds
			send = p.complete
			continue
		}
		// A table that was changed may refuse everything with errors that pass elsewhere.
		if problem := p.db.Check(work); clickhouse.Classify(problem) == clickhouse.Operator {
			return operator(problem)
		}
		// An error of no known class may be about values, too.
		if failures++; failures >= unknownFailures {
			if err := p.search(work, b, err); err != nil && !errors.As(err, &passing) {
				return err
			}
		}
		p.progress.Failing("the insert into "+b.rows.Table(), clickhouse.Brief(err))
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

// unknownFailures is how often a batch fails with errors that should pass before the values of its rows are looked at.
const unknownFailures = 4

// insertWhole is the first try of a batch that nobody has tried before.
func (p *partition) insertWhole(work context.Context, b *batch) error {
	return p.insertPiece(work, b, 0, 0, b.rows.Len())
}

// insertPiece inserts the rows of [from, to) that are of month, or all of them for month 0, once; a *passingError asks for another look
// and another try. Where ClickHouse refuses it, the rows whose values it takes nowhere are found in one look, and the others are sent as one
// piece of another name. A row that is refused for any other reason is found by halving, each half under a token of its own.
func (p *partition) insertPiece(work context.Context, b *batch, month, from, to int) error {
	piece := b.piece(month, from, to)
	rows := piece.rows
	if b.refusedAll(rows) { // none is left, or judge asks for them again
		return nil
	}
	if piece.left > 0 {
		if err := p.halve(work, b); err != nil {
			return err
		}
	}
	if err := p.confirm(work); err != nil {
		return err
	}
	if !b.looked.IsZero() && time.Since(b.looked) >= p.lookHolds {
		return &passingError{errStale}
	}
	p.step("inserting")
	started := time.Now()
	b.sent = true
	b.whole = b.whole || len(rows) == b.rows.Len()
	err := p.db.Insert(work, b.rows.Insert(), piece.token, b.columns(rows))
	if err == nil {
		p.step("inserted")
		piece.at = started
		b.took = &piece
		for _, row := range rows { // what was refused before was mended
			delete(b.refused, row)
		}
		if b.sound > 0 {
			b.accepted = true
		}
		p.metrics.insertSeconds.Observe(time.Since(started).Seconds())
		return nil
	}
	class := clickhouse.Classify(err)
	p.metrics.failures.WithLabelValues(class.String(), clickhouse.Code(err)).Inc()
	switch class {
	case clickhouse.Operator:
		return operator(err)
	case clickhouse.Retriable:
		return &passingError{err}
	}
	if err := p.ownFault(work, b, rows, err); err != nil {
		return err
	}
	if err := p.search(work, b, err); err != nil {
		return err
	}
	if b.piece(month, from, to).left > piece.left {
		return p.insertPiece(work, b, month, from, to)
	}
	if len(rows) == 1 {
		return p.refuse(work, b, rows[0], err)
	}
	if err := p.halve(work, b); err != nil {
		return err
	}
	middle := from + (to-from)/2
	if err := p.insertPiece(work, b, month, from, middle); err != nil {
		return err
	}
	return p.insertPiece(work, b, month, middle, to)
}

// halve records, before the first half is sent, that the whole must not be sent again.
func (p *partition) halve(work context.Context, b *batch) error {
	if b.halved {
		return nil
	}
	b.halved = true
	state := *p.committed
	state.Halved = true
	return p.commit(work, p.offset, state)
}

// bury writes records that make no row to the dead topic. Those that came from it are counted and logged: burying them again
// would never end.
func (p *partition) bury(work context.Context, dead []deadRecord) error {
	if len(dead) == 0 {
		return nil
	}
	var out []event.Record
	for _, d := range dead {
		p.metrics.dead.WithLabelValues(string(d.why.Reason)).Inc()
		if p.claim.Topic == p.DeadTopic {
			p.log.Error("a dead record makes no row", zap.Int64("offset", d.record.Offset), zap.Error(d.why))
			continue
		}
		rec, err := p.deadRecord(d)
		if err != nil {
			return err
		}
		out = append(out, rec)
	}
	p.step("burying")
	burying := retry.Policy{First: 50 * time.Millisecond, Last: 10 * time.Second, Passes: kafka.Retriable, Notice: func(err error) {
		p.metrics.retries.WithLabelValues("bury").Inc()
		p.log.Warn("cannot write dead records; trying again", zap.Error(err))
	}}
	err := burying.Do(work, func() error { return p.producer.Send(work, p.DeadTopic, out) })
	switch {
	case err == nil:
		p.step("buried")
		return nil
	case work.Err() != nil:
		return err
	}
	return operator(fmt.Errorf("write dead records: %w", err))
}

func (p *partition) deadRecord(d deadRecord) (event.Record, error) {
	burial := event.Burial{Region: p.Region, Stage: event.StageInsert, Topic: p.claim.Topic, TopicID: p.source.ID, Why: d.why}
	message := burial.Dead(d.record, time.Now())
	var e event.Enriched
	if e.UnmarshalVT(d.record.Value) == nil {
		message.AccountId, message.ReceivedAt = e.AccountId, e.ReceivedAt
		if id, err := uuid.FromBytes(e.EventId); err == nil {
			message.EventId = id[:]
		}
	}
	return message.Record(make([]byte, message.SizeVT()))
}
