// Package cluster is what pkg/kafka and pkg/kafka/admin share of a cluster: kafka-go's client of it, what its errors mean, and how long one
// waits for a coordinator.
package cluster

import (
	"context"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/retry"
)

// A Cluster takes kafka-go's requests. Their errors are to be explained.
type Cluster struct{ *kafkago.Client }

// Topic returns a topic as it was within the last second. The error is explained.
func (c Cluster) Topic(ctx context.Context, name string) (*kafkago.Topic, error) {
	answer, err := c.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{name}})
	if err != nil {
		return nil, Explain(err)
	}
	for i := range answer.Topics {
		if t := &answer.Topics[i]; t.Name == name {
			return t, Explain(t.Error)
		}
	}
	return nil, ErrUnknownTopic
}

// Again is how one request is tried again while its error passes.
func Again(passes func(error) bool) retry.Policy {
	return retry.Policy{First: 20 * time.Millisecond, Last: time.Second, Passes: passes}
}

// commitTimeout bounds one commit, retries included: below the shortest session timeout, so that a member whose
// coordinator is gone notices before its session ends.
const commitTimeout = 5 * time.Second

// Commit does what asks a group's coordinator for its offsets, or to set them. One that is starting, or moving, answers for another group or not
// at all: that is tried again for 5 s.
func Commit(ctx context.Context, passes func(error) bool, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return Again(passes).Do(ctx, func() error { return do(ctx) })
}
