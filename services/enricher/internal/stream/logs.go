package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// logs asks the brokers about a claim's two logs.
type logs struct {
	reader  reader
	options kafka.FetchOptions
	monitor *monitor
}

// ask persists with one of begin's questions.
func (l *logs) ask(ctx context.Context, question func() error) error {
	return persist(ctx, l.monitor.retrying("begin"), question)
}

func (l *logs) verify(ctx context.Context, log kafka.Log, at kafka.Position) error {
	return l.ask(ctx, func() error { return l.reader.Verify(ctx, log, at) })
}

// bounds asks for what is kept of a log; they are asked for by name, so that the name is looked at again.
func (l *logs) bounds(ctx context.Context, log kafka.Log) (bounds, error) {
	b := bounds{id: log.ID}
	err := l.ask(ctx, func() error {
		of, err := l.reader.Offsets(ctx, log.Topic)
		switch {
		case err != nil:
			return err
		case int(log.Partition) >= len(of):
			return fmt.Errorf("%s has %d partitions: %w", log.Topic, len(of), kafka.ErrUnknownTopic)
		}
		b.start, b.end = of[log.Partition].Start, of[log.Partition].End
		return l.reader.Verify(ctx, log, kafka.Position{LeaderEpoch: kafka.NoLeaderEpoch})
	})
	return b, err
}

// fetch is fetchBy the reader.
func (l *logs) fetch(ctx context.Context, log kafka.Log, at kafka.Position) (*kafka.Batch, error) {
	return l.fetchBy(ctx, l.reader, log, at)
}

// fetchBy sees to it that what it returns follows on what lies before the position. An election breaks the fetches that are under way, until
// Verify has found out what the new leader's log has; but it may also fall between two of them: then the next records come under a higher
// leader epoch, and the log may have parted from ours before them.
func (l *logs) fetchBy(ctx context.Context, by fetcher, log kafka.Log, at kafka.Position) (*kafka.Batch, error) {
	fetched, err := by.Fetch(ctx, log, at.Offset, l.options)
	if err != nil {
		if changed := l.reader.Verify(ctx, log, at); otherLog(changed) {
			return nil, changed
		}
		return nil, err
	}
	if fetched.LeaderEpoch == kafka.NoLeaderEpoch || fetched.LeaderEpoch == at.LeaderEpoch {
		return fetched, nil
	}
	err = l.reader.Verify(ctx, log, at)
	if err == nil { // who was elected after the fetch was asked only for what lies before it
		err = l.reader.Verify(ctx, log, kafka.Position{Offset: fetched.Next, LeaderEpoch: fetched.LeaderEpoch})
	}
	if err != nil {
		fetched.Release()
		return nil, err
	}
	return fetched, nil
}

// read calls visit with the records in [from, end) of a log. What retention deletes meanwhile, and what the log's truncation took, is not there
// to be visited.
func (l *logs) read(ctx context.Context, log kafka.Log, from, end int64, visit func(*event.Record) error) error {
	at := kafka.Position{Offset: from, LeaderEpoch: kafka.NoLeaderEpoch}
	for from < end {
		at.Offset = from
		var fetched *kafka.Batch
		err := persist(ctx, l.monitor.retrying("remember"), func() (err error) {
			fetched, err = l.fetch(ctx, log, at)
			return err
		})
		var outOfRange *kafka.OffsetOutOfRange
		switch {
		case errors.As(err, &outOfRange) && outOfRange.Start > from:
			from = outOfRange.Start
			continue
		case errors.As(err, &outOfRange):
			return nil
		case err != nil:
			return err
		}
		for i := range fetched.Records {
			if rec := &fetched.Records[i]; rec.Offset < end && err == nil {
				err = visit(rec)
			}
		}
		gone := fetched.Next == from && fetched.HighWatermark <= from
		if fetched.Next > from {
			l.monitor.moved()
		}
		from = fetched.Next
		if fetched.LeaderEpoch != kafka.NoLeaderEpoch && len(fetched.Records) > 0 {
			at.LeaderEpoch = fetched.LeaderEpoch
		}
		fetched.Release()
		if gone || err != nil {
			return err
		}
	}
	return nil
}
