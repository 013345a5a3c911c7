// Package erasure tests that a person who was erased is gone from the tables, and comes back by nothing that puts Kafka's records there again.
package erasure

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
	"github.com/waymark-events/waymark/services/sink"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/waymark-events/waymark/services/local/engines/apachekafka.(*node).run.func1"))
}

// secret is the region's.
const secret = "the secret of a region of the tests"

const region = "eu"

// A plant is a region with its services, each to be stopped and started.
type plant struct {
	t        testing.TB
	region   string
	broker   string
	server   chdbtest.Server
	client   *kafka.Client
	conn     *clickhouse.Conn
	tables   clickhouse.Config
	accounts string
	// enricherAccounts are those that the enricher knows.
	enricherAccounts string
	settings         string // waymarkctl's
	proxy            *faultproxy.Proxy
	spool            string // folder of the edge's
	keys             string // the key ring's folder; "" is none
	// neighbours are the other regions that its edge serves.
	neighbours []*plant
	door       string
	secret     string // of the services
	age        time.Duration
	services   map[string]*service
}

type service struct {
	cancel   context.CancelFunc
	done     chan error
	health   *telemetry.Health
	logs     *observer.ObservedLogs
	registry *prometheus.Registry
}

// accounts of the tests: a stores what clients say of users, hidden nothing of it, b is another customer.
const accounts = `accounts:
  - {id: a, region: eu, write_keys: [wk_test_key_a], policy: {identification: variable, collect_url: true, collect_title: true}}
  - {id: b, region: eu, write_keys: [wk_test_key_b], policy: {identification: variable}}
  - {id: hidden, region: eu, write_keys: [wk_test_key_hidden]}
`

// late is an account that the edge knows, and the enricher at first does not.
const late = `  - {id: late, region: eu, write_keys: [wk_test_key_late]}
`

// build makes the topics, tables and settings, and starts the services that are named.
func build(t testing.TB, services ...string) *plant {
	t.Helper()
	return buildIn(t, region, services...)
}

// buildIn is build in a region of a name. Accounts are the plant's own, and of that region.
func buildIn(t testing.TB, name string, services ...string) *plant {
	t.Helper()
	p := &plant{t: t, region: name, broker: cluster(t), server: chdbtest.Start(t), secret: secret, age: 20 * time.Millisecond, services: map[string]*service{}}
	p.client = kafkatest.Client(t, p.broker)
	p.tables = clickhouse.DefaultConfig()
	p.tables.Addresses, p.tables.Database = []string{p.server.NativeAddr}, p.server.Database
	dir := t.TempDir()
	p.accounts = p.file(dir, "accounts.yaml", accounts+late)
	p.enricherAccounts = p.file(dir, "enricher.yaml", accounts)
	p.file(dir, "secret", secret+"\n")
	p.settings = p.file(dir, "waymarkctl.yaml", fmt.Sprintf("regions: {%s: {kafka: {brokers: ['%s']}, clickhouse: {addresses: ['%s'], database: %s}, erasure: {secret: 'file:%s'}}}",
		p.region, p.broker, p.server.NativeAddr, p.server.Database, filepath.Join(dir, "secret")))
	p.ctl("setup", "--replication-factor", "1", "--partitions", "2")
	var err error
	if p.conn, err = clickhouse.Open(p.tables); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.conn.Close() })
	p.exec(chdbtest.KeepDoubles)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.door = l.Addr().String()
	if err := l.Close(); err != nil { // the edge listens there each time it starts
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range p.services {
			s.cancel()
		}
		for name, s := range p.services {
			<-s.done
			if t.Failed() {
				for _, line := range s.logs.All() {
					t.Logf("%s: %s %s %v", name, line.Level, line.Message, line.ContextMap())
				}
			}
		}
	})
	p.start(services...)
	return p
}

func (p *plant) file(dir, name, text string) string {
	p.t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return file
}

func (p *plant) kafka() kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Brokers = []string{p.broker}
	return cfg
}

// proxied is Kafka as an edge sees it that can be cut off.
func (p *plant) proxied() kafka.Config {
	cfg := p.kafka()
	cfg.Brokers = []string{p.proxy.Addr()}
	cfg.DialTimeout, cfg.RequestTimeout = time.Second, time.Second
	return cfg
}

// cut cuts such an edge off, or lets it through. A broker names itself, so that what is cut is only how its clients begin.
func (p *plant) cut(off bool) {
	p.t.Helper()
	if p.proxy == nil {
		var err error
		if p.proxy, err = faultproxy.Listen(p.broker); err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { p.proxy.Close() })
	}
	p.proxy.Refuse(off)
}

