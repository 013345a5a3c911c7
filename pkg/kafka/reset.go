package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/retry"
)

// ErrGroupActive means that a group has members: its offsets are theirs to commit.
var ErrGroupActive = errors.New("kafka: the group has members")

// A Commitment is what is committed for a partition.
type Commitment struct {
	Partition int32
	Offset    int64
	Metadata  string
}

// ResetGroup commits for a group that has no members, on topic's partitions. A coordinator that is starting is waited for, 5 s.
//
// Errors: ErrGroupActive, with nothing committed; those that Retriable tells of.
func (c *Client) ResetGroup(ctx context.Context, group, topic string, at []Commitment) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	err := retry.Policy{First: firstPause, Last: maxPause, Passes: Retriable}.Do(ctx, func() error { return c.resetGroup(ctx, group, topic, at) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrFenced):
		return fmt.Errorf("set offsets of %s: %w", group, ErrGroupActive)
	}
	return fmt.Errorf("set offsets of %s on %s: %w", group, topic, err)
}

func (c *Client) resetGroup(ctx context.Context, group, topic string, at []Commitment) error {
	commits := make([]kafkago.OffsetCommit, len(at))
	for i, a := range at {
		commits[i] = kafkago.OffsetCommit{Partition: int(a.Partition), Offset: a.Offset, Metadata: a.Metadata}
	}
	answer, err := c.admin.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: group, GenerationID: -1, Topics: map[string][]kafkago.OffsetCommit{topic: commits},
	})
	if err != nil {
		return explain(err)
	}
	if len(answer.Topics[topic]) != len(at) {
		return errNoAnswer
	}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return explain(p.Error)
		}
	}
	return nil
}
