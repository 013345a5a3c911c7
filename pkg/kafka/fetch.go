package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/event"
)

// FetchOptions bound one fetch. The broker answers when MinBytes are there or MaxWait is over.
type FetchOptions struct {
	// MinBytes is at least 1. More than that makes a trickle wait for MaxWait.
	MinBytes int
	// MaxBytes bounds the answer, and four times MaxBytes what it is decompressed to, except that one record batch is always
	// read whole.
	MaxBytes int
	MaxWait  time.Duration
}

// DefaultFetchOptions answer a trickle at once and a flood a megabyte at a time.
var DefaultFetchOptions = FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond}

// expansion is how many times MaxBytes a fetch may decompress to: events compress to a fifth or less.
const expansion = 4

// A Batch is what one fetch brought. Its records are valid until Release.
type Batch struct {
	Records []event.Record
	// Next is the offset to fetch next: after the last record, past control records and what a compacted log leaves out.
	Next int64
	// LeaderEpoch is that of the record before Next, -1 when the batch is empty (KIP-320).
	LeaderEpoch int32
	// Holes counts offsets without a record that no transaction explains: what compaction, or whatever else, took out of the log.
	Holes int64
	// HighWatermark is the offset after the last record that all in-sync replicas have; LogStart is the oldest one kept.
	HighWatermark, LogStart int64

	raw          []byte // the answer
	scratch      []byte // decompressed batches; when it is full, a larger one takes its place and records alias the old one
	decompressed int    // bytes
	headers      []event.Header
	names        map[string]string
}

var batches = sync.Pool{New: func() any { return &Batch{names: make(map[string]string)} }}

// Release gives the batch's memory back. The batch and its records must not be used after it. It may be left out.
func (b *Batch) Release() {
	clear(b.Records)
	clear(b.headers)
	*b = Batch{Records: b.Records[:0], raw: b.raw[:0], scratch: b.scratch[:0], headers: b.headers[:0], names: b.names}
	batches.Put(b)
}

// Bytes is the memory the batch's records take.
func (b *Batch) Bytes() int { return len(b.raw) + b.decompressed }

// room returns an empty slice with capacity for n bytes.
func (b *Batch) room(n int) []byte {
	if cap(b.scratch)-len(b.scratch) < n {
		b.scratch = make([]byte, 0, max(n, 2*cap(b.scratch), 64<<10))
	}
	return b.scratch[len(b.scratch):]
}

// use marks data, which was appended to room's slice, as taken.
func (b *Batch) use(data []byte) {
	b.decompressed += len(data)
	if cap(b.scratch)-len(b.scratch) >= len(data) { // otherwise it was moved to memory of its own
		b.scratch = b.scratch[:len(b.scratch)+len(data)]
	}
}

// name returns a header's key as a string, without allocating for the few keys that come again and again.
func (b *Batch) name(key []byte) string {
	if name, ok := b.names[string(key)]; ok {
		return name
	}
	name := string(key)
	if len(b.names) < 64 {
		b.names[name] = name
	}
	return name
}

// Fetch reads records of one log from offset on, at the read-committed level. An empty batch means that nothing came
// within MaxWait. It never reads from a log that took the topic's name later, nor, once Verify was called, from one that may have been cut
// off since.
//
// Errors: *OffsetOutOfRange, ErrLogGone, ErrUnknownTopic, ErrCorrupt, and those that Retriable tells of. After one of these Verify tells
// whether the log still is what it was.
func (c *Client) Fetch(ctx context.Context, log Log, offset int64, opts FetchOptions) (*Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, opts.MaxWait+c.cfg.RequestTimeout)
	defer cancel()
	c.fetches.asked(log.Topic, log.Partition, time.Now())
	b := batches.Get().(*Batch)
	leader, known := c.verified.Load(log)
	if !known {
		leader = int32(NoLeaderEpoch)
	}
	req := &fetchRequest{clientID: c.cfg.ClientID, log: log, leader: leader.(int32), offset: offset, options: opts, into: b.raw}
	answer, err := c.transport.RoundTrip(ctx, c.addr, req)
	if err != nil {
		// The exchange may still be under way and own the buffer: the batch is left to the garbage collector.
		return nil, c.fetchFailed(ctx, log, offset, explain(err))
	}
	res := answer.(*fetchResponse)
	b.raw = res.raw
	if res.code != 0 {
		b.Release()
		return nil, c.fetchFailed(ctx, log, offset, explain(kafkago.Error(res.code)))
	}
	b.Next, b.LeaderEpoch, b.HighWatermark, b.LogStart = offset, NoLeaderEpoch, res.highWatermark, res.logStart
	if err := decodeBatches(res.records, log.Partition, offset, res.aborted, expansion*opts.MaxBytes, b); err != nil {
		b.Release()
		return nil, c.fetchFailed(ctx, log, offset, err)
	}
	c.fetches.touch(log.Topic, log.Partition, time.Now())
	c.metrics.fetchBytes.WithLabelValues(log.Topic).Add(float64(len(res.records)))
	return b, nil
}

// fetchFailed counts an error and adds what it was about.
func (c *Client) fetchFailed(ctx context.Context, log Log, offset int64, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return err
	}
	c.metrics.fetchErrors.WithLabelValues(log.Topic).Inc()
	switch {
	case errors.Is(err, kafkago.OffsetOutOfRange):
		start, end, lookErr := c.Bounds(ctx, log)
		if lookErr != nil {
			return lookErr
		}
		return &OffsetOutOfRange{Topic: log.Topic, Partition: log.Partition, Offset: offset, Start: start, End: end}
	case errors.Is(err, kafkago.UnknownTopicID), errors.Is(err, kafkago.InconsistentTopicID):
		// A broker that has not heard yet of a new topic says the same as one where it was deleted.
		if _, lookErr := c.sameLog(ctx, log); lookErr != nil {
			return lookErr
		}
	}
	return fmt.Errorf("fetch %s/%d at %d: %w", log.Topic, log.Partition, offset, err)
}
