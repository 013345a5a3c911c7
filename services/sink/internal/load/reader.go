package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// fetcher reads a partition's log, as *kafka.Client does.
type fetcher interface {
	Log(ctx context.Context, topic string, partition int32) (kafka.Log, error)
	Bounds(ctx context.Context, log kafka.Log) (start, end int64, err error)
	Verify(ctx context.Context, log kafka.Log, at kafka.Position) error
	Committed(ctx context.Context, group, topic string) ([]kafka.Commitment, error)
	Fetch(ctx context.Context, log kafka.Log, offset int64, opts kafka.FetchOptions) (*kafka.Batch, error)
}

// A reader forms batches of what a partition's log has.
type reader struct {
	fetcher  fetcher
	options  kafka.FetchOptions
	budget   *budget
	pool     *pool
	pressure *pressure
	joiner   *joiner
	monitor  *monitor
	// log is what is read; its id is uuid.Nil before the first look at it.
	log kafka.Log
	// next is where to fetch next.
	next kafka.Position
	// appetite is how much to fetch at once, bytes; 0 before the first fetch.
	appetite int
	// patient says that a fetch need not come back with the first record.
	patient bool
	// fresh is true until an intent is committed: nothing before next was to be read.
	fresh bool
}

// A pool has rows of one of the two tables, empty, for all partitions.
type pool struct {
	rows sync.Pool
	// letters says that the table is that of dead letters.
	letters bool
}

// make returns rows without any memory.
func (p *pool) make() table { return p.rows.New().(table) }

// A budget bounds the records and columns in hand over all partitions, in bytes.
type budget struct {
	left *semaphore.Weighted
	all  int64
}

func newBudget(memory int64) *budget { return &budget{semaphore.NewWeighted(memory), memory} }

// reserve is what one fetch of at most so many bytes may bring: the answer, what it decompresses to, and the columns of that, in bytes.
func (b *budget) reserve(fetchBytes int) int64 { return min(int64(fetchBytes)*8, b.all) }

// begin sets the reader to where a course begins.
func (r *reader) begin(c course) {
	r.next, r.fresh = kafka.Position{Offset: c.next, LeaderEpoch: c.state.LeaderEpoch}, c.fresh
}

// begun notes that an intent is committed: what retention takes from now on is lost.
func (r *reader) begun() { r.fresh = false }

// form fetches until a batch is complete: what comes after all that known knows. It returns nil when there was nothing to fetch.
func (r *reader) form(ctx context.Context, known checkpoint.Sink) (*batch, error) {
	b := r.newBatch(known)
	end := r.pressure.limits()
	for {
		wait := r.options.MaxWait
		if !b.empty() {
			if wait = min(wait, time.Until(b.due)); wait <= 0 {
				return b, nil
			}
		}
		fetched, held, err := r.fetch(ctx, wait, b, kafka.Position{})
		switch {
		case errors.Is(err, errNoMemory): // then b has some
			return b, nil
		case err != nil && ctx.Err() != nil, err != nil && b.empty():
			r.drop(b)
			return nil, err
		case err != nil: // the next round meets it again
			return b, nil
		case fetched == nil && b.empty():
			r.release(b)
			return nil, nil
		case fetched == nil:
			continue
		}
		if b.empty() {
			b.due = r.joiner.due(time.Now(), end.Age)
			b.extent.from = r.next // the log may begin after the offset asked for
		}
		if err := b.add(fetched, held, 0); err != nil {
			r.drop(b)
			return nil, err
		}
		r.next = b.extent.to
		if full := r.joiner.grown(b, end); full || b.rows.Len() >= end.Rows || b.kept.bytes >= end.Bytes || !time.Now().Before(b.due) {
			return b, nil
		}
	}
}

// reform forms the batch of an open intent: exactly the records up to end. Those that retention has deleted meanwhile are lost, and counted: if
// they had landed they are in the table, and the others are completed all the same.
func (r *reader) reform(ctx context.Context, known checkpoint.Sink) (*batch, error) {
	b := r.newBatch(known)
	end := kafka.Position{Offset: known.Next, LeaderEpoch: known.NextLeaderEpoch}
	b.extent.to = end
	for r.next.Offset < end.Offset {
		fetched, held, err := r.fetch(ctx, r.options.MaxWait, b, end)
		if errors.Is(err, errNoMemory) { // the batch was in hand before: it is taken whole
			fetched, err = r.fetchPersistently(ctx, r.options.MaxWait, end)
			held = 0
		}
		switch {
		case err != nil:
			r.release(b)
			return nil, err
		case fetched == nil && r.next.Offset < end.Offset:
			// They were there when the claim began, and a follower that leads now may be about to know them.
			r.monitor.log.Warn("waiting for the records of an open intent: the log ends before them", zap.Int64("at", r.next.Offset), zap.Int64("to", end.Offset))
			continue
		case fetched == nil: // nothing of it is left
			return b, nil
		}
		lost := r.next.Offset >= end.Offset // the log begins at or behind the end
		if err := b.add(fetched, held, end.Offset); err != nil {
			r.release(b)
			return nil, err
		}
		switch {
		case lost:
		case b.extent.to.Offset < end.Offset:
			r.next = b.extent.to
		default:
			r.next = end
		}
		b.extent.to = end
	}
	return b, nil
}

func (r *reader) newBatch(known checkpoint.Sink) *batch {
	return &batch{
		extent: extent{log: r.log, era: known.Era, from: r.next, to: r.next}, rows: r.pool.rows.Get().(table), letters: r.pool.letters,
		lineage: lineage{marks: slices.Clone(known.Marks)}, kept: kept{budget: r.budget},
	}
}

// drop takes a batch back that is not to be stored: its records are read again.
func (r *reader) drop(b *batch) {
	r.next = b.extent.from
	r.release(b)
}

// release takes rows, records and memory of a batch back. Nothing of it may be used afterwards.
func (r *reader) release(b *batch) {
	r.joiner.gone(b)
	b.rows.Reset()
	r.pool.rows.Put(b.rows)
	b.close()
	r.budget.left.Release(b.kept.memory)
	*b = batch{}
}
