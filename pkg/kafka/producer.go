package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/event"
)

// ProducerConfig tunes a producer.
type ProducerConfig struct {
	// Linger is how long Send waits for more records of a partition to share a request. Default 5ms, 0–1s.
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
}

// DefaultProducerConfig returns the defaults.
func DefaultProducerConfig() ProducerConfig {
	return ProducerConfig{Linger: 5 * time.Millisecond, MaxBatchBytes: 1_000_000, MaxBufferedBytes: 64 << 20, Compression: "zstd", Timeout: 30 * time.Second}
}

// Validate names the first setting that is wrong and its accepted range.
func (c ProducerConfig) Validate() error {
	_, known := codecNames[c.Compression]
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
	codec  codec

	buffered atomic.Int64

	// gate is held for reading while records are taken in, so that Close sees either all of them or none.
	gate   sync.RWMutex
	closed bool

	mu    sync.Mutex
	lanes map[lane]*partitionQueue
	// workers are the goroutines that serve Send's queues; Close waits for them.
	workers sync.WaitGroup
}

type lane struct {
	topic     string
	partition int32
}

// NewProducer makes a producer. cfg must be valid.
func (c *Client) NewProducer(cfg ProducerConfig) *Producer {
	return &Producer{client: c, cfg: cfg, codec: codecNames[cfg.Compression], lanes: make(map[lane]*partitionQueue)}
}

// Produce writes recs to one partition, in order, and returns the offset of the first. nil means that all are acknowledged;
// after an error any number of them, from the front, may be stored. recs must not be empty.
func (p *Producer) Produce(ctx context.Context, topic string, partition int32, recs []event.Record) (int64, error) {
	q := p.queue(topic, partition)
	q.flight.Lock()
	defer q.flight.Unlock()
	b := builders.Get().(*builder)
	defer func() { b.reset(); builders.Put(b) }()
	first := int64(-1)
	flush := func() error {
		base, err := p.deliver(ctx, q.lane, b)
		if first < 0 {
			first = base
		}
		b.reset()
		return err
	}
	for i := range recs {
		size := encodedSize(&recs[i])
		if size > p.cfg.MaxBatchBytes {
			return first, &RecordTooLarge{Topic: topic, Size: size, Limit: p.cfg.MaxBatchBytes}
		}
		if b.count > 0 && len(b.records)+size > p.cfg.MaxBatchBytes {
			if err := flush(); err != nil {
				return first, err
			}
		}
		b.add(&recs[i])
	}
	return first, flush()
}

var builders = sync.Pool{New: func() any { return new(builder) }}

// Pauses between tries of one request.
const (
	firstPause = 20 * time.Millisecond
	maxPause   = time.Second
)

// deliver sends one batch until it is acknowledged, a lasting error comes, or the time is up. The caller holds the flight.
func (p *Producer) deliver(ctx context.Context, to lane, b *builder) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	m := p.client.metrics
	req, err := newProduceRequest(p.client.cfg.ClientID, to.topic, to.partition, int32(p.client.cfg.RequestTimeout.Milliseconds()), b, p.codec)
	if err != nil {
		return -1, err
	}
	pause := firstPause
	for {
		started := time.Now()
		base, err := p.request(ctx, req)
		if err == nil {
			m.produceSeconds.Observe(time.Since(started).Seconds())
			m.produceRequests.WithLabelValues(to.topic, "ok").Inc()
			m.produceBytes.WithLabelValues(to.topic).Add(float64(len(req.body)))
			return base, nil
		}
		m.produceRequests.WithLabelValues(to.topic, "error").Inc()
		err = fmt.Errorf("produce to %s/%d: %w", to.topic, to.partition, err)
		if !Retriable(err) {
			return -1, err
		}
		select {
		case <-ctx.Done():
			return -1, errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
		m.produceRetries.Inc()
	}
}

func (p *Producer) request(ctx context.Context, req *produceRequest) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, p.client.cfg.RequestTimeout+time.Second)
	defer cancel()
	answer, err := p.client.transport.RoundTrip(ctx, p.client.addr, req)
	if err != nil {
		return -1, explain(err)
	}
	res := answer.(*produceResponse)
	switch code := kafkago.Error(res.code); code {
	case 0:
		return res.baseOffset, nil
	case kafkago.MessageSizeTooLarge, kafkago.RecordListTooLarge:
		return -1, &RecordTooLarge{Topic: req.topic}
	default:
		return -1, explain(code)
	}
}

// queue returns the partition's queue, making it on first use.
func (p *Producer) queue(topic string, partition int32) *partitionQueue {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := lane{topic, partition}
	q := p.lanes[at]
	if q == nil {
		q = &partitionQueue{lane: at, producer: p}
		p.lanes[at] = q
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
