package kafka

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
)

// Send writes recs, each to the partition its key names, in requests shared with other callers. nil means that every one is
// acknowledged. After an error any of them may be stored, so the caller's client must be able to repeat them under the same
// ids. Everything is copied before Send waits: recs may be used again once it returns, whatever it returns.
//
// Errors: ErrBufferFull and *RecordTooLarge, with nothing written; ErrUnknownTopic; otherwise what the delivery ended with.
func (p *Producer) Send(ctx context.Context, topic string, recs []event.Record) error {
	if len(recs) == 0 {
		return nil
	}
	total := 0
	for i := range recs {
		size := wire.EncodedSize(&recs[i])
		if size > p.cfg.MaxBatchBytes {
			return &RecordTooLarge{Topic: topic, Size: size, Limit: p.cfg.MaxBatchBytes}
		}
		total += size
	}
	n, err := p.partitions(ctx, topic)
	if err != nil {
		return err
	}
	t, err := p.take(topic, recs, total, n)
	if err != nil {
		return err
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return fmt.Errorf("send to %s: %w", topic, ctx.Err())
	}
}

// take puts recs into the queues of their partitions: all of them, or none.
func (p *Producer) take(topic string, recs []event.Record, size, partitions int) (*waiter, error) {
	p.gate.RLock()
	defer p.gate.RUnlock()
	if p.closed {
		return nil, ErrClosed
	}
	if p.buffered.Add(int64(size)) > int64(p.cfg.MaxBufferedBytes) {
		p.buffered.Add(-int64(size))
		return nil, ErrBufferFull
	}
	p.client.metrics.buffered.Add(float64(size))
	t := newWaiter(len(recs))
	// What stands together for one partition is put into its queue at once: mostly all, since a visitor's client sends for itself.
	for from := 0; from < len(recs); {
		partition, to := PartitionForKey(recs[from].Key, partitions), from+1
		for to < len(recs) && (bytes.Equal(recs[to].Key, recs[to-1].Key) || PartitionForKey(recs[to].Key, partitions) == partition) {
			to++
		}
		p.queue(topic, partition).enqueue(recs[from:to], t)
		from = to
	}
	return t, nil
}

// partitionsFor is how long the number of a topic's partitions is remembered: kafka-go copies the topic's whole metadata for each question.
const partitionsFor = 250 * time.Millisecond

// A partitionCount is how many partitions a topic had at a moment.
type partitionCount struct {
	n  int
	at time.Time
}

// partitions is Client.Partitions, as it was within the last 250 ms.
func (p *Producer) partitions(ctx context.Context, topic string) (int, error) {
	if known, ok := p.counts.Load(topic); ok {
		if count := known.(partitionCount); time.Since(count.at) < partitionsFor {
			return count.n, nil
		}
	}
	n, err := p.client.Partitions(ctx, topic)
	if err != nil {
		p.counts.Delete(topic)
		return 0, err
	}
	p.counts.Store(topic, partitionCount{n, time.Now()})
	return n, nil
}

// release takes size bytes out of the account of what is buffered.
func (p *Producer) release(size int) {
	p.buffered.Add(-int64(size))
	p.client.metrics.buffered.Sub(float64(size))
}

// A waiter is one call of Send waiting for its records.
type waiter struct {
	mu      sync.Mutex
	waiting int
	err     error
	done    chan struct{}
}

func newWaiter(records int) *waiter { return &waiter{waiting: records, done: make(chan struct{})} }

// settle tells the waiter what became of n of its records. The first error stays.
func (t *waiter) settle(n int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	if t.waiting -= n; t.waiting == 0 {
		close(t.done)
	}
}

// A partitionQueue holds what Send has taken for one partition and not yet sent.
type partitionQueue struct {
	topicPartition
	producer *Producer
	// flight is held while a batch of the partition is under way, and guards identity and slow. There is one batch at a time, though leaders
	// would take five: a failure then never has later batches to call back and send again in order.
	flight   flight
	identity identity
	slow     bool // the last answer was

	mu      sync.Mutex
	waiting []*pendingBatch // the last one is still open
	working bool
	busy    bool // as of the batch before
}

