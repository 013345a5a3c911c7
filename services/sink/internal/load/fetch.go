package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// errNoMemory means that other partitions hold the memory: what this one has is to be stored first.
var errNoMemory = errors.New("no memory left for more")

// leastAppetite is what a partition of which nothing is known is asked for, in bytes: so much waits where events trickle, and the memory for it is
// held while the broker waits for them.
const leastAppetite = 64 << 10

// eats sets how much to fetch at once by what the last fetch brought.
func (r *reader) eats(fetched *kafka.Batch) {
	switch brought := fetched.Answered(); {
	case brought >= r.appetite/2:
		r.appetite *= 4
	case brought < r.appetite/16:
		r.appetite /= 2
	}
	r.appetite = min(max(r.appetite, leastAppetite), r.options.MaxBytes)
}

// fetch brings the next records for b, having reserved memory for them, which is held. It returns nil records when
// there were none within wait. end is as fetchPersistently has it.
func (r *reader) fetch(ctx context.Context, wait time.Duration, b *batch, end kafka.Position) (fetched *kafka.Batch, held int64, err error) {
	if r.appetite == 0 {
		r.appetite = min(leastAppetite, r.options.MaxBytes)
	}
	// A batch that has begun ends at its age: until then the broker may wait for more, or events that trickle would be fetched one by one.
	r.patient = !b.empty() && end.Offset == 0
	held = r.budget.reserve(r.appetite)
	if used := int64(b.rows.Size()); b.empty() && used > 0 {
		// They have memory of a batch before. Where that is scarce, others need it more.
		if r.budget.left.TryAcquire(held + used) {
			return r.fetchHolding(ctx, wait, held+used, end)
		}
		b.rows = r.pool.make()
	}
	if !r.budget.left.TryAcquire(held) {
		if !b.empty() {
			return nil, 0, errNoMemory
		}
		// This one holds nothing, so waiting blocks nobody.
		if err := r.budget.left.Acquire(ctx, held); err != nil {
			return nil, 0, err
		}
	}
	return r.fetchHolding(ctx, wait, held, end)
}

// fetchHolding fetches with memory held, which goes back unless there are records.
func (r *reader) fetchHolding(ctx context.Context, wait time.Duration, held int64, end kafka.Position) (*kafka.Batch, int64, error) {
	fetched, err := r.fetchPersistently(ctx, wait, end)
	if fetched == nil {
		r.budget.left.Release(held)
		return nil, 0, err
	}
	r.eats(fetched)
	return fetched, held, err
}

// fetchPersistently tries until the broker answers, or ctx ends. end, unless it is zero, is that of an intent which is read again: all of it must be
// what it was.
func (r *reader) fetchPersistently(ctx context.Context, wait time.Duration, end kafka.Position) (*kafka.Batch, error) {
	options := r.options
	options.MaxWait, options.MaxBytes = max(wait, time.Millisecond), r.appetite
	if r.patient {
		options.MinBytes = max(options.MinBytes, r.appetite/8)
	}
	backoff := retry.Backoff{First: 50 * time.Millisecond, Last: 10 * time.Second}
	for {
		fetched, err := r.fetcher.Fetch(ctx, r.log, r.next.Offset, options)
		if err != nil && ctx.Err() == nil && kafka.Retriable(err) {
			// An election, or a deletion, breaks fetches: afterwards the log may be another, or cut off.
			at := r.next
			if end.Offset > 0 {
				at = end
			}
			if verifyErr := r.fetcher.Verify(ctx, r.log, at); verifyErr != nil && !kafka.Retriable(verifyErr) {
				err = verifyErr
			}
		}
		var outOfRange *kafka.OffsetOutOfRange
		var truncated *kafka.Truncated
		switch {
		case err == nil && len(fetched.Records) == 0 && fetched.Next == r.next.Offset:
			r.monitor.lag(fetched.HighWatermark - fetched.Next)
			fetched.Release()
			return nil, nil
		case err == nil:
			r.monitor.lag(fetched.HighWatermark - fetched.Next)
			r.holes(fetched)
			return fetched, nil
		case errors.As(err, &outOfRange):
			if err := r.lost(outOfRange); err != nil {
				return nil, err
			}
			continue
		case errors.Is(err, kafka.ErrLogGone), errors.As(err, &truncated):
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !kafka.Retriable(err):
			return nil, operator(fmt.Errorf("fetch: %w", err))
		}
		r.monitor.retried("fetch")
		r.monitor.log.Warn("cannot fetch; trying again", zap.Error(err))
		if err := backoff.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// lost reports records that the topic's retention deleted before they were stored. Where nothing was read yet they are no loss: the log's
// start is where it belongs.
func (r *reader) lost(e *kafka.OffsetOutOfRange) error {
	at := r.next.Offset
	switch {
	case at > e.End:
		return &kafka.Truncated{Topic: e.Topic, Partition: e.Partition, Offset: at, To: e.End, LeaderEpoch: kafka.NoLeaderEpoch}
	case r.fresh:
		r.monitor.log.Info("nothing was read of this log yet: beginning at its start", zap.Int64("offset", e.Start))
	default:
		r.monitor.metrics.lost.Add(float64(e.Start - at))
		r.monitor.log.Error("records were deleted by the topic's retention before they were stored",
			zap.Int64("from", at), zap.Int64("to", e.Start-1), zap.Int64("records_at_most", e.Start-at))
	}
	r.next = kafka.Position{Offset: e.Start, LeaderEpoch: kafka.NoLeaderEpoch}
	return nil
}

// holes tells of offsets that hold no record, and that no transaction explains: somebody has had the topic compacted.
func (r *reader) holes(fetched *kafka.Batch) {
	if fetched.Holes == 0 {
		return
	}
	r.monitor.metrics.holes.Add(float64(fetched.Holes))
	r.monitor.log.Error("records are missing inside the log, as compaction leaves it: set cleanup.policy=delete, and see what is lost with waymarkctl audit",
		zap.Int64("from", r.next.Offset), zap.Int64("to", fetched.Next-1), zap.Int64("records", fetched.Holes))
}
