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
	return CommitTogether(ctx, []Commit{{cl, offset, metadata}})
}

// A Commit is what is to be recorded for a claim: see Claim.
type Commit struct {
	Claim    *Claim
	Offset   int64
	Metadata string
}

// CommitTogether records commits of one membership's claims of one generation, at least one, in one request: nil means that all of them are.
// After an error, also one that is about one partition only, each of them may be. Otherwise it is as Claim.Commit.
func CommitTogether(ctx context.Context, commits []Commit) error {
	first := commits[0].Claim
	return cluster.Commit(ctx, Retriable, func(ctx context.Context) error {
		err := commit(ctx, first, commits)
		result := "error"
		switch {
		case err == nil:
			result = "ok"
		case errors.Is(err, ErrFenced):
			result = "fenced"
		}
		first.client.metrics.commits.WithLabelValues(first.group, result).Inc()
		if err == nil {
			return nil
		}
		return fmt.Errorf("commit %d of %s/%d%s for %s: %w", commits[0].Offset, first.Topic, first.Partition, others(len(commits)-1), first.group, err)
	})
}

func others(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and those of %d other partitions", n)
}

func commit(ctx context.Context, of *Claim, commits []Commit) error {
	request := &kafkago.OffsetCommitRequest{
		GroupID: of.group, GenerationID: int(of.Generation), MemberID: of.member, Topics: make(map[string][]kafkago.OffsetCommit),
	}
	for _, c := range commits {
		request.Topics[c.Claim.Topic] = append(request.Topics[c.Claim.Topic], kafkago.OffsetCommit{Partition: int(c.Claim.Partition), Offset: c.Offset, Metadata: c.Metadata})
	}
	answer, err := of.client.cluster.OffsetCommit(ctx, request)
	if err != nil {
		return cluster.Explain(err)
	}
	said := make(map[topicPartition]error)
	for topic, partitions := range answer.Topics {
		for _, p := range partitions {
			said[topicPartition{topic, int32(p.Partition)}] = p.Error
		}
	}
	var failed error
	for _, c := range commits {
		err, answered := said[topicPartition{c.Claim.Topic, c.Claim.Partition}]
		switch err = cluster.Explain(err); {
		case !answered:
			err = cluster.ErrNoAnswer
		case err != nil && !Retriable(err): // it is over for all of them, whatever passes of the others
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}
