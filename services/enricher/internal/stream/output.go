package stream

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// An output is the enriched log that a claim writes to, and how far it was seen to reach.
type output struct {
	logs    *logs
	writer  writer
	monitor *monitor
	log     kafka.Log
	// written is the offset after the last record of the claim's raw log that an owner is known to have written, 0 when there is none.
	written int64
	// end is what the log was seen to reach. It never reaches less, unless it was cut.
	end atomic.Int64
}

// append writes records in order, in one request, and waits until they are acknowledged.
func (o *output) append(ctx context.Context, records []event.Record) error {
	var base int64
	err := persist(ctx, o.monitor.retrying("produce"), func() (err error) {
		base, err = o.writer.Produce(ctx, o.log.Topic, o.log.Partition, records)
		return err
	})
	if err != nil {
		return err
	}
	return o.wrote(ctx, base, records)
}

// wrote notes that records lie on the enriched log from base on. The log only grows: where base lies before what it had, the log is another
// one, or was cut.
func (o *output) wrote(ctx context.Context, base int64, records []event.Record) error {
	had := o.end.Load()
	if base < 0 { // the leader has them from an earlier try, and no longer knows where
		last, err := o.find(ctx, &records[len(records)-1], had)
		if err != nil {
			return err
		}
		base = max(had, last+1-int64(len(records)))
	}
	if base < had {
		return fmt.Errorf("written at %d, after %d: %w", base, had, errEnrichedCut)
	}
	o.written = base + int64(len(records))
	o.end.Store(o.written)
	return nil
}

// find returns the offset of a record that was written to the enriched log, at from or after it. errEnrichedCut means that it is not there.
func (o *output) find(ctx context.Context, written *event.Record, from int64) (int64, error) {
	sought, err := parseOrigin(written.Value)
	if err != nil {
		return -1, err
	}
	log, err := o.logs.bounds(ctx, o.log)
	if err != nil {
		return -1, err
	}
	at := int64(-1)
	err = o.read(ctx, max(from, log.start), log.end, func(rec *event.Record) error {
		if found, err := parseOrigin(rec.Value); err == nil && found.Source == sought.Source {
			at = rec.Offset
		}
		return nil
	})
	if err == nil && at < 0 {
		err = fmt.Errorf("offset %d of the raw log was written and is not there: %w", sought.Offset, errEnrichedCut)
	}
	return at, err
}

// read calls visit with the records in [from, end) of the enriched partition.
func (o *output) read(ctx context.Context, from, end int64, visit func(*event.Record) error) error {
	return o.logs.read(ctx, o.log, from, end, visit)
}

// offsetAt returns the first offset that was written at or after a time.
func (o *output) offsetAt(ctx context.Context, at time.Time) (offset int64, err error) {
	err = persist(ctx, o.monitor.retrying("remember"), func() error {
		offsets, err := o.logs.reader.OffsetsAt(ctx, o.log.Topic, at)
		switch {
		case err != nil:
			return err
		case int(o.log.Partition) >= len(offsets):
			return kafka.ErrUnknownTopic
		}
		offset = offsets[o.log.Partition]
		return nil
	})
	return offset, err
}
