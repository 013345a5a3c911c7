package admin

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
)

// ErrGroupActive means that a group has members: its offsets are theirs to commit.
var ErrGroupActive = errors.New("kafka: the group has members")

// ResetGroup commits for a group that has no members, on topic's partitions. A coordinator that is starting is waited for, 5 s.
//
// Errors: ErrGroupActive, with nothing committed; those that Retriable tells of.
func ResetGroup(ctx context.Context, c *kafka.Client, group, topic string, at []kafka.Commitment) error {
	err := cluster.Commit(ctx, kafka.Retriable, func(ctx context.Context) error { return resetGroup(ctx, c, group, topic, at) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kafka.ErrFenced):
		return fmt.Errorf("set offsets of %s: %w", group, ErrGroupActive)
	}
	return fmt.Errorf("set offsets of %s on %s: %w", group, topic, err)
}

func resetGroup(ctx context.Context, c *kafka.Client, group, topic string, at []kafka.Commitment) error {
	commits := make([]kafkago.OffsetCommit, len(at))
	for i, a := range at {
		commits[i] = kafkago.OffsetCommit{Partition: int(a.Partition), Offset: a.Offset, Metadata: a.Metadata}
	}
	answer, err := c.Cluster().OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: group, GenerationID: -1, Topics: map[string][]kafkago.OffsetCommit{topic: commits},
	})
	if err != nil {
		return cluster.Explain(err)
	}
	if len(answer.Topics[topic]) != len(at) {
		return cluster.ErrNoAnswer
	}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return cluster.Explain(p.Error)
		}
	}
	return nil
}
