package broker_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/services/local/engines/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, address, dir string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Config{Address: address, DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newClient(t *testing.T, address string) *kafka.Client {
	t.Helper()
	client, err := kafka.NewClient(kafka.Config{Brokers: []string{address}}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestRestartKeepsRecordsAndTheClientComesBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	b := start(t, "127.0.0.1:0", dir)
	address := b.Address()
	client := newClient(t, address)
	defer client.Close()
	if _, err := admin.ApplyTopics(ctx, client, []admin.TopicSpec{{Name: "t", Partitions: 1, ReplicationFactor: 1}}); err != nil {
		t.Fatal(err)
	}
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	for i, want := range []int64{0, 1} {
		first, err := producer.Produce(ctx, "t", 0, []event.Record{{Value: []byte("x")}})
		if err != nil || first != want {
			t.Fatalf("record %d at %d: %v", i, first, err)
		}
	}
	b.Close()

	// A produce during the outage is delivered after it.
	done := make(chan error, 1)
	go func() {
		_, err := producer.Produce(ctx, "t", 0, []event.Record{{Value: []byte("late")}})
		done <- err
	}()
	b = start(t, address, dir)
	defer b.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	log, err := client.Log(ctx, "t", 0)
	for kafka.Retriable(err) && ctx.Err() == nil { // connections to the broker before the restart
		log, err = client.Log(ctx, "t", 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Fetch(ctx, log, 0, kafka.DefaultFetchOptions)
	if err != nil || len(got.Records) != 3 || string(got.Records[2].Value) != "late" {
		t.Errorf("after the restart: %+v, %v", got, err)
	}
}

func TestStartSaysWhatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "127.0.0.1:0", dir)
	defer b.Close()
	for name, c := range map[string]struct {
		cfg  broker.Config
		want string
	}{
		"directory": {broker.Config{Address: "127.0.0.1:0", DataDir: dir}, dir + " is in use by another process"},
		"port":      {broker.Config{Address: b.Address(), DataDir: t.TempDir()}, b.Address() + " is in use by another process"},
	} {
		t.Run(name, func(t *testing.T) {
			second, err := broker.Start(c.cfg)
			if err == nil {
				second.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	// After a failed start the directory is free again.
	other := t.TempDir()
	if _, err := broker.Start(broker.Config{Address: b.Address(), DataDir: other}); err == nil {
		t.Fatal("a taken port was given twice")
	}
	start(t, "127.0.0.1:0", other).Close()
}

func TestCloseGivesThePortBack(t *testing.T) {
	b := start(t, "127.0.0.1:0", "")
	b.Close()
	l, err := net.Listen("tcp", b.Address())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
