package kafka

import (
	"context"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
)

// OffsetsAt returns, for every partition of topic, the offset of the first record whose timestamp is at or after the given time,
// to the millisecond; where no record is so young, the end of the log. Timestamps need not rise along a log: every record before
// that offset is older, not every one after it younger. Times before 1970 mean 1970.
//
// Errors: ErrUnknownTopic, and those that Retriable tells of.
func (c *Client) OffsetsAt(ctx context.Context, topic string, at time.Time) ([]int64, error) {
	// The ends are read first: a record that comes in between is after them, and so not passed over.
	bounds, err := c.Offsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(bounds))
	requests := make([]kafkago.OffsetRequest, len(bounds))
	for i, b := range bounds {
		out[i] = b.End
		// Negative timestamps have meanings of their own to a broker.
		requests[i] = kafkago.OffsetRequest{Partition: i, Timestamp: max(at.UnixMilli(), 0)}
	}
	answer, err := c.cluster.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: requests}})
	if err != nil {
		return nil, fmt.Errorf("offsets of %s at %s: %w", topic, at.UTC().Format(time.RFC3339), cluster.Explain(err))
	}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("offset of %s/%d at %s: %w", topic, p.Partition, at.UTC().Format(time.RFC3339), cluster.Explain(p.Error))
		}
		for offset := range p.Offsets { // one; -1 where no record is so young
			if offset >= 0 {
				out[p.Partition] = offset
			}
		}
	}
	return out, nil
}
