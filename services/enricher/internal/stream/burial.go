package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A burial writes to the dead topic.
type burial struct {
	writer  writer
	topic   string
	monitor *monitor
}

// bury writes dead records of b, which by has made, and waits until they are acknowledged.
func (u *burial) bury(ctx context.Context, b *batch, by *enriching, dead []deadRecord) error {
	if len(dead) == 0 {
		return nil
	}
	started := time.Now()
	records := make([]event.Record, len(dead))
	for i := range dead {
		records[i] = dead[i].Record
	}
	if err := u.send(ctx, records); err != nil {
		var tooLarge *kafka.RecordTooLarge
		if errors.As(err, &tooLarge) {
			err = u.oneByOne(ctx, b, by, dead)
		}
		if err != nil {
			return fmt.Errorf("produce to %s: %w", u.topic, err)
		}
	}
	u.monitor.metrics.step("bury", started)
	u.monitor.log.Info("events became dead letters", zap.Int("events", len(dead)), zap.String("first_reason", string(dead[0].why.Reason)),
		zap.Int64("first_offset", dead[0].source.Offset))
	return nil
}

// oneByOne leaves the original value out of those that the dead topic does not take whole: it still lies on the raw
// topic, where the dead record says.
func (u *burial) oneByOne(ctx context.Context, b *batch, by *enriching, dead []deadRecord) error {
	for _, d := range dead {
		err := u.send(ctx, []event.Record{d.Record})
		var tooLarge *kafka.RecordTooLarge
		if errors.As(err, &tooLarge) {
			_ = event.ParseRaw(d.source, &b.raw) // for its account and id, as far as they can be read
			why := &event.Rejection{Reason: d.why.Reason, Err: fmt.Errorf("%w (the value is too large for the dead letter)", d.why.Err)}
			slim, makeErr := b.letter(by, d.source, d.stage, why, nil)
			if makeErr != nil {
				return makeErr
			}
			err = u.send(ctx, []event.Record{slim})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *burial) send(ctx context.Context, dead []event.Record) error {
	return persist(ctx, u.monitor.retrying("bury"), func() error { return u.writer.Send(ctx, u.topic, dead) })
}
