package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
)

// PartitionOffsets are the bounds of a partition's log.
type PartitionOffsets struct {
	Partition int32
	// Start is the oldest offset kept, End the one after the newest.
	Start, End int64
}

// A Commitment is what is committed for a partition.
type Commitment struct {
	Partition int32
	// Offset is where the group goes on; -1 where nothing is committed.
	Offset   int64
	Metadata string
}

// Offsets returns the bounds of every partition of topic, by partition.
func (c *Client) Offsets(ctx context.Context, topic string) ([]PartitionOffsets, error) {
	n, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	return c.offsets(ctx, topic, upTo(n))
}

func upTo(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

func (c *Client) offsets(ctx context.Context, topic string, partitions []int32) ([]PartitionOffsets, error) {
	out := make([]PartitionOffsets, len(partitions))
	for i, p := range partitions {
		out[i].Partition = p
	}
	// First and last are asked for apart: brokers answer one timestamp a partition and request.
	for _, end := range []struct {
		timestamp int64
		set       func(*PartitionOffsets, kafkago.PartitionOffsets)
	}{
		{kafkago.FirstOffset, func(o *PartitionOffsets, answer kafkago.PartitionOffsets) { o.Start = answer.FirstOffset }},
		{kafkago.LastOffset, func(o *PartitionOffsets, answer kafkago.PartitionOffsets) { o.End = answer.LastOffset }},
	} {
		requests := make([]kafkago.OffsetRequest, len(partitions))
		for i, p := range partitions {
			requests[i] = kafkago.OffsetRequest{Partition: int(p), Timestamp: end.timestamp}
		}
		answer, err := c.cluster.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: requests}})
		if err != nil {
			return nil, fmt.Errorf("offsets of %s: %w", topic, cluster.Explain(err))
		}
		for _, p := range answer.Topics[topic] {
			if p.Error != nil {
				return nil, fmt.Errorf("offsets of %s/%d: %w", topic, p.Partition, cluster.Explain(p.Error))
			}
			if i := slices.Index(partitions, int32(p.Partition)); i >= 0 {
				end.set(&out[i], p)
			}
		}
	}
	return out, nil
}

// Committed returns what group has committed on every partition of topic, by partition; Offset is -1 where it has nothing. A
// coordinator that is starting is waited for, 5 s. It takes the right to read the group.
//
// Errors: ErrUnknownTopic, and those that Retriable tells of.
func (c *Client) Committed(ctx context.Context, group, topic string) ([]Commitment, error) {
	n, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	committed, err := c.committed(ctx, group, map[string][]int32{topic: upTo(n)})
	if err != nil {
		return nil, err
	}
	out := make([]Commitment, n)
	for i := range out {
		out[i] = committed[topic][int32(i)]
	}
	return out, nil
}

// committed reads what group has committed, by topic and partition.
func (c *Client) committed(ctx context.Context, group string, partitions map[string][]int32) (map[string]map[int32]Commitment, error) {
	var out map[string]map[int32]Commitment
	err := cluster.Commit(ctx, Retriable, func(ctx context.Context) (err error) {
		out, err = c.fetchCommitted(ctx, group, partitions)
		return err
	})
	return out, err
}

func (c *Client) fetchCommitted(ctx context.Context, group string, partitions map[string][]int32) (map[string]map[int32]Commitment, error) {
	req := &kafkago.OffsetFetchRequest{GroupID: group, Topics: make(map[string][]int)}
	for topic, of := range partitions {
		for _, p := range of {
			req.Topics[topic] = append(req.Topics[topic], int(p))
		}
	}
	answer, err := c.cluster.OffsetFetch(ctx, req)
	if err == nil {
		err = answer.Error
	}
	switch {
	case errors.Is(err, kafkago.GroupIdNotFound):
		answer = new(kafkago.OffsetFetchResponse)
	case err != nil:
		return nil, fmt.Errorf("offsets committed by %s: %w", group, cluster.Explain(err))
	}
	out := make(map[string]map[int32]Commitment)
	for topic, of := range partitions {
		out[topic] = make(map[int32]Commitment)
		for _, p := range of {
			out[topic][p] = Commitment{Partition: p, Offset: -1}
		}
	}
	for topic, of := range answer.Topics {
		for _, p := range of {
			if p.Error != nil {
				return nil, fmt.Errorf("offset of %s/%d committed by %s: %w", topic, p.Partition, group, cluster.Explain(p.Error))
			}
			out[topic][int32(p.Partition)] = Commitment{int32(p.Partition), p.CommittedOffset, p.Metadata}
		}
	}
	return out, nil
}
