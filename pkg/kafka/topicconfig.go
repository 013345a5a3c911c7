package kafka

import (
	"context"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
)

// TopicConfig returns some of Kafka's settings of a topic, those of its cluster where it has none of its own.
func (c *Client) TopicConfig(ctx context.Context, topic string, names ...string) (map[string]string, error) {
	answer, err := c.cluster.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{
		Resources: []kafkago.DescribeConfigRequestResource{{ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic, ConfigNames: names}},
	})
	if err != nil {
		return nil, fmt.Errorf("read configuration of %s: %w", topic, cluster.Explain(err))
	}
	current := make(map[string]string)
	for _, resource := range answer.Resources {
		if resource.Error != nil {
			return nil, fmt.Errorf("read configuration of %s: %w", topic, cluster.Explain(resource.Error))
		}
		for _, entry := range resource.ConfigEntries {
			current[entry.ConfigName] = entry.ConfigValue
		}
	}
	return current, nil
}
