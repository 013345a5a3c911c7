package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
)

// A Claim is one partition, owned for one generation.
type Claim struct {
	Topic      string
	Partition  int32
	Generation int32
	// Offset is where the group goes on; -1 before its first commit. Metadata is what was committed beside it.
	Offset   int64
	Metadata string

	group  string
	member string
	client *Client
}

// Commit records offset and metadata for the claim's partition, synchronously, under its generation. ErrFenced means that the
// generation is over: the handler must stop and leave everything as it is. Passing faults are tried again for 5 s.
func (cl *Claim) Commit(ctx context.Context, offset int64, metadata string) error {
	return cluster.Commit(ctx, Retriable, func(ctx context.Context) error {
		err := cl.commit(ctx, offset, metadata)
		result := "error"
		switch {
		case err == nil:
			result = "ok"
		case errors.Is(err, ErrFenced):
			result = "fenced"
		}
		cl.client.metrics.commits.WithLabelValues(cl.group, result).Inc()
		if err == nil {
			return nil
		}
		return fmt.Errorf("commit %d of %s/%d for %s: %w", offset, cl.Topic, cl.Partition, cl.group, err)
	})
}

func (cl *Claim) commit(ctx context.Context, offset int64, metadata string) error {
	answer, err := cl.client.cluster.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: cl.group, GenerationID: int(cl.Generation), MemberID: cl.member,
		Topics: map[string][]kafkago.OffsetCommit{cl.Topic: {{Partition: int(cl.Partition), Offset: offset, Metadata: metadata}}},
	})
	if err != nil {
		return cluster.Explain(err)
	}
	for _, p := range answer.Topics[cl.Topic] {
		if p.Partition == int(cl.Partition) {
			return cluster.Explain(p.Error)
		}
	}
	return cluster.ErrNoAnswer
}
