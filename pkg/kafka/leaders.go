package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol/metadata"
)

// leaders remembers who leads the partitions of topics, to find what can share a request. Requests find their broker themselves: a leader that has moved
// since costs a try.
type leaders struct {
	mu     sync.Mutex
	topics map[string]topicLeaders
}

// topicLeaders are a topic's by partition, as of a moment.
type topicLeaders struct {
	of map[int32]int32
	at time.Time
}

// leadersFor is how long leaders are remembered: kafka-go, which knows them for metadataTTL, copies the topic's whole metadata for each question.
const leadersFor = 250 * time.Millisecond

// leader returns which broker leads a partition; false where that is not known.
func (c *Client) leader(ctx context.Context, topic string, partition int32) (broker int32, known bool) {
	c.leaders.mu.Lock()
	t := c.leaders.topics[topic]
	c.leaders.mu.Unlock()
	if time.Since(t.at) >= leadersFor {
		t = c.askForLeaders(ctx, topic)
	}
	broker, known = t.of[partition]
	return broker, known
}

// askForLeaders asks kafka-go. What could not be had is asked for again next time.
func (c *Client) askForLeaders(ctx context.Context, topic string) topicLeaders {
	t := topicLeaders{of: make(map[int32]int32), at: time.Now()}
	answer, err := c.transport.RoundTrip(ctx, c.addr, &metadata.Request{TopicNames: []string{topic}})
	if err != nil {
		return t
	}
	for _, about := range answer.(*metadata.Response).Topics {
		for _, p := range about.Partitions {
			if about.Name == topic && p.ErrorCode == 0 && p.LeaderID >= 0 {
				t.of[p.PartitionIndex] = p.LeaderID
			}
		}
	}
	c.leaders.mu.Lock()
	defer c.leaders.mu.Unlock()
	if c.leaders.topics == nil {
		c.leaders.topics = make(map[string]topicLeaders)
	}
	c.leaders.topics[topic] = t
	return t
}
