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

// A Walk tells what the log was like.
type Walk struct {
	// First is the lowest offset that it could read from: those below are deleted.
	First int64
	// Holes counts offsets from First on without a record that no transaction explains: compaction took them out.
	Holes int64
}

// Log calls visit with every record of offsets [from, to), in order; a record is valid during the call only. Offsets that the
// log has no longer are left out.
func Log(ctx context.Context, client *kafka.Client, log kafka.Log, from, to int64, visit func(*event.Record) error) (Walk, error) {
	walk := Walk{First: from}
	backoff := retry.Backoff{First: 50 * time.Millisecond, Last: time.Second}
	failures := 0
	epoch := int32(kafka.NoLeaderEpoch) // of the record before at
	for at := from; at < to; {
		batch, err := client.Fetch(ctx, log, at, options)
		var outside *kafka.OffsetOutOfRange
		switch {
		case errors.As(err, &outside) && outside.Start > at:
			at, walk.First = outside.Start, outside.Start
			continue
		case err != nil && kafka.Retriable(err) && failures < 10 && backoff.Wait(ctx) == nil:
			failures++
			// A new leader may have another log, cut off below what was read.
			var truncated *kafka.Truncated
			if err := client.Verify(ctx, log, kafka.Position{Offset: at, LeaderEpoch: epoch}); errors.Is(err, kafka.ErrLogGone) || errors.As(err, &truncated) {
				return walk, fmt.Errorf("read %s/%d at %d: %w", log.Topic, log.Partition, at, err)
			}
			continue
		case err != nil:
			return walk, fmt.Errorf("read %s/%d at %d: %w", log.Topic, log.Partition, at, err)
		}
		failures = 0
		read := int64(0)
		for i := range batch.Records {
			if rec := &batch.Records[i]; rec.Offset < to {
				read++
				if err := visit(rec); err != nil {
					return walk, err
				}
			}
		}
		// The last batch may reach beyond to, and so may its holes.
		walk.Holes += min(batch.Holes, min(batch.Next, to)-at-read)
		if at = batch.Next; batch.LeaderEpoch != kafka.NoLeaderEpoch {
			epoch = batch.LeaderEpoch
		}
		batch.Release()
	}
	return walk, nil
}

// One reads the record at an offset; nil when the log has it no longer.
func One(ctx context.Context, client *kafka.Client, log kafka.Log, offset int64) (*event.Record, error) {
	var out *event.Record
	_, err := Log(ctx, client, log, offset, offset+1, func(rec *event.Record) error {
		out = rec.Clone()
		return nil
	})
	var outside *kafka.OffsetOutOfRange
	if errors.As(err, &outside) { // a log that was cut off, or is shorter than one before it
		return nil, nil
	}
	return out, err
}

// EpochBefore returns the leader epoch of the record before offset, kafka.NoLeaderEpoch where the log has none: what a position at
// offset carries.
func EpochBefore(ctx context.Context, client *kafka.Client, log kafka.Log, start, offset int64) (int32, error) {
	epoch := int32(kafka.NoLeaderEpoch)
	// Markers of transactions have offsets too: the record before may lie further back.
	for step := int64(1); epoch == kafka.NoLeaderEpoch && offset > start; step *= 16 {
		from := max(start, offset-step)
		_, err := Log(ctx, client, log, from, offset, func(rec *event.Record) error {
			epoch = rec.LeaderEpoch
			return nil
		})
		if err != nil {
			return epoch, err
		}
		if from == start {
			break
		}
	}
	return epoch, nil
}
