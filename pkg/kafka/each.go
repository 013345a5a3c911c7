package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
	"github.com/waymark-events/waymark/pkg/retry"
)

// TooLarge means that some records, each by itself, exceed what the producer or the broker takes. All others are acknowledged.
type TooLarge struct {
	Topic string
	// Records are their places in what was to be sent, rising.
	Records []int
}

func (e *TooLarge) Error() string {
	return fmt.Sprintf("kafka: %s takes no record as large as %d of those sent", e.Topic, len(e.Records))
}

// SendEach is Send, except that no record is refused for the size of a batch: where the topic takes smaller batches than this producer
// makes, each partition's records are sent again in halves, then halves of halves. What is too large by itself is named by a *TooLarge;
// with that error, unlike any other, all other records are acknowledged. Those of the first try that were stored are in the topic twice.
func (p *Producer) SendEach(ctx context.Context, topic string, recs []event.Record) error {
	var refused []int
	fit := recs
	for i := range recs {
		switch over := wire.EncodedSize(&recs[i]) > p.cfg.MaxBatchBytes; {
		case over && refused == nil:
			refused, fit = []int{i}, slices.Clone(recs[:i])
		case over:
			refused = append(refused, i)
		case refused != nil:
			fit = append(fit, recs[i])
		}
	}
	err := p.Send(ctx, topic, fit)
	if isTooLarge(err) {
		refused, err = p.sendParts(ctx, topic, recs, refused)
	}
	if err == nil && len(refused) > 0 {
		slices.Sort(refused)
		return &TooLarge{Topic: topic, Records: refused}
	}
	return err
}

// sendParts sends all of recs but those at the places that are refused already, and adds those that the broker refuses.
func (p *Producer) sendParts(ctx context.Context, topic string, recs []event.Record, refused []int) ([]int, error) {
	p.client.metrics.produceSplits.WithLabelValues(topic).Inc()
	partitions, err := p.client.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	places := make(map[int32][]int)
	for i := range recs {
		if !slices.Contains(refused, i) {
			partition := PartitionForKey(recs[i].Key, partitions)
			places[partition] = append(places[partition], i)
		}
	}
	for partition, at := range places {
		large, err := p.produceHalves(ctx, topic, partition, recs, at)
		if err != nil {
			return nil, err
		}
		refused = append(refused, large...)
	}
	return refused, nil
}

// produceHalves writes the records at some places to one partition, in order, and returns the places of those that are too large. It
// goes by Produce, whose batches nobody shares: of a batch that Send makes nobody knows whose records were too many.
func (p *Producer) produceHalves(ctx context.Context, topic string, partition int32, recs []event.Record, at []int) (refused []int, err error) {
	err = retry.InHalves(len(at), isTooLarge, func(from, to int) error {
		part := make([]event.Record, to-from)
		for i, place := range at[from:to] {
			part[i] = recs[place]
		}
		_, err := p.Produce(ctx, topic, partition, part)
		if isTooLarge(err) && len(part) == 1 {
			refused = append(refused, at[from])
			return nil
		}
		return err
	})
	return refused, err
}

func isTooLarge(err error) bool {
	var tooLarge *RecordTooLarge
	return errors.As(err, &tooLarge)
}
