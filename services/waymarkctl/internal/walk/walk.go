// Package walk reads a part of a topic's partition, once, from one offset to another.
package walk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

var options = kafka.FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond}

// Log calls visit with every record of offsets [from, to), in order; a record is valid during the call only. Offsets that the
// log has no longer are left out; first is the lowest one it could read from.
func Log(ctx context.Context, client *kafka.Client, log kafka.Log, from, to int64, visit func(*event.Record) error) (first int64, err error) {
	first = from
	backoff := retry.Backoff{First: 50 * time.Millisecond, Last: time.Second}
	failures := 0
	for at := from; at < to; {
		batch, err := client.Fetch(ctx, log, at, options)
		var outside *kafka.OffsetOutOfRange
		switch {
		case errors.As(err, &outside) && outside.Start > at:
			at, first = outside.Start, outside.Start
			continue
		case err != nil && kafka.Retriable(err) && failures < 10 && backoff.Wait(ctx) == nil:
			failures++
			continue
		case err != nil:
			return first, fmt.Errorf("read %s/%d at %d: %w", log.Topic, log.Partition, at, err)
		}
		failures = 0
		for i := range batch.Records {
			if rec := &batch.Records[i]; rec.Offset < to {
				if err := visit(rec); err != nil {
					return first, err
				}
			}
		}
		at = batch.Next
		batch.Release()
	}
	return first, nil
}

// Partition is Log on the log that has the name now.
func Partition(ctx context.Context, client *kafka.Client, topic string, partition int32, from, to int64, visit func(*event.Record) error) (first int64, err error) {
	log, err := client.Log(ctx, topic, partition)
	if err != nil {
		return from, fmt.Errorf("read %s/%d: %w", topic, partition, err)
	}
	return Log(ctx, client, log, from, to, visit)
}

// One reads the record at an offset; nil when the log has it no longer.
func One(ctx context.Context, client *kafka.Client, topic string, partition int32, offset int64) (*event.Record, error) {
	var out *event.Record
	_, err := Partition(ctx, client, topic, partition, offset, offset+1, func(rec *event.Record) error {
		if rec.Offset == offset {
			out = rec.Clone()
		}
		return nil
	})
	return out, err
}
