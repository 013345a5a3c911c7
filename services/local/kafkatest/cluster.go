// Package kafkatest gives tests a Kafka: the embedded one, or with the build tag apachekafka Apache Kafka's own broker. Tests
// written with it hold for both.
package kafkatest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

// Client returns a client of the cluster at brokers, closed when the test ends.
func Client(t testing.TB, brokers ...string) *kafka.Client {
	t.Helper()
	return ClientOf(t, kafka.Config{Brokers: brokers})
}

// ClientOf is Client with settings.
func ClientOf(t testing.TB, cfg kafka.Config) *kafka.Client {
	t.Helper()
	log := zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	if _, isBenchmark := t.(*testing.B); isBenchmark {
		log = zap.NewNop()
	}
	client, err := kafka.NewClient(cfg, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// Topic creates a topic of n partitions and one copy, and waits until its leaders answer.
func Topic(t testing.TB, client *kafka.Client, name string, n int, config map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := admin.ApplyTopics(ctx, client, []admin.TopicSpec{{Name: name, Partitions: n, ReplicationFactor: 1, Config: config}}); err != nil {
		t.Fatal(err)
	}
	Wait(t, func() bool {
		have, err := client.Partitions(ctx, name)
		if err != nil || have != n {
			return false
		}
		_, err = client.Offsets(ctx, name)
		return err == nil
	}, "topic %s", name)
}

// Fetch reads from the log that a partition has now.
func Fetch(ctx context.Context, client *kafka.Client, topic string, partition int32, offset int64, opts kafka.FetchOptions) (*kafka.Batch, error) {
	for {
		log, err := client.Log(ctx, topic, partition)
		switch {
		case err == nil:
			return client.Fetch(ctx, log, offset, opts)
		case !kafka.Retriable(err) || errors.Is(err, kafka.ErrUnknownTopic) || ctx.Err() != nil:
			return nil, err
		}
	}
}

// DeleteTopic deletes a topic of the cluster at address.
func DeleteTopic(t testing.TB, address, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	op, err := operator.New(address)
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	if err := op.DeleteTopics(ctx, topic); err != nil {
		t.Fatal(err)
	}
}

// GroupState is what the cluster at address says of a group: Stable, Empty, PreparingRebalance, ….
func GroupState(t testing.TB, address, group string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	for _, shard := range client.RequestSharded(ctx, req) {
		if described, ok := shard.Resp.(*kmsg.DescribeGroupsResponse); ok && shard.Err == nil && len(described.Groups) > 0 {
			return described.Groups[0].State
		}
	}
	return ""
}

// Wait polls until ok, for two minutes at most: a machine busy with other tests is no failure. It looks less often the longer it
// takes, so that looking does not keep what it looks at from going on.
func Wait(t testing.TB, ok func() bool, what string, args ...any) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	pause := 5 * time.Millisecond
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("never: "+what, args...)
		case <-time.After(pause):
		}
		pause = min(pause*5/4, 100*time.Millisecond)
	}
}
