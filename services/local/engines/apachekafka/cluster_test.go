//go:build apachekafka

package apachekafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
)

func TestProduceAndFetchOutliveALostLeader(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cluster := apachekafka.Start(t, 3)
	client, err := kafka.NewClient(kafka.Config{Brokers: cluster.Brokers()}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	spec := admin.TopicSpec{Name: "t", Partitions: 6, ReplicationFactor: 3, Config: map[string]string{"min.insync.replicas": "2"}}
	if _, err := admin.ApplyTopics(ctx, client, []admin.TopicSpec{spec}); err != nil {
		t.Fatal(err)
	}
	cfg := kafka.DefaultProducerConfig()
	cfg.Timeout = time.Minute
	producer := client.NewProducer(cfg)
	produce := func(round int) {
		t.Helper()
		for p := range int32(spec.Partitions) {
			if _, err := producer.Produce(ctx, "t", p, []event.Record{{Value: fmt.Appendf(nil, "%d", round)}}); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
	}
	produce(0)
	cluster.Kill(0) // it led two of the six
	produce(1)
	cluster.Restart(t, 0)
	produce(2)

	for p := range int32(spec.Partitions) {
		seen := ""
		for offset := int64(0); len(seen) < 3; {
			batch, err := client.Fetch(ctx, logOf(ctx, t, client, "t", p), offset, kafka.DefaultFetchOptions)
			if kafka.Retriable(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range batch.Records {
				seen += string(rec.Value)
			}
			offset = batch.Next
		}
		if seen != "012" {
			t.Errorf("partition %d holds rounds %q", p, seen)
		}
	}
}
