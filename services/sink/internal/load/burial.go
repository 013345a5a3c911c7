package load

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A burial writes records that make no row to the dead topic.
type burial struct {
	producer sender
	topic    string // the dead topic
	region   string
	monitor  *monitor
}

// sender writes to a topic, as *kafka.Producer does.
type sender interface {
	Send(ctx context.Context, topic string, recs []event.Record) error
}

// A deadRecord is a record that makes no row, and why.
type deadRecord struct {
	record *event.Record
	why    *event.Rejection
}

// bury returns nil when the dead topic has what makes no row of a log. What came from the dead topic is counted and logged: burying it again
// would never end.
func (u *burial) bury(work context.Context, log kafka.Log, dead []deadRecord) error {
	if len(dead) == 0 {
		return nil
	}
	var out []event.Record
	for _, d := range dead {
		u.monitor.metrics.dead.WithLabelValues(string(d.why.Reason)).Inc()
		if log.Topic == u.topic {
			u.monitor.log.Error("a dead record makes no row", zap.Int64("offset", d.record.Offset), zap.Error(d.why))
			continue
		}
		rec, err := u.letter(log, d)
		if err != nil {
			return err
		}
		out = append(out, rec)
	}
	u.monitor.step("burying")
	burying := retry.Policy{First: 50 * time.Millisecond, Last: 10 * time.Second, Passes: kafka.Retriable, Notice: func(err error) {
		u.monitor.retried("bury")
		u.monitor.log.Warn("cannot write dead records; trying again", zap.Error(err))
	}}
	err := burying.Do(work, func() error { return u.producer.Send(work, u.topic, out) })
	switch {
	case err == nil:
		u.monitor.step("buried")
		return nil
	case work.Err() != nil:
		return err
	}
	return operator(fmt.Errorf("write dead records: %w", err))
}

// letter makes the dead letter of a record of log.
func (u *burial) letter(log kafka.Log, d deadRecord) (event.Record, error) {
	now := time.Now().UnixMilli()
	message := event.Dead{
		Reason: string(d.why.Reason), Stage: event.StageInsert, Error: d.why.Err.Error(), Region: u.region,
		Topic: log.Topic, TopicId: log.ID[:], Partition: d.record.Partition, LeaderEpoch: d.record.LeaderEpoch, Offset: d.record.Offset, FailedAt: now,
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