// Batches of a busy partition wait up to 20 ms for more: a request to Kafka costs the same whatever it holds, and small batches compress badly. The
// edge's clients wait along, and its spool begins after no less than 10 ms, so it is no more. Busy is a partition whose last batch had so many
// bytes, or had records of several callers: one that sends alone, a request after the other, waits for nobody.
const (
	busyBytes  = 32 << 10
	busyLinger = 20 * time.Millisecond
)

// busy tells whether more records are likely to come for the batch's partition soon.
func (b *pendingBatch) busy() bool { return b.builder.Size() >= busyBytes || len(b.owners) > 1 }

// lingerOf is how long a partition's batch waits for more records.
func lingerOf(busy bool, linger time.Duration) time.Duration {
	if busy && linger > 0 {
		return max(linger, busyLinger)
	}
	return linger
}

// tick returns when a batch that was begun at a moment ends: all partitions' do so together, to go in one request to each leader.
func (p *Producer) tick(begun time.Time, linger time.Duration) time.Time {
	if linger == 0 {
		return begun
	}
	return begun.Add(linger - begun.Sub(p.began)%linger)
}

// A flight is held by one at a time; waiting for it ends with the context. Its capacity is 1.
type flight chan struct{}

func (f flight) acquire(ctx context.Context) error {
	select {
	case f <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f flight) release() { <-f }

// A pendingBatch is a batch and the calls that wait for it.
type pendingBatch struct {
	builder *wire.Builder
	size    int // bytes accounted for as buffered
	since   time.Time
	owners  []owner
}

type owner struct {
	waiter  *waiter
	records int
}

// enqueue encodes recs into open batches and sees to it that somebody sends them.
func (q *partitionQueue) enqueue(recs []event.Record, t *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var open *pendingBatch
	if n := len(q.waiting); n > 0 {
		open = q.waiting[n-1]
	}
	for i := range recs {
		size := wire.EncodedSize(&recs[i])
		if open == nil || open.builder.Size()+size > q.producer.cfg.MaxBatchBytes {
			open = &pendingBatch{builder: builders.Get().(*wire.Builder), since: time.Now()}
			q.waiting = append(q.waiting, open)
		}
		open.builder.Add(&recs[i])
		open.size += size
		if n := len(open.owners); n > 0 && open.owners[n-1].waiter == t {
			open.owners[n-1].records++
		} else {
			open.owners = append(open.owners, owner{t, 1})
		}
	}
	if !q.working {
		q.working = true
		q.producer.workers.Add(1)
		go q.work()
	}
}

// work sends the queue's batches, oldest first, and ends when there are none: an idle partition costs no goroutine.
func (q *partitionQueue) work() {
	defer q.producer.workers.Done()
	for {
		b := q.next()
		if b == nil {
			return
		}
		_ = q.flight.acquire(context.Background()) // cannot fail: it never ends
		_, err := q.producer.deliver(context.Background(), q, b.builder)
		q.flight.release()
		b.builder.Reset()
		builders.Put(b.builder)
		q.producer.release(b.size)
		for _, o := range b.owners {
			o.waiter.settle(o.records, err)
		}
	}
}

// next closes and returns the oldest batch, giving the open one its linger; nil when there is none. It marks the queue idle
// in the same breath, so that no batch is left without a worker.
func (q *partitionQueue) next() *pendingBatch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.working = false
		q.waiting = nil
		return nil
	}
	if wait := time.Until(q.producer.tick(q.waiting[0].since, lingerOf(q.busy, q.producer.cfg.Linger))); len(q.waiting) == 1 && wait > 0 {
		q.mu.Unlock()
		time.Sleep(wait)
		q.mu.Lock()
	}
	b := q.waiting[0]
	q.waiting = q.waiting[1:]
	q.busy = b.busy()
	return b
}
