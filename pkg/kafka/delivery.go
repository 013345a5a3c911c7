package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
)

// A delivery is one batch on its way to its partition. Whoever runs it holds the partition's flight.
//
// Every try sends the same bytes, hence the same sequence, and the leader stores them once, whatever became of the answers. The
// sequence moves on only with an acknowledgement. That leaves one thing to watch: a sequence must never be used for other bytes
// while a leader may hold it, since the leader would answer that it has them already, and they would be lost. So a delivery that
// ends without knowing whether it was stored makes the partition start over under a new epoch.
type delivery struct {
	producer *Producer
	queue    *partitionQueue
	builder  *wire.Builder
	batch    *wire.ProduceBatch // nil until it is numbered
	// unsure is set once a try may have been stored without our knowing.
	unsure bool
}

// deliver sends one batch until it is acknowledged, a permanent error comes, or the time is up. It returns the offset of the first
// record; -1 where the leader has the batch from an earlier try and no longer knows where.
func (p *Producer) deliver(ctx context.Context, q *partitionQueue, b *wire.Builder) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	d := delivery{producer: p, queue: q, builder: b}
	m := p.client.metrics
	base := int64(-1)
	trying := cluster.Again(Retriable)
	trying.Notice = func(error) { m.produceRetries.Inc() }
	err := trying.Do(ctx, func() (err error) {
		if base, err = d.try(ctx); err == nil {
			return nil
		}
		m.produceRequests.WithLabelValues(q.topic, "error").Inc()
		return fmt.Errorf("produce to %s/%d: %w", q.topic, q.partition, err)
	})
	switch {
	case err == nil:
		q.identity.advance(b.Count())
		return base, nil
	case ctx.Err() != nil:
		err = errors.Join(err, ctx.Err())
	}
	return -1, d.giveUp(err)
}

// try numbers the batch, unless it is already, and sends it once.
func (d *delivery) try(ctx context.Context) (int64, error) {
	p, q := d.producer, d.queue
	if err := q.identity.obtain(ctx, p.client); err != nil {
		return -1, err
	}
	if d.batch == nil {
		var err error
		if d.batch, err = wire.NewProduceBatch(q.topic, q.partition, d.builder, p.codec, q.identity.numbers()); err != nil {
			return -1, err
		}
	}
	started := time.Now()
	base, err := d.send(ctx)
	q.slow = time.Since(started) >= slow
	if err != nil {
		return -1, d.startOver(err)
	}
	m := p.client.metrics
	m.produceSeconds.Observe(time.Since(started).Seconds())
	m.produceRequests.WithLabelValues(q.topic, "ok").Inc()
	m.produceBytes.WithLabelValues(q.topic).Add(float64(d.batch.Bytes()))
	return base, nil
}

// send has the batch shipped once and says what the answer means for it.
func (d *delivery) send(ctx context.Context) (int64, error) {
	client := d.producer.client
	ctx, cancel := context.WithTimeout(ctx, client.cfg.RequestTimeout+time.Second)
	defer cancel()
	res, err := d.producer.shipper.ship(ctx, d.queue.topicPartition, d.batch, d.queue.slow)
	if err != nil {
		var late *lateError
		d.unsure = d.unsure || d.batch.Written() || errors.As(err, &late)
		return -1, cluster.Explain(err)
	}
	code := kafkago.Error(res.Code)
	switch code {
	case 0:
		return res.BaseOffset, nil
	case kafkago.DuplicateSequenceNumber:
		if d.unsure {
			return -1, nil // stored by an earlier try, too long ago for the leader to know the offset
		}
		return -1, cluster.Explain(code) // another batch has our sequence: taking this for success would lose ours
	case kafkago.MessageSizeTooLarge, kafkago.RecordListTooLarge:
		return -1, &RecordTooLarge{Topic: d.queue.topic}
	}
	d.unsure = d.unsure || !refused(code)
	return -1, cluster.Explain(code)
}

// refused tells whether the code says that this try was not stored: the leader looked at it and would not have it. All others can
// come after the leader has appended the batch, for instance while it waits for the replicas.
func refused(code kafkago.Error) bool {
	switch code {
	case kafkago.OutOfOrderSequenceNumber, kafkago.UnknownProducerId, kafkago.InvalidProducerEpoch, kafkago.ProducerFenced,
		kafkago.InvalidProducerIDMapping, kafkago.NotEnoughReplicas, kafkago.InvalidMessage, kafkago.InvalidRecord,
		kafkago.InvalidTimestamp, kafkago.InvalidTopic, kafkago.TopicAuthorizationFailed, kafkago.ClusterAuthorizationFailed, kafkago.UnsupportedForMessageFormat:
		return true
	}
	return false
}

// startOver looks at why a try failed: where the leader and we differ about the sequence, the next try is numbered anew, under a
// new epoch or id. It returns err.
//
// The leader lost the producer's state (it expired, its records were deleted, or a leader that lacked them was elected). A batch
// never stored before is then safe to send again. One that may have been stored may double, which beats losing it: the readers of
// Waymark's topics tell doubles by raw offset and event id.
func (d *delivery) startOver(err error) error {
	id := &d.queue.identity
	if id.id == anonymous {
		return err
	}
	var reason string
	var code kafkago.Error
	_ = errors.As(err, &code)
	switch code {
	case kafkago.OutOfOrderSequenceNumber:
		reason = "out_of_order"
		id.restart()
	case kafkago.DuplicateSequenceNumber:
		reason = "duplicate"
		id.restart()
	case kafkago.UnknownProducerId:
		reason = "unknown_id"
		id.restart()
	case kafkago.InvalidProducerEpoch, kafkago.ProducerFenced, kafkago.InvalidProducerIDMapping:
		// Somebody has a higher epoch of our id, or the id means something else: it is not ours.
		reason = "fenced"
		id.forget()
	default:
		return err
	}
	d.batch = nil
	client := d.producer.client
	client.metrics.producerResets.WithLabelValues(reason).Inc()
	if d.unsure {
		client.metrics.unsureResends.Inc()
	}
	client.log.Warn("the leader does not agree with this producer's sequence: numbering from 0 again", zap.String("topic", d.queue.topic),
		zap.Int32("partition", d.queue.partition), zap.Bool("may_double", d.unsure), zap.Int32("records", d.builder.Count()), zap.Error(err))
	d.unsure = false
	return err
}

// giveUp ends a delivery without success and returns err. When the batch may have been stored its sequence is spent: see delivery.
func (d *delivery) giveUp(err error) error {
	if d.unsure && d.queue.identity.id != anonymous {
		d.queue.identity.restart()
		d.producer.client.metrics.producerResets.WithLabelValues("abandoned").Inc()
	}
	return err
}
