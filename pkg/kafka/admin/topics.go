package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
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
func ApplyTopics(ctx context.Context, c *kafka.Client, specs []TopicSpec) ([]TopicChange, error) {
	var changes []TopicChange
	var errs []error
	for _, spec := range specs {
		change, err := applyTopic(ctx, c, spec)
		changes = append(changes, change...)
		if err != nil {
			errs = append(errs, fmt.Errorf("topic %s: %w", spec.Name, err))
		}
	}
	return changes, errors.Join(errs...)
}

func applyTopic(ctx context.Context, c *kafka.Client, spec TopicSpec) ([]TopicChange, error) {
	created, err := createTopic(ctx, c, spec)
	if err != nil {
		return nil, err
	}
	if created {
		detail := fmt.Sprintf("%d partitions, %d copies", spec.Partitions, spec.ReplicationFactor)
		return []TopicChange{{spec.Name, "created", detail}}, nil
	}
	var changes []TopicChange
	have, copies, err := extent(ctx, c, spec.Name)
	if err == nil {
		spec.Config = withinCopies(spec.Config, copies)
	}
	switch {
	case err != nil:
	case have > spec.Partitions:
		changes = append(changes, TopicChange{spec.Name, "partitions left", fmt.Sprintf("at %d: they cannot be reduced to %d", have, spec.Partitions)})
	case have < spec.Partitions:
		if err = addPartitions(ctx, c, spec); err == nil {
			changes = append(changes, TopicChange{spec.Name, "partitions added", fmt.Sprintf("%d to %d", have, spec.Partitions)})
		}
	}
	changed, configErr := alterConfig(ctx, c, spec)
	if len(changed) > 0 {
		changes = append(changes, TopicChange{spec.Name, "config changed", strings.Join(changed, ", ")})
	}
	if err = errors.Join(err, configErr); err == nil && changes == nil {
		changes = []TopicChange{{Topic: spec.Name, Action: "unchanged"}}
	}
	return changes, err
}

// extent returns how many partitions a topic has, and the least copies of one.
func extent(ctx context.Context, c *kafka.Client, topic string) (partitions, copies int, err error) {
	t, err := c.Cluster().Topic(ctx, topic)
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
func createTopic(ctx context.Context, c *kafka.Client, spec TopicSpec) (bool, error) {
	topic := kafkago.TopicConfig{Topic: spec.Name, NumPartitions: spec.Partitions, ReplicationFactor: spec.ReplicationFactor}
	for _, name := range slices.Sorted(maps.Keys(spec.Config)) {
		topic.ConfigEntries = append(topic.ConfigEntries, kafkago.ConfigEntry{ConfigName: name, ConfigValue: spec.Config[name]})
	}
	answer, err := c.Cluster().CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{topic}})
	if err == nil {
		err = answer.Errors[spec.Name]
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, kafkago.TopicAlreadyExists):
		return false, nil
	}
	return false, fmt.Errorf("create: %w", cluster.Explain(err))
}

func addPartitions(ctx context.Context, c *kafka.Client, spec TopicSpec) error {
	answer, err := c.Cluster().CreatePartitions(ctx, &kafkago.CreatePartitionsRequest{
		Topics: []kafkago.TopicPartitionsConfig{{Name: spec.Name, Count: int32(spec.Partitions)}},
	})
	if err == nil {
		err = answer.Errors[spec.Name]
	}
	if err != nil {
		return fmt.Errorf("add partitions: %w", cluster.Explain(err))
	}
	return nil
}

// alterConfig sets what differs and returns it as "name=value".
func alterConfig(ctx context.Context, c *kafka.Client, spec TopicSpec) ([]string, error) {
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
	result, err := c.Cluster().IncrementalAlterConfigs(ctx, &kafkago.IncrementalAlterConfigsRequest{
		Resources: []kafkago.IncrementalAlterConfigsRequestResource{{ResourceType: kafkago.ResourceTypeTopic, ResourceName: spec.Name, Configs: set}},
	})
	if err != nil {
		return nil, fmt.Errorf("set configuration: %w", cluster.Explain(err))
	}
	for _, resource := range result.Resources {
		if resource.Error != nil {
			return nil, fmt.Errorf("set configuration: %w", cluster.Explain(resource.Error))
		}
	}
	return changed, nil
}
