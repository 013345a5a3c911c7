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

// columnBytes is what a row takes beside its record's bytes, in bytes: its cells in the columns, and the block that is sent.
const columnBytes = 1500

// reserve is what one fetch may bring: the answer, what it decompresses to, and the columns of that.
func (l *Loader) reserve() int64 {
	return min(int64(l.Fetch.MaxBytes)*8, l.Memory)
}

// fetch brings the next records, having reserved memory for them; held is how much they keep. It returns nil records when
// there were none within wait.
func (p *partition) fetch(ctx context.Context, wait time.Duration, b *batch) (fetched *kafka.Batch, held int64, err error) {
	if !p.memory.TryAcquire(p.reserve()) {
		if !b.empty() {
			return nil, 0, errNoMemory
		}
		// This one holds nothing, so waiting blocks nobody.
		if err := p.memory.Acquire(ctx, p.reserve()); err != nil {
			return nil, 0, err
		}
	}
	fetched, err = p.fetchPersistently(ctx, wait)
	if fetched != nil {
		held = min(int64(fetched.Bytes()+len(fetched.Records)*columnBytes), p.reserve())
	}
	p.memory.Release(p.reserve() - held)
	return fetched, held, err
}

// fetchAnyway fetches without reserving memory: a batch that was once intended must be taken whole.
func (p *partition) fetchAnyway(ctx context.Context) (*kafka.Batch, int64, error) {
	fetched, err := p.fetchPersistently(ctx, p.Fetch.MaxWait)
	return fetched, 0, err
}

// fetchPersistently tries until the broker answers, or ctx ends.
func (p *partition) fetchPersistently(ctx context.Context, wait time.Duration) (*kafka.Batch, error) {
	options := p.Fetch
	options.MaxWait = max(wait, time.Millisecond)
	backoff := retry.Backoff{First: 50 * time.Millisecond, Last: 10 * time.Second}
	for {
		fetched, err := p.fetcher.Fetch(ctx, p.source, p.next.Offset, options)
		if err != nil && ctx.Err() == nil && kafka.Retriable(err) {
			// An election, or a deletion, breaks fetches: afterwards the log may be another, or cut off.
			at := p.next
			if p.state.Next > 0 { // an intent is read again: all of it must be what it was
				at = kafka.Position{Offset: p.state.Next, LeaderEpoch: p.state.NextLeaderEpoch}
			}
			if verifyErr := p.fetcher.Verify(ctx, p.source, at); verifyErr != nil && !kafka.Retriable(verifyErr) {
				err = verifyErr
			}
		}
		var outOfRange *kafka.OffsetOutOfRange
		var truncated *kafka.Truncated
		switch {
		case err == nil && len(fetched.Records) == 0 && fetched.Next == p.next.Offset:
			p.metrics.setLag(p.claim.Topic, p.claim.Partition, fetched.HighWatermark-fetched.Next)
			fetched.Release()
			return nil, nil
		case err == nil:
			p.metrics.setLag(p.claim.Topic, p.claim.Partition, fetched.HighWatermark-fetched.Next)
			p.holes(fetched)
			return fetched, nil
		case errors.As(err, &outOfRange):
			if err := p.lost(p.next.Offset, outOfRange); err != nil {
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
		p.metrics.retries.WithLabelValues("fetch").Inc()
		p.log.Warn("cannot fetch; trying again", zap.Error(err))
		if err := backoff.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// holes tells of offsets that hold no record, and that no transaction explains: somebody has had the topic compacted.
func (p *partition) holes(fetched *kafka.Batch) {
	if fetched.Holes == 0 {
		return
	}
	p.metrics.holes.Add(float64(fetched.Holes))
	p.log.Error("records are missing inside the log, as compaction leaves it: set cleanup.policy=delete, and see what is lost with waymarkctl audit",
		zap.Int64("from", p.next.Offset), zap.Int64("to", fetched.Next-1), zap.Int64("records", fetched.Holes))
}
