package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
)

// ProducerConfig tunes a producer.
type ProducerConfig struct {
	// Linger is how long Send waits at most for more records of a partition to share a batch; at least 20ms, unless it is 0, for a partition whose last
	// batch had records of several calls, or 32 KiB or more, uncompressed. Batches of all partitions end at the same ticks, and go in one request to
	// each leader. Default 5ms, 0–1s.
	Linger time.Duration `yaml:"linger"`
	// MaxBatchBytes bounds a batch before compression, and with it one record. It must stay below the topics'
	// max.message.bytes. Default 1000000, 1024–104857600.
	MaxBatchBytes int `yaml:"max_batch_bytes"`
	// MaxBufferedBytes bounds what Send holds unacknowledged. Default 67108864, at least MaxBatchBytes.
	MaxBufferedBytes int `yaml:"max_buffered_bytes"`
	// Compression is none, gzip, snappy, lz4 or zstd. Default zstd.
	Compression string `yaml:"compression"`
	// Timeout bounds the delivery of a batch, retries included. Default 30s, 100ms–10m.
	Timeout time.Duration `yaml:"timeout"`
	// Idempotent numbers the batches, so that one sent again after a lost answer is stored once. It takes the right to
	// IDEMPOTENT_WRITE on the cluster, or, from Apache Kafka 2.8 on, no more than WRITE on a topic. Default true, true or false.
	Idempotent bool `yaml:"idempotent"`
}

// DefaultProducerConfig returns the defaults.
func DefaultProducerConfig() ProducerConfig {
	return ProducerConfig{
		Linger: 5 * time.Millisecond, MaxBatchBytes: 1_000_000, MaxBufferedBytes: 64 << 20, Compression: "zstd",
		Timeout: 30 * time.Second, Idempotent: true,
	}
}

// Validate names the first setting that is wrong and its accepted range.
func (c ProducerConfig) Validate() error {
	_, known := wire.Codecs[c.Compression]
	switch {
	case c.Linger < 0 || c.Linger > time.Second:
		return errors.New("linger: want 0–1s")
	case c.MaxBatchBytes < 1024 || c.MaxBatchBytes > 100<<20:
		return errors.New("max_batch_bytes: want 1024–104857600")
	case c.MaxBufferedBytes < c.MaxBatchBytes:
		return errors.New("max_buffered_bytes: want at least max_batch_bytes")
	case !known:
		return errors.New("compression: want none, gzip, snappy, lz4 or zstd")
	case c.Timeout < 100*time.Millisecond || c.Timeout > 10*time.Minute:
		return errors.New("timeout: want 100ms–10m")
	}
	return nil
}

// A Producer writes records, each partition's in order, acknowledged by all in-sync replicas. It is safe for concurrent use.
type Producer struct {
	client *Client
	cfg    ProducerConfig
	codec  wire.Codec

	shipper  *shipper
	began    time.Time // what lingers' ticks count from
	buffered atomic.Int64
	counts   sync.Map // partitionCount by topic

	// gate is held for reading while records are taken in, so that Close sees either all of them or none.
	gate   sync.RWMutex
	closed bool

	mu     sync.Mutex
	queues map[topicPartition]*partitionQueue
	// workers are the goroutines that serve Send's queues; Close waits for them.
	workers sync.WaitGroup
}

// NewProducer makes a producer. cfg must be valid.
func (c *Client) NewProducer(cfg ProducerConfig) *Producer {
	return &Producer{
		client: c, cfg: cfg, codec: wire.Codecs[cfg.Compression], shipper: newShipper(c), began: time.Now(), queues: make(map[topicPartition]*partitionQueue),
	}
}

// Produce writes recs to one partition, in order, and returns the offset of the first, -1 where the leader no longer knows it. nil
// means that all are acknowledged; after an error any number of them, from the front, may be stored. recs must not be empty.
func (p *Producer) Produce(ctx context.Context, topic string, partition int32, recs []event.Record) (int64, error) {
	q := p.queue(topic, partition)
	if err := q.flight.acquire(ctx); err != nil {
		return -1, fmt.Errorf("wait for the batch before it on %s/%d: %w", topic, partition, err)
	}
	defer q.flight.release()
	b := builders.Get().(*wire.Builder)
	defer func() { b.Reset(); builders.Put(b) }()
	first, flushed := int64(-1), false
	flush := func() error {
		base, err := p.deliver(ctx, q, b)
		if !flushed {
			first, flushed = base, true
		}
		b.Reset()
		return err
	}
	for i := range recs {
		size := wire.EncodedSize(&recs[i])
		if size > p.cfg.MaxBatchBytes {
			return first, &RecordTooLarge{Topic: topic, Size: size, Limit: p.cfg.MaxBatchBytes}
		}
		if b.Count() > 0 && b.Size()+size > p.cfg.MaxBatchBytes {
			if err := flush(); err != nil {
				return first, err
			}
		}
		b.Add(&recs[i])
	}
	return first, flush()
}

var builders = sync.Pool{New: func() any { return new(wire.Builder) }}

// queue returns the partition's queue, making it on first use.
func (p *Producer) queue(topic string, partition int32) *partitionQueue {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := topicPartition{topic, partition}
	q := p.queues[at]
	if q == nil {
		q = &partitionQueue{topicPartition: at, producer: p, flight: make(flight, 1), identity: unnumbered}
		if p.cfg.Idempotent {
			q.identity.forget()
		}
		p.queues[at] = q
	}
	return q
}

// Close lets what Send has taken be delivered, until ctx ends; Send refuses new records with ErrClosed.
func (p *Producer) Close(ctx context.Context) error {
	p.gate.Lock()
	p.closed = true
	p.gate.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.workers.Wait() // ends by itself: a delivery is bounded by Timeout
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close producer: %d bytes are not acknowledged: %w", p.buffered.Load(), ctx.Err())
	}
}
