package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

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

// insertPiece inserts the rows of [from, to) that are of month, or all of them for month 0, once; a *passingError asks for another look
// and another try. A row that ClickHouse refuses is found by halving, each half under a token of its own, and buried; the others are
// stored.
func (p *partition) insertPiece(work context.Context, b *batch, month, from, to int) error {
	rows := b.pick(month, from, to)
	if len(rows) == 0 {
		return nil
	}
	if err := p.confirm(work); err != nil {
		return err
	}
	if !b.looked.IsZero() && time.Since(b.looked) >= p.sure() {
		return &passingError{errStale}
	}
	columns := b.rows.Columns(from, to)
	if len(rows) < to-from {
		columns = b.rows.Choose(rows)
	}
	p.step("inserting")
	started := time.Now()
	err := p.db.Insert(work, b.rows.Insert(), b.tokenOf(from, to), columns)
	if err == nil {
		p.step("inserted")
		p.metrics.insertSeconds.Observe(time.Since(started).Seconds())
		return nil
	}
	class := clickhouse.Classify(err)
	p.metrics.failures.WithLabelValues(class.String(), clickhouse.Code(err)).Inc()
	switch class {
	case clickhouse.Operator:
		return operator(err)
	case clickhouse.Row:
		// A table that was changed refuses rows too, all of them: that is nothing to bury events for.
		if problem := p.db.Check(work); clickhouse.Classify(problem) == clickhouse.Operator {
			return operator(problem)
		}
		if len(rows) == 1 {
			return p.refused(work, b, rows[0], err)
		}
		middle := from + (to-from)/2
		if err := p.insertPiece(work, b, month, from, middle); err != nil {
			return err
		}
		return p.insertPiece(work, b, month, middle, to)
	}
	return &passingError{err}
}

// refused buries a row that err is about.
func (p *partition) refused(work context.Context, b *batch, row int, err error) error {
	rec := b.records[row]
	if b.buried[rec.Offset] {
		return nil
	}
	p.log.Error("ClickHouse refuses a row", zap.Int64("offset", rec.Offset), zap.Error(err))
	// The server's sentence may quote the value; its code does not.
	sentence := errors.New("ClickHouse refuses the row with error " + clickhouse.Code(err))
	if err := p.bury(work, []deadRecord{{rec, &event.Rejection{Reason: event.ReasonBadRow, Err: sentence}}}); err != nil {
		return err
	}
	b.buried[rec.Offset] = true
	return nil
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
	backoff := retry.Backoff{First: 50 * time.Millisecond, Last: 10 * time.Second}
	for {
		err := p.producer.Send(work, p.DeadTopic, out)
		if err == nil {
			p.step("buried")
			return nil
		}
		switch {
		case work.Err() != nil:
			return err
		case !kafka.Retriable(err):
			return operator(fmt.Errorf("write dead records: %w", err))
		}
		p.metrics.retries.WithLabelValues("bury").Inc()
		p.log.Warn("cannot write dead records; trying again", zap.Error(err))
		if err := backoff.Wait(work); err != nil {
			return err
		}
	}
}

func (p *partition) deadRecord(d deadRecord) (event.Record, error) {
	now := time.Now().UnixMilli()
	message := event.Dead{
		Reason: string(d.why.Reason), Stage: event.StageInsert, Error: d.why.Err.Error(), Region: p.Region,
		Topic: p.claim.Topic, Partition: d.record.Partition, Offset: d.record.Offset, FailedAt: now,
		Key: d.record.Key, Value: d.record.Value,
	}
	var e event.Enriched
	if e.UnmarshalVT(d.record.Value) == nil {
		message.AccountId, message.ReceivedAt = e.AccountId, e.ReceivedAt
		if id, err := uuid.FromBytes(e.EventId); err == nil {
			message.EventId = id[:]
		}
	}
	for _, h := range d.record.Headers {
		message.Headers = append(message.Headers, &event.DeadHeader{Key: h.Key, Value: h.Value})
	}
	value, err := message.MarshalVT()
	if err != nil {
		return event.Record{}, fmt.Errorf("encode dead record: %w", err)
	}
	headers := []event.Header{{Key: event.HeaderSchema, Value: []byte(event.SchemaDead)}}
	return event.Record{Timestamp: now, Key: d.record.Key, Value: value, Headers: headers}, nil
}
