package stream

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

// rememberMoved remembers in window, before all else, what passed on other partitions though its key's place is this one now: partitions were
// added within the window's span, and a client that repeats an event sends it here. It is on the enriched topic, so that leaving it out is safe.
//
// Where the youngest partition is older than the span nothing is read. Otherwise the other partitions' ends are, as many records of all together
// as the window has events. What passes there later, from an edge that does not know of the new partitions yet or from a raw log that had waited, is
// not remembered.
func (c *claim) rememberMoved(ctx context.Context, window *recent.Window) error {
	of, err := c.enrichedOffsets(ctx)
	if err != nil || len(of) < 2 || c.stream.settings.Window.Events == 0 {
		return err
	}
	since := time.Now().Add(-c.stream.settings.Window.Span)
	if added, err := c.addedSince(ctx, of, since); err != nil || !added {
		return err
	}
	starts, err := c.offsetsAt(ctx, since)
	if err != nil {
		return err
	}
	most := int64(c.stream.settings.Window.Events / (len(of) - 1))
	for p := range min(len(of), len(starts)) {
		log := kafka.Log{Topic: c.output.log.Topic, ID: c.output.log.ID, Partition: int32(p)}
		if log.Partition == c.output.log.Partition {
			continue
		}
		err := c.logs.read(ctx, log, max(starts[p], of[p].Start, of[p].End-most), of[p].End, func(rec *event.Record) error {
			if kafka.PartitionForKey(rec.Key, len(of)) != c.output.log.Partition {
				return nil
			}
			if o, err := parseOrigin(rec.Value); err == nil {
				window.Add(o.eventID, rec.Key, -1, o.receivedAt)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	c.monitor.log.Info("partitions were added lately: events of other partitions are remembered that would be this one's now", zap.Int("events_remembered", window.Len()))
	return nil
}

// addedSince tells whether the youngest enriched partition began after a moment, or may have: one without a record tells nothing. Partitions are added
// at the end, and a log that retention has shortened is not young.
func (c *claim) addedSince(ctx context.Context, of []kafka.PartitionOffsets, moment time.Time) (bool, error) {
	youngest := of[len(of)-1]
	if youngest.Start > 0 || youngest.End == 0 {
		return youngest.Start == 0, nil
	}
	young := false
	log := kafka.Log{Topic: c.output.log.Topic, ID: c.output.log.ID, Partition: int32(len(of) - 1)}
	err := c.logs.read(ctx, log, 0, 1, func(rec *event.Record) error {
		young = !time.UnixMilli(rec.Timestamp).Before(moment)
		return nil
	})
	return young, err
}

func (c *claim) enrichedOffsets(ctx context.Context) (of []kafka.PartitionOffsets, err error) {
	err = c.logs.ask(ctx, func() error {
		of, err = c.logs.reader.Offsets(ctx, c.output.log.Topic)
		return err
	})
	return of, err
}

// offsetsAt returns each enriched partition's first offset that was written at or after a time.
func (c *claim) offsetsAt(ctx context.Context, at time.Time) (offsets []int64, err error) {
	err = persist(ctx, c.monitor.retrying("remember"), func() error {
		offsets, err = c.logs.reader.OffsetsAt(ctx, c.output.log.Topic, at)
		return err
	})
	return offsets, err
}
