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

// insertRange inserts rows [from, to) under token, once; a *passingError asks for another look and another try. A row that ClickHouse
// refuses is found by halving, each half under a token of its own, and buried; the others are stored.
func (p *partition) insertRange(work context.Context, b *batch, from, to int, token string) error {
	if err := p.confirm(work); err != nil {
		return err
	}
	p.step("inserting")
	started := time.Now()
	err := p.db.Insert(work, b.rows.Insert(), token, b.rows.Columns(from, to))
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
		return p.halve(work, b, from, to, err)
	}
	return &passingError{err}
}

// halve finds the rows that err is about.
func (p *partition) halve(work context.Context, b *batch, from, to int, err error) error {
	if to-from == 1 {
		if b.buried[b.records[from].Offset] {
			return nil
		}
		p.log.Error("ClickHouse refuses a row", zap.Int64("offset", b.records[from].Offset), zap.Error(err))
		// The server's sentence may quote the value; its code does not.
		sentence := errors.New("ClickHouse refuses the row with error " + clickhouse.Code(err))
		if err := p.bury(work, []deadRecord{{b.records[from], &event.Rejection{Reason: event.ReasonBadRow, Err: sentence}}}); err != nil {
			return err
		}
		b.buried[b.records[from].Offset] = true
		return nil
	}
	middle := from + (to-from)/2
	for _, half := range [][2]int{{from, middle}, {middle, to}} {
		if err := p.insertRange(work, b, half[0], half[1], b.tokenOf(half[0], half[1])); err != nil {
			return err
		}
	}
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
