//go:build apachekafka

package apachekafka_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
)

// Each of three brokers is killed and started again while two producers write and the connections are cut: every record must be
// stored once and in order, though leaders change with requests under way.
func TestEachRecordIsStoredOnceInOrderWhileBrokersDie(t *testing.T) {
	const partitions = 6
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	cluster := apachekafka.StartProxied(t, 3)
	registry := prometheus.NewRegistry()
	client, err := kafka.NewClient(kafka.Config{Brokers: cluster.Brokers(), RequestTimeout: 3 * time.Second, DialTimeout: time.Second}, zap.NewNop(), registry)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var specs []admin.TopicSpec
	for _, topic := range []string{"produced", "sent"} {
		specs = append(specs, admin.TopicSpec{Name: topic, Partitions: partitions, ReplicationFactor: 3, Config: map[string]string{"min.insync.replicas": "2"}})
	}
	if _, err := admin.ApplyTopics(ctx, client, specs); err != nil {
		t.Fatal(err)
	}
	cfg := kafka.DefaultProducerConfig()
	cfg.Timeout = 4 * time.Minute
	producer := client.NewProducer(cfg)

	// Writers go on until the last fault is over.
	var over atomic.Bool
	var acknowledged atomic.Int64
	var written [2][partitions]int
	work, ctx := errgroup.WithContext(ctx)
	for p := range partitions {
		for topic, write := range []func(recs []event.Record) error{
			func(recs []event.Record) error {
				_, err := producer.Produce(ctx, "produced", int32(p), recs)
				return err
			},
			func(recs []event.Record) error { return producer.Send(ctx, "sent", recs) },
		} {
			work.Go(func() error {
				key := keyOf(p, partitions)
				for n := 0; !over.Load(); {
					recs := make([]event.Record, 1+rand.IntN(20))
					for i := range recs {
						recs[i] = event.Record{Timestamp: time.Now().UnixMilli(), Key: key, Value: strconv.AppendInt(nil, int64(n+i), 10)}
					}
					if err := write(recs); err != nil {
						return fmt.Errorf("records from %d of partition %d: %w", n, p, err)
					}
					n += len(recs)
					written[topic][p] = n
					acknowledged.Add(int64(len(recs)))
				}
				return nil
			})
		}
	}
	// progress waits until so many more records are acknowledged, cutting connections all the while.
	cuts := 0
	progress := func(more int64) {
		t.Helper()
		for until := acknowledged.Load() + more; acknowledged.Load() < until; {
			cuts += cluster.Proxy(rand.IntN(3)).Cut()
			select {
			case <-ctx.Done():
				t.Fatalf("%d records short: %v", until-acknowledged.Load(), work.Wait())
			case <-time.After(time.Duration(20+rand.IntN(100)) * time.Millisecond):
			}
		}
	}
	for i := range 3 {
		progress(5_000)
		cluster.Kill(i)
		progress(5_000)
		cluster.Restart(t, i)
	}
	progress(5_000)
	over.Store(true)
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records, %d connections cut, 3 brokers killed", acknowledged.Load(), cuts)
	logMetrics(t, registry)

	read, cancelRead := context.WithTimeout(context.Background(), time.Minute)
	defer cancelRead()
	for i, topic := range []string{"produced", "sent"} {
		for p, want := range written[i] {
			if got := values(read, t, client, topic, int32(p)); len(got) != want || !inOrder(got) {
				t.Errorf("%s/%d holds %d records, in order: %v; want %d", topic, p, len(got), inOrder(got), want)
			}
		}
	}
}

// keyOf returns a key that belongs to partition p of n.
func keyOf(p, n int) []byte {
	for i := 0; ; i++ {
		if key := fmt.Appendf(nil, "visitor%d", i); int(kafka.PartitionForKey(key, n)) == p {
			return key
		}
	}
}

func inOrder(values []string) bool {
	for i, v := range values {
		if v != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// logOf names the log that a partition has now.
func logOf(ctx context.Context, t *testing.T, client *kafka.Client, topic string, partition int32) kafka.Log {
	t.Helper()
	for {
		log, err := client.Log(ctx, topic, partition)
		if err == nil {
			return log
		}
		if !kafka.Retriable(err) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// values reads a partition to its end, whoever leads it.
func values(ctx context.Context, t *testing.T, client *kafka.Client, topic string, partition int32) []string {
	t.Helper()
	var out []string
	bounds, err := client.Offsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	log := logOf(ctx, t, client, topic, partition)
	for offset := int64(0); offset < bounds[partition].End; {
		batch, err := client.Fetch(ctx, log, offset, kafka.DefaultFetchOptions)
		if kafka.Retriable(err) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range batch.Records {
			out = append(out, string(rec.Value))
		}
		offset = batch.Next
		batch.Release()
	}
	return out
}

// logMetrics prints how often batches were sent again and numbered anew.
func logMetrics(t *testing.T, registry *prometheus.Registry) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "waymark_kafka_produce_retries_total", "waymark_kafka_producer_resets_total", "waymark_kafka_producer_unsure_resends_total":
			for _, m := range f.GetMetric() {
				t.Log(f.GetName(), m.GetLabel(), m.GetCounter().GetValue())
			}
		}
	}
}
