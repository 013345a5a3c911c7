// Package identity tests the whole path, edge to table and dead letters, where logs, groups or tables are no longer what they were: deleted
// and made anew, set to other places, changed by an operator. What was accepted must be a row once, or a dead letter once, and people must be
// told where it is neither. With the build tag apachekafka it does so on Apache Kafka's own broker.
package identity

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/e2e/inprocess"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
	"github.com/waymark-events/waymark/services/sink"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

// A plant is one region: its topics, tables and services, each to be stopped and started.
type plant struct {
	t      *testing.T
	region string
	// raw, enriched and dead are topics, partitions how many each has.
	raw, enriched, dead string
	partitions          int

	broker   string
	client   *kafka.Client
	op       *operator.Operator
	conn     *clickhouse.Conn
	tables   clickhouse.Config
	accounts string
	settings string // waymarkctl's
	door     string
	age      time.Duration // of the sink's batches
	services map[string]*inprocess.Service
}

// regions gives each plant a name of its own: on Apache Kafka they share a broker.
var regions atomic.Int32

// newPlant makes a region and starts its services.
func newPlant(t *testing.T, partitions int) *plant {
	t.Helper()
	return newPlantOn(t, kafkatest.Start(t), partitions)
}

// newPlantOn is newPlant on a Kafka of the test's own.
func newPlantOn(t *testing.T, broker string, partitions int) *plant {
	t.Helper()
	region := fmt.Sprintf("r%d", regions.Add(1))
	p := &plant{
		t: t, region: region, raw: schemas.RawTopic(region), enriched: schemas.EnrichedTopic(region), dead: schemas.DeadTopic(region),
		partitions: partitions, broker: broker, client: kafkatest.Client(t, broker), age: 10 * time.Millisecond, services: make(map[string]*inprocess.Service),
	}
	var err error
	if p.op, err = operator.New(broker); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.op.Close)
	for _, topic := range []string{p.raw, p.enriched, p.dead} {
		p.create(topic)
	}
	server := chdbtest.Start(t)
	p.tables = clickhouse.DefaultConfig()
	p.tables.Addresses, p.tables.Database = []string{server.NativeAddr}, server.Database
	if _, err := clickhouse.Migrate(p.deadline(), p.tables, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		t.Fatal(err)
	}
	if p.conn, err = clickhouse.Open(p.tables); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.conn.Close() })
	p.exec(chdbtest.KeepDoubles)
	dir := t.TempDir()
	p.accounts = p.file(dir, "accounts.yaml", "accounts: [{id: a, region: %s, write_keys: [wk_test_key], policy: {level: 3}}]", region)
	p.settings = p.file(dir, "waymarkctl.yaml", "regions: {%s: {kafka: {brokers: ['%s']}, clickhouse: {addresses: ['%s'], database: %s}}}",
		region, broker, server.NativeAddr, server.Database)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.door = l.Addr().String()
	if err := l.Close(); err != nil { // the edge listens there each time it starts
		t.Fatal(err)
	}
	p.start("edge", "enricher", "sink")
	return p
}

func (p *plant) deadline() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	p.t.Cleanup(cancel)
	return ctx
}

func (p *plant) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) file(dir, name, format string, args ...any) string {
	p.t.Helper()
	file := filepath.Join(dir, name)
	p.must(os.WriteFile(file, fmt.Appendf(nil, format, args...), 0o600))
	return file
}

func (p *plant) kafka() kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Brokers = []string{p.broker}
	return cfg
}

func group() kafka.GroupConfig {
	cfg := kafka.DefaultGroupConfig()
	cfg.SessionTimeout, cfg.HeartbeatInterval = 6*time.Second, 200*time.Millisecond
	return cfg
}

