// Package enricher tests the enricher against a broker, through its one door: Run.
package enricher

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/e2e/inprocess"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

const accounts = `accounts:
  - {id: demo, region: REGION, policy: {identification: cookie, level: 3, collect_url: true, collect_title: true, geo: city, ip: mask, ip_at: enricher, scrubbing: {keep_query: ['*']}}}
  - {id: strict, region: REGION}
  - {id: foreigner, region: elsewhere}
`

// patience bounds every wait of these tests: a member killed while it joined costs its group a few timeouts.
const patience = time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(childProduction) != "" {
		production()
	}
	if os.Getenv(childBroker) != "" {
		os.Exit(victim())
	}
	// The shared node of Apache Kafka lives as long as the process, and so does what waits for its end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/waymark-events/waymark/services/local/engines/apachekafka.(*node).run.func1"))
}

// A world is one region of a cluster, and a client to write raw records and read what became of them.
type world struct {
	region   string
	raw      string // topics
	enriched string
	dead     string
	brokers  []string
	client   *kafka.Client
	producer *kafka.Producer
	accounts string // file
}

var regions atomic.Int32

// newWorld makes a region with topics of so many partitions.
func newWorld(t testing.TB, partitions int) *world {
	t.Helper()
	w := newRegion(t, brokers(t))
	kafkatest.Topic(t, w.client, w.raw, partitions, nil)
	kafkatest.Topic(t, w.client, w.enriched, partitions, nil)
	kafkatest.Topic(t, w.client, w.dead, 2, nil)
	return w
}

// newRegion makes a region whose topics are still to be made. Tests may share a cluster, so every one has a region of its own.
func newRegion(t testing.TB, brokers []string) *world {
	t.Helper()
	region := fmt.Sprintf("r%d", regions.Add(1))
	w := &world{
		region: region, raw: schemas.RawTopic(region), enriched: schemas.EnrichedTopic(region), dead: schemas.DeadTopic(region),
		brokers: brokers, client: kafkatest.Client(t, brokers...), accounts: filepath.Join(t.TempDir(), "accounts.yaml"),
	}
	w.writeAccounts(t, accounts)
	w.producer = w.client.NewProducer(kafka.DefaultProducerConfig())
	t.Cleanup(func() {
		if err := w.producer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) config() enricher.Config {
	cfg := enricher.DefaultConfig()
	cfg.Region, cfg.Accounts, cfg.Kafka.Brokers = w.region, w.accounts, w.brokers
	cfg.Group.HeartbeatInterval, cfg.Group.RebalanceTimeout = 50*time.Millisecond, 5*time.Second
	cfg.Batch.FetchWait = 100 * time.Millisecond
	cfg.Batch.Drain = time.Second
	return cfg
}

func (w *world) writeAccounts(t testing.TB, text string) {
	t.Helper()
	next := w.accounts + ".next"
	if err := os.WriteFile(next, []byte(strings.ReplaceAll(text, "REGION", w.region)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, w.accounts); err != nil {
		t.Fatal(err)
	}
}

// A service is a running enricher.
type service struct{ *inprocess.Service }

func start(t testing.TB, cfg enricher.Config) *service {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return &service{inprocess.Start(t, "enricher", func(ctx context.Context, tel telemetry.Telemetry) error { return enricher.Run(ctx, cfg, tel) })}
}

// stop ends the service as SIGTERM does and returns what Run returned.
func (s *service) stop(t testing.TB) error {
	t.Helper()
	s.Leave()
	return s.wait(t)
}

func (s *service) wait(t testing.TB) error {
	t.Helper()
	select {
	case <-s.Ended():
		return s.Stop()
	case <-time.After(patience):
		t.Fatal("the enricher does not end")
		return nil
	}
}

// metric returns the sum of a metric over the labels that match.
func (s *service) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := s.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			text := fmt.Sprint(m.GetLabel())
			matches := true
			for _, label := range labels {
				matches = matches && strings.Contains(text, `value:"`+label+`"`)
			}
			if matches {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// send writes raw records to one partition, in order.
func (w *world) send(t testing.TB, partition int32, records ...event.Record) {
	t.Helper()
	if _, err := w.producer.Produce(t.Context(), w.raw, partition, records); err != nil {
		t.Fatal(err)
	}
}

// read returns n records of a partition from its start, waiting for them.
func (w *world) read(t testing.TB, topic string, partition int32, n int) []event.Record {
	t.Helper()
	var out []event.Record
	w.readUntil(t, topic, partition, func(rec event.Record) bool {
		out = append(out, rec)
		return len(out) == n
	})
	return out
}

// readUntil calls enough with each record of a partition, from its start, until it returns true.
func (w *world) readUntil(t testing.TB, topic string, partition int32, enough func(event.Record) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for next, seen := int64(0), 0; ; {
		batch, err := kafkatest.Fetch(ctx, w.client, topic, partition, next, kafka.DefaultFetchOptions)
		if kafka.Retriable(err) && ctx.Err() == nil {
			<-time.After(10 * time.Millisecond) // a new topic's leader takes a moment to be known
			continue
		}
		if err != nil {
			t.Fatalf("after %d records of %s/%d: %v", seen, topic, partition, err)
		}
		for _, rec := range batch.Records {
			seen++
			if enough(copyRecord(rec)) {
				return
			}
		}
		next = batch.Next
		batch.Release()
	}
}

func copyRecord(rec event.Record) event.Record {
	rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
	headers := make([]event.Header, len(rec.Headers))
	for i, h := range rec.Headers {
		headers[i] = event.Header{Key: strings.Clone(h.Key), Value: bytes.Clone(h.Value)}
	}
	rec.Headers = headers
	return rec
}

func decodeEnriched(t testing.TB, rec event.Record) *event.Enriched {
	t.Helper()
	out := new(event.Enriched)
	if err := out.UnmarshalVT(rec.Value); err != nil {
		t.Fatal(err)
	}
	return out
}

func decodeDead(t testing.TB, rec event.Record) *event.Dead {
	t.Helper()
	out := new(event.Dead)
	if err := out.UnmarshalVT(rec.Value); err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	chrome72   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/72.0.3626.121 Safari/537.36"
	receivedAt = 1_551_784_023_500
)

// rawOf returns an event with an id of its own.
func rawOf(accountID string, value []byte) event.Raw {
	return event.Raw{
		Format: event.FormatRecorder, AccountID: accountID, EventID: uuid.New(), ReceivedAt: receivedAt, SentAt: 1_551_784_023_000,
		ClientIP: netip.MustParseAddr("203.0.113.77"), UserAgent: chrome72, Value: value,
	}
}

func recordOf(accountID string, value string) event.Record {
	raw := rawOf(accountID, []byte(value))
	return raw.Record(event.Key(accountID, "visitor-1"))
}

func example(t testing.TB, name string) string {
	t.Helper()
	value, err := fs.ReadFile(schemas.Examples(), name+".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

// numbered returns count page views, props saying which.
func numbered(count int) []event.Record {
	out := make([]event.Record, count)
	for i := range out {
		out[i] = recordOf("demo", fmt.Sprintf(`{"time": %d, "type": "view", "data": {"type": "page"}, "user": {"guid": "visitor-1"}, "props": {"n": %d}}`, receivedAt, i))
	}
	return out
}
