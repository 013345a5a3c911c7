package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
)

// A TopicSpec is a topic as it should be.
type TopicSpec struct {
	Name              string
	Partitions        int
	ReplicationFactor int
	// Config holds Kafka's topic settings; those not named keep what they have.
	Config map[string]string
}

// A TopicChange tells what ApplyTopics did.
type TopicChange struct {
	Topic string
	// Action is created, partitions added, partitions left, config changed or unchanged.
	Action string
	Detail string
}

// ApplyTopics makes the cluster's topics as specs say: creates, adds partitions, sets configuration. It can be repeated. It never
// takes partitions away, which Kafka cannot do, and leaves the replication factor of an existing topic alone: where that has too few copies for
// min.insync.replicas, writing would end, so that the setting is kept below them. What fails for one topic keeps it from no other; the changes
// returned were made.
func (c *Client) ApplyTopics(ctx context.Context, specs []TopicSpec) ([]TopicChange, error) {
	var changes []TopicChange
	var errs []error
	for _, spec := range specs {
		change, err := c.applyTopic(ctx, spec)
		changes = append(changes, change...)
		if err != nil {
			errs = append(errs, fmt.Errorf("topic %s: %w", spec.Name, err))
		}
	}
	return changes, errors.Join(errs...)
}

func (c *Client) applyTopic(ctx context.Context, spec TopicSpec) ([]TopicChange, error) {
	created, err := c.createTopic(ctx, spec)
	if err != nil {
		return nil, err
	}
	if created {
		detail := fmt.Sprintf("%d partitions, %d copies", spec.Partitions, spec.ReplicationFactor)
		return []TopicChange{{spec.Name, "created", detail}}, nil
	}
	var changes []TopicChange
	have, copies, err := c.extent(ctx, spec.Name)
	if err == nil {
		spec.Config = withinCopies(spec.Config, copies)
	}
	switch {
	case err != nil:
	case have > spec.Partitions:
		changes = append(changes, TopicChange{spec.Name, "partitions left", fmt.Sprintf("at %d: they cannot be reduced to %d", have, spec.Partitions)})
	case have < spec.Partitions:
		if err = c.addPartitions(ctx, spec); err == nil {
			changes = append(changes, TopicChange{spec.Name, "partitions added", fmt.Sprintf("%d to %d", have, spec.Partitions)})
		}
	}
	changed, configErr := c.alterConfig(ctx, spec)
	if len(changed) > 0 {
		changes = append(changes, TopicChange{spec.Name, "config changed", strings.Join(changed, ", ")})
	}
	if err = errors.Join(err, configErr); err == nil && changes == nil {
		changes = []TopicChange{{Topic: spec.Name, Action: "unchanged"}}
	}
	return changes, err
}

// extent returns how many partitions a topic has, and the least copies of one.
func (c *Client) extent(ctx context.Context, topic string) (partitions, copies int, err error) {
	t, err := c.topic(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	for i, p := range t.Partitions {
		if i == 0 || len(p.Replicas) < copies {
			copies = len(p.Replicas)
		}
	}
	return len(t.Partitions), copies, nil
}

// withinCopies returns config with a min.insync.replicas that leaves one of the copies to be away, and is at least 1.
func withinCopies(config map[string]string, copies int) map[string]string {
	const setting = "min.insync.replicas"
	if want, err := strconv.Atoi(config[setting]); err != nil || want <= max(1, copies-1) {
		return config
	}
	config = maps.Clone(config)
	config[setting] = strconv.Itoa(max(1, copies-1))
	return config
}

// createTopic returns false when the topic is there already.
func (c *Client) createTopic(ctx context.Context, spec TopicSpec) (bool, error) {
	topic := kafkago.TopicConfig{Topic: spec.Name, NumPartitions: spec.Partitions, ReplicationFactor: spec.ReplicationFactor}
	for _, name := range slices.Sorted(maps.Keys(spec.Config)) {
		topic.ConfigEntries = append(topic.ConfigEntries, kafkago.ConfigEntry{ConfigName: name, ConfigValue: spec.Config[name]})
	}
	answer, err := c.admin.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{topic}})
	if err == nil {
		err = answer.Errors[spec.Name]
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, kafkago.TopicAlreadyExists):
		return false, nil
	}
	return false, fmt.Errorf("create: %w", explain(err))
}

func (c *Client) addPartitions(ctx context.Context, spec TopicSpec) error {
	answer, err := c.admin.CreatePartitions(ctx, &kafkago.CreatePartitionsRequest{
		Topics: []kafkago.TopicPartitionsConfig{{Name: spec.Name, Count: int32(spec.Partitions)}},
	})
	if err == nil {
		err = answer.Errors[spec.Name]
	}
	if err != nil {
		return fmt.Errorf("add partitions: %w", explain(err))
	}
	return nil
}

// alterConfig sets what differs and returns it as "name=value".
func (c *Client) alterConfig(ctx context.Context, spec TopicSpec) ([]string, error) {
	if len(spec.Config) == 0 {
		return nil, nil
	}
	names := slices.Sorted(maps.Keys(spec.Config))
	current, err := c.TopicConfig(ctx, spec.Name, names...)
	if err != nil {
		return nil, err
	}
	var changed []string
	var set []kafkago.IncrementalAlterConfigsRequestConfig
	for _, name := range names {
		if value := spec.Config[name]; current[name] != value {
			changed = append(changed, name+"="+value)
			set = append(set, kafkago.IncrementalAlterConfigsRequestConfig{Name: name, Value: value, ConfigOperation: kafkago.ConfigOperationSet})
		}
	}
	if len(set) == 0 {
		return nil, nil
	}
	result, err := c.admin.IncrementalAlterConfigs(ctx, &kafkago.IncrementalAlterConfigsRequest{
		Resources: []kafkago.IncrementalAlterConfigsRequestResource{{ResourceType: kafkago.ResourceTypeTopic, ResourceName: spec.Name, Configs: set}},
	})
	if err != nil {
		return nil, fmt.Errorf("set configuration: %w", explain(err))
	}
	for _, resource := range result.Resources {
		if resource.Error != nil {
			return nil, fmt.Errorf("set configuration: %w", explain(resource.Error))
		}
	}
	return changed, nil
}

// TopicConfig returns some of Kafka's settings of a topic, those of its cluster where it has none of its own.
func (c *Client) TopicConfig(ctx context.Context, topic string, names ...string) (map[string]string, error) {
	answer, err := c.admin.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{
		Resources: []kafkago.DescribeConfigRequestResource{{ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic, ConfigNames: names}},
	})
	if err != nil {
		return nil, fmt.Errorf("read configuration of %s: %w", topic, explain(err))
	}
	current := make(map[string]string)
	for _, resource := range answer.Resources {
		if resource.Error != nil {
			return nil, fmt.Errorf("read configuration of %s: %w", topic, explain(resource.Error))
		}
		for _, entry := range resource.ConfigEntries {
			current[entry.ConfigName] = entry.ConfigValue
		}
	}
	return current, nil
}