// start starts services, in the order named.
func (p *plant) start(names ...string) {
	p.t.Helper()
	for _, name := range names {
		var run func(context.Context, telemetry.Telemetry) error
		switch name {
		case "edge":
			cfg := edge.DefaultConfig()
			cfg.Timeouts.Leave = 0
			cfg.Listen, cfg.Accounts, cfg.Regions = p.door, p.accounts, map[string]edge.Region{p.region: {Kafka: p.kafka()}}
			cfg.Producer.Timeout = 2 * time.Second
			run = func(ctx context.Context, tel telemetry.Telemetry) error { return edge.Run(ctx, cfg, tel) }
		case "enricher":
			cfg := enricher.DefaultConfig()
			cfg.Region, cfg.Kafka, cfg.Accounts, cfg.Group = p.region, p.kafka(), p.accounts, group()
			cfg.Batch.FetchWait = 100 * time.Millisecond
			run = func(ctx context.Context, tel telemetry.Telemetry) error { return enricher.Run(ctx, cfg, tel) }
		case "sink":
			cfg := sink.DefaultConfig()
			cfg.Region, cfg.Kafka, cfg.ClickHouse, cfg.Group = p.region, p.kafka(), p.tables, group()
			cfg.Batch.Age, cfg.Batch.FetchWait = p.age, 100*time.Millisecond
			run = func(ctx context.Context, tel telemetry.Telemetry) error { return sink.Run(ctx, cfg, tel) }
		}
		p.services[name] = inprocess.Start(p.t, name, run)
	}
}

// stop stops services, which must end well.
func (p *plant) stop(names ...string) {
	p.t.Helper()
	for _, name := range names {
		if err := p.services[name].Stop(); err != nil {
			p.t.Errorf("the %s ended with %v", name, err)
		}
	}
}

// ready is why a service is not, "" when it is.
func (p *plant) ready(name string) string { return p.services[name].Ready() }

// getsReady waits until services are ready.
func (p *plant) getsReady(names ...string) {
	p.t.Helper()
	for _, name := range names {
		kafkatest.Wait(p.t, func() bool { return p.ready(name) == "" }, "the %s is ready", name)
	}
}

// notReady waits until a service is not ready, with these words.
func (p *plant) notReady(name, words string) {
	p.t.Helper()
	kafkatest.Wait(p.t, func() bool { return strings.Contains(p.ready(name), words) }, "the %s says that it is not ready: %s", name, words)
	p.t.Logf("%s, not ready: %s", name, p.ready(name))
}

// warned returns the warnings and errors of a service's that contain words.
func (p *plant) warned(name, words string) (out []observer.LoggedEntry) {
	return p.services[name].Logs.Filter(func(e observer.LoggedEntry) bool {
		return e.Level >= zapcore.WarnLevel && strings.Contains(e.Message, words)
	}).All()
}

// says waits until a service has logged a warning or an error with these words, and shows it.
func (p *plant) says(name, words string) {
	p.t.Helper()
	kafkatest.Wait(p.t, func() bool { return len(p.warned(name, words)) > 0 }, "the %s says %q", name, words)
	line := p.warned(name, words)[0]
	p.t.Logf("%s, %s: %s %v", name, line.Level, line.Message, line.ContextMap())
}

// create makes a topic and waits until this test's client knows it too.
func (p *plant) create(topics ...string) {
	p.t.Helper()
	for _, topic := range topics {
		p.must(p.op.CreateTopic(p.deadline(), topic, p.partitions, 1, nil))
	}
}

// anew deletes topics and makes them again.
func (p *plant) anew(topics ...string) {
	p.t.Helper()
	p.must(p.op.DeleteTopics(p.deadline(), topics...))
	p.create(topics...)
}

// event is one event of a visitor. A kind that nobody knows makes a dead letter of it.
func event(name, kind, visitor string) string {
	return fmt.Sprintf(`{"id":"%s","time":%d,"type":"play","data":{"type":"%s","oId":1,"oName":"%s"},"user":{"guid":"%s"}}`,
		uuid.NewString(), time.Now().UnixMilli(), kind, name, visitor)
}

// post sends events in one request until they are accepted.
func (p *plant) post(events ...string) {
	p.t.Helper()
	body := "[" + strings.Join(events, ",") + "]"
	kafkatest.Wait(p.t, func() bool {
		req, err := http.NewRequest(http.MethodPost, "http://"+p.door+"/v1/events", strings.NewReader(body))
		p.must(err)
		req.Header.Set("X-Write-Key", "wk_test_key")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 400 && resp.StatusCode < 500 {
			p.t.Fatalf("the edge answers %d", resp.StatusCode)
		}
		return resp.StatusCode == http.StatusOK
	}, "the edge accepts %d events", len(events))
}

