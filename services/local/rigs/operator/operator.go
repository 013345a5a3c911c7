// Package operator does to Kafka what people do to it by hand, with kafka-topics, kafka-consumer-groups and their kin: it deletes topics and
// makes them anew, deletes groups and sets their offsets, trims logs. Tests and the chaos rig use it; the services never do such things.
package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// An Operator works on one cluster. It is safe for concurrent use.
type Operator struct{ admin *kadm.Client }

// New returns an operator of the cluster at brokers; Close ends it.
func New(brokers ...string) (*Operator, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RetryTimeout(20*time.Second), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("reach Kafka as an operator: %w", err)
	}
	admin := kadm.NewClient(client)
	admin.SetTimeoutMillis(20_000)
	return &Operator{admin}, nil
}

// Close ends the connections.
func (o *Operator) Close() { o.admin.Close() }

// DeleteTopics deletes topics and returns when no broker lists them any more.
func (o *Operator) DeleteTopics(ctx context.Context, topics ...string) error {
	answers, err := o.admin.DeleteTopics(ctx, topics...)
	if err == nil {
		err = answers.Error()
	}
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("delete topics: %w", err)
	}
	for {
		listed, err := o.admin.ListTopics(ctx, topics...)
		if err == nil && !anyThere(listed, topics) {
			return nil
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("delete topics: %w", err)
		}
	}
}

func anyThere(listed kadm.TopicDetails, topics []string) bool {
	for _, name := range topics {
		if listed.Has(name) {
			return true
		}
	}
	return false
}

// CreateTopic makes a topic and returns when every partition of it has a leader. A topic of that name that is just being deleted is
// waited for.
func (o *Operator) CreateTopic(ctx context.Context, topic string, partitions, copies int, config map[string]string) error {
	entries := make(map[string]*string, len(config))
	for name, value := range config {
		entries[name] = &value
	}
	for {
		answer, err := o.admin.CreateTopic(ctx, int32(partitions), int16(copies), entries, topic)
		if err == nil {
			err = answer.Err
		}
		if err == nil {
			break
		}
		if !errors.Is(err, kerr.TopicAlreadyExists) || pause(ctx) != nil {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
	}
	for {
		ends, err := o.admin.ListEndOffsets(ctx, topic)
		if err == nil && ends.Error() == nil && len(ends[topic]) == partitions {
			return nil
		}
		if pause(ctx) != nil {
			return fmt.Errorf("create topic %s: its leaders do not answer: %w", topic, err)
		}
	}
}

// DeleteGroup deletes a group and its offsets. The group must have no members; a member that died is waited for.
func (o *Operator) DeleteGroup(ctx context.Context, group string) error {
	for {
		answer, err := o.admin.DeleteGroup(ctx, group)
		if err == nil {
			err = answer.Err
		}
		if err == nil || errors.Is(err, kerr.GroupIDNotFound) {
			return nil
		}
		if !errors.Is(err, kerr.NonEmptyGroup) || pause(ctx) != nil {
			return fmt.Errorf("delete group %s: %w", group, err)
		}
	}
}

// SetOffset commits an offset for a group that has no members, without metadata, as kafka-consumer-groups --reset-offsets does.
func (o *Operator) SetOffset(ctx context.Context, group, topic string, partition int32, offset int64) error {
	return o.SetOffsetWith(ctx, group, topic, partition, offset, "")
}

// SetOffsetWith commits an offset and metadata, as no tool does but a service's own.
func (o *Operator) SetOffsetWith(ctx context.Context, group, topic string, partition int32, offset int64, metadata string) error {
	offsets := make(kadm.Offsets)
	offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: offset, LeaderEpoch: -1, Metadata: metadata})
	for {
		answer, err := o.admin.CommitOffsets(ctx, group, offsets)
		if err == nil {
			err = answer.Error()
		}
		if err == nil {
			return nil
		}
		// Members that died hold the group until their session is over.
		if !errors.Is(err, kerr.UnknownMemberID) && !errors.Is(err, kerr.IllegalGeneration) && !errors.Is(err, kerr.RebalanceInProgress) || pause(ctx) != nil {
			return fmt.Errorf("set the offset of %s on %s/%d: %w", group, topic, partition, err)
		}
	}
}

// Trim deletes the records of a partition below offset.
func (o *Operator) Trim(ctx context.Context, topic string, partition int32, offset int64) error {
	offsets := make(kadm.Offsets)
	offsets.AddOffset(topic, partition, offset, -1)
	answer, err := o.admin.DeleteRecords(ctx, offsets)
	if err == nil {
		err = answer.Error()
	}
	if err != nil {
		return fmt.Errorf("trim %s/%d to %d: %w", topic, partition, offset, err)
	}
	return nil
}

// Configure sets one setting of a topic.
func (o *Operator) Configure(ctx context.Context, topic, name, value string) error {
	answers, err := o.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic)
	if err == nil {
		for _, a := range answers {
			err = errors.Join(err, a.Err)
		}
	}
	if err != nil {
		return fmt.Errorf("set %s of %s: %w", name, topic, err)
	}
	return nil
}

// AddPartitions makes a topic have n partitions.
func (o *Operator) AddPartitions(ctx context.Context, topic string, n int) error {
	answers, err := o.admin.UpdatePartitions(ctx, n, topic)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		return fmt.Errorf("add partitions to %s: %w", topic, err)
	}
	return nil
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}
