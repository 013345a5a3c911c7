package admin

import (
	"context"
	"fmt"

	"github.com/waymark-events/waymark/pkg/kafka"
)

// PartitionLag is how far a group is behind on a partition.
type PartitionLag struct {
	Partition int32
	// Committed is the offset the group goes on from; -1 before its first commit.
	Committed int64
	Start     int64
	End       int64
	// Lag counts the offsets from Committed, or Start before the first commit, to End.
	Lag int64
	// Metadata is what was committed beside the offset.
	Metadata string
}

// Lag returns how far group is behind on every partition of topic, by partition.
func Lag(ctx context.Context, c *kafka.Client, group, topic string) ([]PartitionLag, error) {
	bounds, err := c.Offsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	committed, err := c.Committed(ctx, group, topic)
	if err != nil {
		return nil, err
	}
	if len(committed) < len(bounds) {
		return nil, fmt.Errorf("%s has fewer partitions than a moment ago: %w", topic, kafka.ErrUnknownTopic)
	}
	out := make([]PartitionLag, len(bounds))
	for i, b := range bounds {
		at := committed[i]
		out[i] = PartitionLag{Partition: b.Partition, Committed: at.Offset, Start: b.Start, End: b.End, Metadata: at.Metadata}
		out[i].Lag = max(0, b.End-max(at.Offset, b.Start))
	}
	return out, nil
}
