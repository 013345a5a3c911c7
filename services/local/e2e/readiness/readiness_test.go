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

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/e2e/inprocess"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/sink"
)

const region = "us"

func accounts(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte("accounts: [{id: a, region: us, write_keys: [wk_test_key], policy: {level: 3}}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func runEdge(t *testing.T, address string, change func(*edge.Config)) *inprocess.Service {
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
	return inprocess.Start(t, "edge", func(ctx context.Context, tel telemetry.Telemetry) error { return edge.Run(ctx, cfg, tel) })
}

func runEnricher(t *testing.T, address string) *inprocess.Service {
	t.Helper()
	cfg := enricher.DefaultConfig()
	cfg.Region, cfg.Kafka.Brokers, cfg.Accounts = region, []string{address}, accounts(t)
	return inprocess.Start(t, "enricher", func(ctx context.Context, tel telemetry.Telemetry) error { return enricher.Run(ctx, cfg, tel) })
}

// runSink runs a sink whose ClickHouse does not answer: what is asked here is what it says of Kafka.
func runSink(t *testing.T, address string) *inprocess.Service {
	t.Helper()
	cfg := sink.DefaultConfig()
	cfg.Region, cfg.Kafka.Brokers, cfg.ClickHouse.Addresses = region, []string{address}, []string{"127.0.0.1:1"}
	return inprocess.Start(t, "sink", func(ctx context.Context, tel telemetry.Telemetry) error { return sink.Run(ctx, cfg, tel) })
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
	for name, s := range map[string]*inprocess.Service{"edge": edgeService, "enricher": runEnricher(t, listening), "sink": runSink(t, listening)} {
		kafkatest.Wait(t, func() bool { return strings.Contains(s.Ready(), advertised+", the address it advertises") }, "the %s names the host (%s)", name, s.Ready())
	}
	kafkatest.Wait(t, func() bool {
		for _, line := range edgeService.Logs.All() {
			if err, ok := line.ContextMap()["error"].(string); ok && strings.Contains(err, advertised) {
				return true
			}
		}
		return false
	}, "the edge has logged it without being asked for anything")

	spooling := runEdge(t, listening, func(cfg *edge.Config) { cfg.Spool.Dir = t.TempDir() })
	kafkatest.Wait(t, func() bool { return spooling.Ready() == "" }, "an edge with a spool takes events")
}

func TestServicesThatGetOnAreReady(t *testing.T) {
	address := start(t, "", nil)
	for name, s := range map[string]*inprocess.Service{"edge": runEdge(t, address, nil), "enricher": runEnricher(t, address)} {
		kafkatest.Wait(t, func() bool { return s.Ready() == "" }, "the %s is ready", name)
	}
}

// Of a compacted topic Kafka keeps the last record of each visitor: all others are lost before they are read.
func TestACompactedTopicIsRefused(t *testing.T) {
	compacted := map[string]string{"cleanup.policy": "compact"}
	address := start(t, "", map[string]map[string]string{schemas.RawTopic(region): compacted, schemas.EnrichedTopic(region): compacted})
	spooling := runEdge(t, address, func(cfg *edge.Config) { cfg.Spool.Dir = t.TempDir() })
	for name, s := range map[string]*inprocess.Service{"edge": runEdge(t, address, nil), "edge with a spool": spooling, "sink": runSink(t, address)} {
		kafkatest.Wait(t, func() bool { return strings.Contains(s.Ready(), "cleanup.policy=compact") }, "the %s says so (%s)", name, s.Ready())
	}
	refuses := runEnricher(t, address)
	select {
	case <-refuses.Ended():
		if err := refuses.Stop(); !errors.Is(err, topicaudit.ErrLoses) || !strings.Contains(err.Error(), "waymarkctl topics apply") {
			t.Errorf("the enricher ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("the enricher runs")
	}

	client := kafkatest.Client(t, address)
	var specs []admin.TopicSpec
	for _, topic := range []string{schemas.RawTopic(region), schemas.EnrichedTopic(region)} {
		specs = append(specs, admin.TopicSpec{Name: topic, Partitions: 2, Config: map[string]string{"cleanup.policy": "delete"}})
	}
	if _, err := admin.ApplyTopics(t.Context(), client, specs); err != nil {
		t.Fatal(err)
	}
	kafkatest.Wait(t, func() bool { return spooling.Ready() == "" }, "the edge is ready once the topic is fixed")
}