// burst sends n events of several visitors in one request.
func (p *plant) burst(name string, n int) {
	p.t.Helper()
	var events []string
	for i := range n {
		events = append(events, event(name, "wt", fmt.Sprint("v", i%7)))
	}
	p.post(events...)
}

// bury sends n events that become dead letters.
func (p *plant) bury(n int) {
	p.t.Helper()
	var events []string
	for i := range n {
		events = append(events, event("dead", "hologram", fmt.Sprint("v", i%7)))
	}
	p.post(events...)
}

// trickle sends n events of one visitor, each once the one before is stored: so each is a batch of the sink's of its own.
func (p *plant) trickle(name string, n int) {
	p.t.Helper()
	for i := range n {
		p.post(event(name, "wt", "v"))
		p.has(name, i+1)
	}
}

func (p *plant) exec(statement string) {
	p.t.Helper()
	p.must(p.conn.Exec(p.deadline(), statement))
}

// count asks for a number.
func (p *plant) count(query string) int {
	p.t.Helper()
	var n uint64
	p.must(p.conn.Scalar(p.deadline(), query, &n))
	return int(n)
}

// has waits until the table has n events of a name at least.
func (p *plant) has(name string, n int) {
	p.t.Helper()
	kafkatest.Wait(p.t, func() bool {
		return p.count("SELECT uniqExact(event_id) FROM events WHERE item_name = '"+name+"'") >= n
	}, "%d events %s", n, name)
}

// wantOnce waits until the table has n events of a name, and fails when it has more, or any twice.
func (p *plant) wantOnce(name string, n int) {
	p.t.Helper()
	p.has(name, n)
	p.holds(name, n)
}

// holds fails unless the table has n events of a name now, each once.
func (p *plant) holds(name string, n int) {
	p.t.Helper()
	if rows := p.count("SELECT count() FROM events WHERE item_name = '" + name + "'"); rows != n {
		p.t.Errorf("%d rows of %s, want %d", rows, name, n)
	}
}

// wantDead waits until there are n dead letters, and fails when there are more, or any twice.
func (p *plant) wantDead(n int) {
	p.t.Helper()
	kafkatest.Wait(p.t, func() bool { return p.count("SELECT count() FROM dead_events") >= n }, "%d dead letters", n)
	if rows, events := p.count("SELECT count() FROM dead_events"), p.count("SELECT uniqExact(event_id) FROM dead_events"); rows != n || events != n {
		p.t.Errorf("%d dead letters of %d events, want %d", rows, events, n)
	}
}

// settled waits until both groups have committed all there is, with nothing under way.
func (p *plant) settled() {
	p.t.Helper()
	ctx := p.deadline()
	kafkatest.Wait(p.t, func() bool {
		for _, of := range [][2]string{{schemas.EnricherGroup(p.region), p.raw}, {schemas.SinkGroup(p.region), p.enriched}, {schemas.SinkGroup(p.region), p.dead}} {
			lag, err := admin.Lag(ctx, p.client, of[0], of[1])
			if err != nil {
				return false
			}
			for _, l := range lag {
				if l.Lag > 0 || strings.Contains(l.Metadata, `"next"`) {
					return false
				}
			}
		}
		return true
	}, "everything is committed")
}

// ctl runs a command of waymarkctl's on the region.
func (p *plant) ctl(args ...string) (status int, out string) {
	p.t.Helper()
	var stdout, stderr bytes.Buffer
	status = waymarkctl.Run(p.deadline(), append([]string{"--config", p.settings}, args...), strings.NewReader(""), &stdout, &stderr)
	return status, stdout.String() + stderr.String()
}

// audit wants of an audit of the last hour this status and these sentences. Its span ends in the future: clocks may differ.
func (p *plant) audit(status int, sentences ...string) {
	p.t.Helper()
	got, out := p.ctl("audit", "--region", p.region, "--from", "-1h", "--to", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	for _, sentence := range sentences {
		if !strings.Contains(out, sentence) {
			p.t.Errorf("the audit does not say %q", sentence)
		}
	}
	if got != status {
		p.t.Errorf("the audit's status is %d, want %d", got, status)
	}
	p.t.Logf("audit:\n%s", out)
}

// complete is what an audit says of a region in which nothing is odd.
const complete = "Complete: every record is accounted for, none twice."