// letters returns the original records of events' dead letters.
func (p *plant) letters(ids []string) (out []event.Record) {
	p.t.Helper()
	for _, rec := range p.records(schemas.DeadTopic(p.region)) {
		var d event.Dead
		if err := d.UnmarshalVT(rec.Value); err != nil {
			p.t.Fatal(err)
		}
		if id, err := uuid.FromBytes(d.EventId); err != nil || !slices.Contains(ids, id.String()) {
			continue
		}
		original := event.Record{Timestamp: time.Now().UnixMilli(), Key: d.Key, Value: d.Value}
		for _, h := range d.Headers {
			original.Headers = append(original.Headers, event.Header{Key: h.Key, Value: h.Value})
		}
		out = append(out, original)
	}
	if len(out) != len(ids) {
		p.t.Fatalf("%d of %d letters", len(out), len(ids))
	}
	return out
}

func (p *plant) produce(topic string, rec event.Record) {
	p.t.Helper()
	producer := p.client.NewProducer(kafka.DefaultProducerConfig())
	if err := producer.Send(p.t.Context(), topic, []event.Record{rec}); err != nil {
		p.t.Fatal(err)
	}
	if err := producer.Close(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// write replaces a file.
func (p *plant) write(file, text string) {
	p.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// start starts services: edge, enricher, sink.
func (p *plant) start(names ...string) {
	p.t.Helper()
	for _, name := range names {
		core, logs := observer.New(zapcore.InfoLevel)
		ctx, cancel := context.WithCancel(context.Background())
		s := &service{cancel: cancel, done: make(chan error, 1), health: new(telemetry.Health), logs: logs, registry: prometheus.NewRegistry()}
		tel := telemetry.Telemetry{Log: zap.New(core), Registry: s.registry, Health: s.health}
		run := map[string]func() error{
			"edge": func() error {
				cfg := edge.DefaultConfig()
				cfg.Timeouts.Leave, cfg.Listen, cfg.Accounts = 0, p.door, p.accounts
				cfg.Regions = map[string]edge.Region{p.region: {Kafka: p.kafka()}}
				for _, other := range p.neighbours {
					cfg.Regions[other.region] = edge.Region{Kafka: other.kafka()}
				}
				if p.spool != "" {
					cfg.Spool.Dir, cfg.Spool.After = p.spool, 200*time.Millisecond
					cfg.Regions[p.region] = edge.Region{Kafka: p.proxied()}
				}
				return edge.Run(ctx, cfg, tel)
			},
			"enricher": func() error {
				cfg := enricher.DefaultConfig()
				cfg.Region, cfg.Kafka, cfg.Accounts, cfg.Erasure.Secret = p.region, p.kafka(), p.enricherAccounts, config.Secret(p.secret)
				cfg.Pseudonyms.Keys = p.keys
				cfg.Group.HeartbeatInterval, cfg.Batch.FetchWait = 100*time.Millisecond, 50*time.Millisecond
				return enricher.Run(ctx, cfg, tel)
			},
			"sink": func() error {
				cfg := sink.DefaultConfig()
				cfg.Region, cfg.Kafka, cfg.ClickHouse, cfg.Erasure.Secret = p.region, p.kafka(), p.tables, config.Secret(p.secret)
				cfg.Batch.Age, cfg.Batch.FetchWait, cfg.Group.HeartbeatInterval = p.age, 20*time.Millisecond, 100*time.Millisecond
				return sink.Run(ctx, cfg, tel)
			},
		}[name]
		go func() { s.done <- run() }()
		p.services[name] = s
		if name == "edge" {
			p.eventually("an edge", func() bool {
				conn, err := net.Dial("tcp", p.door)
				if err == nil {
					conn.Close()
				}
				return err == nil
			})
		}
	}
}

func (p *plant) stop(names ...string) {
	p.t.Helper()
	for _, name := range names {
		s := p.services[name]
		delete(p.services, name)
		s.cancel()
		if err := <-s.done; err != nil {
			p.t.Errorf("%s: %v", name, err)
		}
	}
}

// run runs waymarkctl.
func (p *plant) run(args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code = waymarkctl.Run(ctx, append([]string{"--config", p.settings}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// ctl runs waymarkctl, which must succeed.
func (p *plant) ctl(args ...string) string {
	p.t.Helper()
	code, stdout, stderr := p.run(args...)
	if code != 0 {
		p.t.Fatalf("%v: status %d, %s%s", args, code, stdout, stderr)
	}
	return stdout
}

// erase erases at once what was received by now.
func (p *plant) erase(args ...string) string {
	p.t.Helper()
	return p.ctl(append([]string{"erase", "--yes", "--account", "a", "--margin", "0s"}, args...)...)
}

// audit waits until an audit says everything.
func (p *plant) audit(words ...string) {
	p.t.Helper()
	var text string
	deadline := time.Now().Add(30 * time.Second)
	p.eventually("an audit that says "+strings.Join(words, ", "), func() bool {
		_, text, _ = p.run("audit", "--from", "-1h")
		for _, word := range words {
			if !strings.Contains(text, word) && time.Now().Before(deadline) {
				return false
			}
		}
		return true
	})
	for _, word := range words {
		if !strings.Contains(text, word) {
			p.t.Errorf("no %q in:\n%s", word, text)
		}
	}
	if strings.Contains(strings.ReplaceAll(text, "NOT COLLECTED", ""), "NOT") {
		p.t.Error(text)
	}
}

func (p *plant) eventually(what string, ok func() bool) {
	p.t.Helper()
	kafkatest.Wait(p.t, ok, "%s", what)
}

func (p *plant) exec(statement string) {
	p.t.Helper()
	if err := p.conn.Exec(p.t.Context(), statement); err != nil {
		p.t.Fatal(err)
	}
}

// count asks for a number.
func (p *plant) count(query string) int {
	p.t.Helper()
	var n uint64
	if err := p.conn.Scalar(p.t.Context(), query, &n); err != nil {
		p.t.Fatal(err)
	}
	return int(n)
}

// holds waits until the table has so many rows of as many events, of those that a condition chooses.
func (p *plant) holds(n int, condition string) {
	p.t.Helper()
	p.eventually(fmt.Sprintf("%d rows where %s", n, condition), func() bool {
		return p.count("SELECT count() FROM events WHERE "+condition) == n
	})
	if events := p.count("SELECT uniqExact(account_id, event_id) FROM events WHERE " + condition); events != n {
		p.t.Fatalf("%d rows of %d events where %s", n, events, condition)
	}
}

// A visit is events of somebody.
type visit struct {
	account, visitor, user, company string
	n                               int
	// broken events become dead letters.
	broken bool
	at     time.Time
}

// send posts events and returns their ids.
func (p *plant) send(visits ...visit) (ids []string) {
	p.t.Helper()
	for _, v := range visits {
		var lines []string
		at := v.at
		if at.IsZero() {
			at = time.Now()
		}
		kind := "wt"
		if v.broken {
			kind = "never-heard-of"
		}
		for i := range v.n {
			id := uuid.NewString()
			ids = append(ids, id)
			line, err := json.Marshal(map[string]any{
				"id": id, "time": at.UnixMilli(), "type": "play", "data": map[string]any{"type": kind, "oId": i, "pId": "play-" + v.visitor},
				"user": map[string]any{"guid": v.visitor, "id": v.user}, "company": map[string]any{"id": v.company}, "session": "session-" + v.visitor,
				"page":  map[string]any{"url": "https://app.example/of?who=" + url.QueryEscape(v.user), "title": "of " + v.user},
				"props": map[string]any{"who": v.user},
			})
			if err != nil {
				p.t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		if v.account == "" {
			v.account = "a"
		}
		p.post("wk_test_key_"+v.account, strings.Join(lines, "\n"))
	}
	return ids
}

func (p *plant) post(key, body string) {
	p.t.Helper()
	if answer := p.postTo("/v1/events", key, body); !strings.Contains(answer, `"rejected":0`) {
		p.t.Fatal(answer)
	}
}

// postTo posts a body to one of the edge's endpoints, and returns the answer, which must be 200.
func (p *plant) postTo(path, key, body string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.door+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36") // no bot's
	req.Header.Set("X-Write-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(resp.Body); err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s", resp.Status, answer.String())
	}
	return answer.String()
}

// anew has everything that Kafka has of raw events enriched and stored anew: the enriched topic, both groups and the tables' rows are gone.
func (p *plant) anew() {
	p.t.Helper()
	p.stop("enricher", "sink")
	kafkatest.DeleteTopic(p.t, p.broker, schemas.EnrichedTopic(p.region))
	p.ctl("topics", "apply", "--replication-factor", "1", "--partitions", "2")
	p.forget(schemas.EnricherGroup(p.region))
	p.reload()
}

// reload has everything that Kafka has enriched stored anew.
func (p *plant) reload() {
	p.t.Helper()
	if p.services["sink"] != nil {
		p.stop("sink")
	}
	p.forget(schemas.SinkGroup(p.region))
	p.exec("TRUNCATE TABLE events SYNC")
	p.exec("TRUNCATE TABLE dead_events SYNC")
	for _, name := range []string{"enricher", "sink"} {
		if p.services[name] == nil {
			p.start(name)
		}
	}
}

// forget deletes a group.
func (p *plant) forget(group string) {
	p.t.Helper()
	if err := p.operator().DeleteGroup(p.t.Context(), group); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) operator() *operator.Operator {
	p.t.Helper()
	op, err := operator.New(p.broker)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(op.Close)
	return op
}

// row renders one row.
func (p *plant) row(query string) (out string) {
	p.t.Helper()
	err := p.conn.Query(p.t.Context(), query, func(names []string, values []any) error {
		for i, name := range names {
			out += fmt.Sprintf("%s=%v\n", name, values[i])
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// records returns all of a topic.
func (p *plant) records(topic string) (out []event.Record) {
	p.t.Helper()
	bounds, err := p.client.Offsets(p.t.Context(), topic)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, b := range bounds {
		for at := b.Start; at < b.End; {
			batch, err := kafkatest.Fetch(p.t.Context(), p.client, topic, b.Partition, at, kafka.DefaultFetchOptions)
			if err != nil {
				p.t.Fatal(err)
			}
			for i := range batch.Records {
				out = append(out, *batch.Records[i].Clone())
			}
			at = batch.Next
			batch.Release()
		}
	}
	return out
}
