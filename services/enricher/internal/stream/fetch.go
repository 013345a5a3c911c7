package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
)

// fetch waits for the records from next on. It returns only with progress: some records, or an offset past control records. What is known to
// wait is fetched at once; a partition that is caught up goes with the others, round by round.
func (c *claim) fetch(ctx context.Context, next kafka.Position, b *batch) error {
	raw := c.enriching.raw
	for {
		if err := c.watch(ctx, next); err != nil {
			return err
		}
		started := time.Now()
		by := fetcher(c.stream.reader)
		if c.stream.rounds != nil && !c.behind {
			by = c.stream.rounds
		}
		var fetched *kafka.Batch
		err := persist(ctx, c.monitor.retrying("fetch"), func() (err error) {
			if fetched, err = c.logs.fetchBy(ctx, by, raw, next); err == nil {
				err = c.contradicted(fetched)
			}
			return err
		})
		var outOfRange *kafka.OffsetOutOfRange
		switch {
		case errors.As(err, &outOfRange) && next.Offset < outOfRange.Start:
			c.report(&report{level: zap.ErrorLevel, lost: true, topic: raw.ID, from: next.Offset, to: outOfRange.Start, retention: true,
				text: "records were deleted by the topic's retention before they were enriched"})
			next = kafka.Position{Offset: outOfRange.Start, LeaderEpoch: kafka.NoLeaderEpoch}
			continue
		case errors.As(err, &outOfRange):
			return &kafka.Truncated{Topic: raw.Topic, Partition: raw.Partition, Offset: next.Offset, To: outOfRange.End, LeaderEpoch: kafka.NoLeaderEpoch}
		case err != nil:
			return fmt.Errorf("fetch %s/%d from %d: %w", raw.Topic, raw.Partition, next.Offset, err)
		}
		c.monitor.moved()
		c.behind = fetched.HighWatermark > fetched.Next
		c.monitor.metrics.lag(raw.Partition, fetched.HighWatermark-fetched.Next)
		if len(fetched.Records) == 0 && fetched.Next == next.Offset {
			fetched.Release()
			continue
		}
		if fetched.Holes > 0 {
			c.monitor.metrics.holes.Add(float64(fetched.Holes))
			c.monitor.log.Error("the raw log has offsets without a record: it was compacted, or records were taken out of it. They are not enriched",
				zap.Int64("from_offset", next.Offset), zap.Int64("to_offset", fetched.Next-1), zap.Int64("missing", fetched.Holes))
		}
		c.monitor.metrics.step("fetch", started)
		b.fetched, b.from, b.next = fetched, next.Offset, kafka.Position{Offset: fetched.Next, LeaderEpoch: fetched.LeaderEpoch}
		if b.next.LeaderEpoch == kafka.NoLeaderEpoch {
			b.next.LeaderEpoch = next.LeaderEpoch
		}
		return nil
	}
}

// contradicted returns *kafka.Truncated when other records lie now where the window has some, further on than enriching goes on: an election
// since the begin has cut those off. The new ones would be taken for them.
func (c *claim) contradicted(fetched *kafka.Batch) error {
	for i := range fetched.Records {
		rec := &fetched.Records[i]
		if rec.Offset > c.top.Offset {
			break
		}
		if rec.LeaderEpoch > c.top.LeaderEpoch {
			fetched.Release()
			return &kafka.Truncated{Topic: c.enriching.raw.Topic, Partition: c.enriching.raw.Partition, Offset: c.top.Offset + 1, To: rec.Offset, LeaderEpoch: c.top.LeaderEpoch}
		}
	}
	return nil
}
