// Package readiness tests that /readyz of the services means that they get on.
package readiness

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/sink"
)

const region = "us"

// A service that runs until the test ends.
type service struct {
	health *telemetry.Health
	logs   *observer.ObservedLogs
	done   chan error
}

func run(t *testing.T, main func(context.Context, telemetry.Telemetry) error) *service {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	s := &service{health: new(telemetry.Health), logs: logs, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.done <- main(ctx, telemetry.Telemetry{Log: zap.New(core), Registry: prometheus.NewRegistry(), Health: s.health})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return s
}

// ready is /readyz's answer, "" for ready.
func (s *service) ready() string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.health.Ready(ctx); err != nil {
		return err.Error()
	}
	return ""
}

func accounts(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte("accounts: [{id: a, region: us, write_keys: [wk_test_key], policy: {level: 3}}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func runEdge(t *testing.T, address string, change func(*edge.Config)) *service {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := edge.DefaultConfig()
	cfg.Listener, cfg.Accounts, cfg.Producer.Timeout, cfg.Timeouts.Leave = l, accounts(t), time.Second, 0
	cfg.Regions = map[string]edge.Region{region: {Kafka: kafka.Config{Brokers: []string{address}}}}
	if change != nil {
		change(&cfg)
	}
	return run(t, func(ctx context.Context, tel telemetry.Telemetry) error { return edge.Run(ctx, cfg, tel) })
}

func runEnricher(t *testing.T, address string) *service {
	t.Helper()
	cfg := enricher.DefaultConfig()
	cfg.Region, cfg.Kafka.Brokers, cfg.Accounts = region, []string{address}, accounts(t)
	return run(t, func(ctx context.Context, tel telemetry.Telemetry) error { return enricher.Run(ctx, cfg, tel) })
}

// runSink runs a sink whose ClickHouse does not answer: what is asked here is what it says of Kafka.
func runSink(t *testing.T, address string) *service {
	t.Helper()
	cfg := sink.DefaultConfig()
	cfg.Region, cfg.Kafka.Brokers, cfg.ClickHouse.Addresses = region, []string{address}, []string{"127.0.0.1:1"}
	return run(t, func(ctx context.Context, tel telemetry.Telemetry) error { return sink.Run(ctx, cfg, tel) })
}

// start runs a Kafka with the region's topics and returns where it listens. Its clients are told to find it at advertised, unless that is
// empty.
func start(t *testing.T, advertised string, configs map[string]map[string]string) string {
	t.Helper()
	listening, create := kafkatest.StartAdvertising(t, advertised)
	for _, topic := range []string{schemas.RawTopic(region), schemas.EnrichedTopic(region), schemas.DeadTopic(region)} {
		create(topic, 2, configs[topic])
	}
	return listening
}

// The settings' address answers, but clients go where the broker says that it is.
func TestAnAdvertisedNameThatDoesNotResolveIsNotReady(t *testing.T) {
	const advertised = "no-such-broker.invalid:29192"
	listening := start(t, advertised, nil)
	edgeService := runEdge(t, listening, nil)
	for name, s := range map[string]*service{"edge": edgeService, "enricher": runEnricher(t, listening), "sink": runSink(t, listening)} {
		kafkatest.Wait(t, func() bool { return strings.Contains(s.ready(), advertised+", the address it advertises") }, "the %s names the host (%s)", name, s.ready())
	}
	kafkatest.Wait(t, func() bool {
		for _, line := range edgeService.logs.All() {
			if err, ok := line.ContextMap()["error"].(string); ok && strings.Contains(err, advertised) {
				return true
			}
		}
		return false
	}, "the edge has logged it without being asked for anything")

	spooling := runEdge(t, listening, func(cfg *edge.Config) { cfg.Spool.Dir = t.TempDir() })
	kafkatest.Wait(t, func() bool { return spooling.ready() == "" }, "an edge with a spool takes events")
}

func TestServicesThatGetOnAreReady(t *testing.T) {
	address := start(t, "", nil)
	for name, s := range map[string]*service{"edge": runEdge(t, address, nil), "enricher": runEnricher(t, address)} {
		kafkatest.Wait(t, func() bool { return s.ready() == "" }, "the %s is ready", name)
	}
}

// Of a compacted topic Kafka keeps the last record of each visitor: all others are lost before they are read.
func TestACompactedTopicIsRefused(t *testing.T) {
	compacted := map[string]string{"cleanup.policy": "compact"}
	address := start(t, "", map[string]map[string]string{schemas.RawTopic(region): compacted, schemas.EnrichedTopic(region): compacted})
	spooling := runEdge(t, address, func(cfg *edge.Config) { cfg.Spool.Dir = t.TempDir() })
	for name, s := range map[string]*service{"edge": runEdge(t, address, nil), "edge with a spool": spooling, "sink": runSink(t, address)} {
		kafkatest.Wait(t, func() bool { return strings.Contains(s.ready(), "cleanup.policy=compact") }, "the %s says so (%s)", name, s.ready())
	}
	select {
	case err := <-runEnricher(t, address).done:
		if !errors.Is(err, kafka.ErrTopicLoses) || !strings.Contains(err.Error(), "waymarkctl topics apply") {
			t.Errorf("the enricher ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("the enricher runs")
	}

	client := kafkatest.Client(t, address)
	var specs []kafka.TopicSpec
	for _, topic := range []string{schemas.RawTopic(region), schemas.EnrichedTopic(region)} {
		specs = append(specs, kafka.TopicSpec{Name: topic, Partitions: 2, Config: map[string]string{"cleanup.policy": "delete"}})
	}
	if _, err := client.ApplyTopics(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	kafkatest.Wait(t, func() bool { return spooling.ready() == "" }, "the edge is ready once the topic is mended")
}
