package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
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
type Batch = wire.Batch

// Packed is a batch's records as they came, to be decoded again.
type Packed = wire.Packed

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
	b := wire.NewBatch()
	req := &wire.FetchRequest{
		ClientID: c.cfg.ClientID, Topic: log.Topic, TopicID: log.ID, Partitions: []wire.FetchPartition{c.fetchFrom(log, offset)},
		MinBytes: opts.MinBytes, MaxBytes: opts.MaxBytes, MaxWait: opts.MaxWait, Into: b,
	}
	answer, err := c.transport.RoundTrip(ctx, c.addr, req)
	if err != nil {
		// The exchange may still be under way and own the buffer: the batch is left to the garbage collector.
		return nil, c.fetchFailed(ctx, log, offset, cluster.Explain(err))
	}
	res := answer.(*wire.FetchResponse)
	if res.Code != 0 {
		b.Release()
		return nil, c.fetchFailed(ctx, log, offset, cluster.Explain(kafkago.Error(res.Code)))
	}
	return c.fetched(ctx, log, offset, &res.Partitions[0], b, opts)
}

// fetchFrom asks for a log's records under the leader that Verify found it in order under.
func (c *Client) fetchFrom(log Log, offset int64) wire.FetchPartition {
	leader, known := c.verified.Load(log)
	if !known {
		leader = int32(NoLeaderEpoch)
	}
	return wire.FetchPartition{Partition: log.Partition, LeaderEpoch: leader.(int32), Offset: offset}
}

// fetched decodes into b what a leader answered for one log.
func (c *Client) fetched(ctx context.Context, log Log, offset int64, p *wire.FetchedPartition, b *Batch, opts FetchOptions) (*Batch, error) {
	if p.Code != 0 {
		b.Release()
		return nil, c.fetchFailed(ctx, log, offset, cluster.Explain(kafkago.Error(p.Code)))
	}
	if err := p.Decode(b, offset, expansion*opts.MaxBytes); err != nil {
		b.Release()
		return nil, c.fetchFailed(ctx, log, offset, err)
	}
	c.fetches.touch(log.Topic, log.Partition, time.Now())
	c.metrics.fetchBytes.WithLabelValues(log.Topic).Add(float64(p.Bytes()))
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
