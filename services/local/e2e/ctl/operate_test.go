package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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
	"github.com/waymark-events/waymark/services/sink"
)

// A plant is the three services of region us, each to be stopped and started.
type plant struct {
	t        *testing.T
	broker   string
	server   chdbtest.Server
	client   *kafka.Client
	accounts string
	door     string
	stages   map[string]*inprocess.Service
}

// build starts everything: accounts a (key wk_test_key) and b, whose key the edge knows and whose account the enricher does not.
func build(t *testing.T) *plant {
	t.Helper()
	p := &plant{t: t, broker: kafkatest.Start(t), server: chdbtest.Start(t), stages: map[string]*inprocess.Service{}}
	region(t, "us", p.broker, p.server.NativeAddr, p.server.Database)
	p.client = kafkatest.Client(t, p.broker)
	ok(t, "setup", "--replication-factor", "1", "--partitions", "2")
	dir := t.TempDir()
	p.accounts = filepath.Join(dir, "accounts.yaml")
	p.write(p.accounts, "a")
	all := filepath.Join(dir, "edge.yaml")
	p.write(all, "a", "b")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.door = l.Addr().String()
	p.start("edge", func(ctx context.Context, tel telemetry.Telemetry) error {
		cfg := edge.DefaultConfig()
		cfg.Timeouts.Leave = 0
		cfg.Listener, cfg.Accounts, cfg.Regions = l, all, map[string]edge.Region{"us": {Kafka: p.kafka()}}
		return edge.Run(ctx, cfg, tel)
	})
	p.startEnricher()
	p.start("sink", func(ctx context.Context, tel telemetry.Telemetry) error {
		cfg := sink.DefaultConfig()
		cfg.Region, cfg.Kafka = "us", p.kafka()
		cfg.ClickHouse.Addresses, cfg.ClickHouse.Database = []string{p.server.NativeAddr}, p.server.Database
		cfg.Batch.Age = 50 * time.Millisecond
		return sink.Run(ctx, cfg, tel)
	})
	t.Cleanup(func() {
		for name := range p.stages {
			p.stop(name)
		}
	})
	return p
}

func (p *plant) kafka() kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Brokers = []string{p.broker}
	return cfg
}

func (p *plant) startEnricher() {
	p.start("enricher", func(ctx context.Context, tel telemetry.Telemetry) error {
		cfg := enricher.DefaultConfig()
		cfg.Region, cfg.Kafka, cfg.Accounts = "us", p.kafka(), p.accounts
		return enricher.Run(ctx, cfg, tel)
	})
}

func (p *plant) start(name string, run func(context.Context, telemetry.Telemetry) error) {
	p.stages[name] = inprocess.Start(p.t, name, run)
}

func (p *plant) stop(name string) {
	p.t.Helper()
	s := p.stages[name]
	delete(p.stages, name)
	if err := s.Stop(); err != nil {
		p.t.Errorf("%s: %v", name, err)
	}
}

// write writes an accounts file.
func (p *plant) write(file string, ids ...string) {
	p.t.Helper()
	text := "accounts:\n"
	for _, id := range ids {
		text += fmt.Sprintf("  - {id: %s, region: us, write_keys: [wk_test_key_%[1]s], policy: {level: 3}}\n", id)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// send posts n events of an account and returns their ids.
func (p *plant) send(account string, n int) (ids []string) {
	p.t.Helper()
	var events []string
	for range n {
		id := uuid.NewString()
		ids = append(ids, id)
		events = append(events, fmt.Sprintf(`{"id":"%s","time":%d,"type":"play","data":{"type":"wt","oId":1},"user":{"guid":"v%d"}}`, id, time.Now().UnixMilli(), n))
	}
	p.post(account, "["+strings.Join(events, ",")+"]")
	return ids
}

func (p *plant) post(account, body string) {
	p.t.Helper()
	kafkatest.Wait(p.t, func() bool {
		req, err := http.NewRequest(http.MethodPost, "http://"+p.door+"/v1/events", strings.NewReader(body))
		if err != nil {
			p.t.Fatal(err)
		}
		req.Header.Set("X-Write-Key", "wk_test_key_"+account)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, "the edge accepts")
}

// count asks for one number.
func (p *plant) count(query string) uint64 {
	p.t.Helper()
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{p.server.NativeAddr}, p.server.Database
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	var n uint64
	if err := conn.Scalar(deadline(p.t), query, &n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// settled waits until the table has so many events, and everything is committed.
func (p *plant) settled(rows uint64) {
	p.t.Helper()
	kafkatest.Wait(p.t, func() bool { return p.count("SELECT count() FROM events") >= rows }, fmt.Sprint(rows, " rows"))
	kafkatest.Wait(p.t, func() bool {
		for _, of := range [][2]string{
			{schemas.EnricherGroup("us"), schemas.RawTopic("us")}, {schemas.SinkGroup("us"), schemas.EnrichedTopic("us")}, {schemas.SinkGroup("us"), schemas.DeadTopic("us")},
		} {
			lag, err := admin.Lag(deadline(p.t), p.client, of[0], of[1])
			if err != nil {
				return false
			}
			for _, l := range lag {
				if l.Lag > 0 || strings.Contains(l.Metadata, "next") {
					return false
				}
			}
		}
		return true
	}, "everything is committed")
}

// A summary is what an audit counts over all partitions.
type summary struct{ Records, Stored, Dead, Repeated, UnderWay, Missing, Twice, Expired, Doubled, Gaps int }

// audit runs an audit of the last hour and returns what it counted, and its status.
func audit(t *testing.T) (int, summary) {
	t.Helper()
	code, out, stderr := run(t, "audit", "--json", "--to", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	if code > 1 || code == 1 && !strings.Contains(stderr, "is not complete") {
		t.Fatalf("status %d, %s", code, stderr)
	}
	var report struct {
		Partitions []struct {
			Records, Stored, Dead, Repeated int
			UnderWay                        int `json:"under_way"`
			Missing, Twice, Expired         int
		}
		Doubled []string
		Gaps    []struct{ Partition, From, To int }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := summary{Doubled: len(report.Doubled), Gaps: len(report.Gaps)}
	for _, p := range report.Partitions {
		s.Records += p.Records
		s.Stored += p.Stored
		s.Dead += p.Dead
		s.Repeated += p.Repeated
		s.UnderWay += p.UnderWay
		s.Missing += p.Missing
		s.Twice += p.Twice
		s.Expired += p.Expired
	}
	return code, s
}

func wantAudit(t *testing.T, status int, want summary) {
	t.Helper()
	if code, got := audit(t); code != status || got != want {
		t.Errorf("status %d, %+v\nwant %d, %+v", code, got, status, want)
	}
}

func TestAuditAccountsForEveryRecord(t *testing.T) {
	p := build(t)
	ids := p.send("a", 30)
	p.settled(30)
	// The same event again, and one of an account that the enricher does not know.
	p.post("a", fmt.Sprintf(`{"id":"%s","time":%d,"type":"play","data":{"type":"wt","oId":1},"user":{"guid":"v30"}}`, ids[0], time.Now().UnixMilli()))
	dead := p.send("b", 1)
	kafkatest.Wait(t, func() bool { return p.count("SELECT count() FROM dead_events") == 1 }, "the dead letter is a row")
	p.settled(30)
	wantAudit(t, 0, summary{Records: 32, Stored: 30, Dead: 1, Repeated: 1})
	if text := ok(t, "audit", "--to", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)); !strings.Contains(text, "Complete: every record is accounted for") {
		t.Error(text)
	}

	p.stop("enricher")
	waiting := p.send("a", 2)
	wantAudit(t, 0, summary{Records: 34, Stored: 30, Dead: 1, Repeated: 1, UnderWay: 2})
	for id, says := range map[string]string{
		ids[0]: "stored in events of region us", dead[0]: "unknown_account", waiting[0]: "the enricher has not come to it",
	} {
		if text := ok(t, "where", id); !strings.Contains(text, says) {
			t.Errorf("where %s: %q does not say %q", id, text, says)
		}
	}
	fails(t, []string{"was not found"}, "where", uuid.NewString())
	fails(t, []string{"--account"}, "where", "my-own-id")
	p.startEnricher()
	p.settled(32)

	// What is gone from the table must be seen, and what is there twice.
	ok(t, "sql", "ALTER TABLE events DELETE WHERE event_id = '"+ids[3]+"' SETTINGS mutations_sync = 1")
	wantAudit(t, 1, summary{Records: 34, Stored: 31, Dead: 1, Repeated: 1, Missing: 1, Gaps: 1})
	if text := ok(t, "where", ids[3]); !strings.Contains(text, "no table has it") {
		t.Error(text)
	}
	ok(t, "sql", "SYSTEM STOP MERGES events")
	ok(t, "sql", "INSERT INTO events SELECT * FROM events WHERE event_id = '"+ids[4]+"'")
	wantAudit(t, 1, summary{Records: 34, Stored: 31, Dead: 1, Repeated: 1, Missing: 1, Gaps: 1, Twice: 1, Doubled: 1})

	// Once the raw topic has lost them, nobody can tell a repetition from a loss: both are shown as gone.
	ok(t, "sql", "SYSTEM START MERGES events")
	ok(t, "sql", "ALTER TABLE events DELETE WHERE event_id = '"+ids[4]+"' SETTINGS mutations_sync = 1")
	p.expire(schemas.RawTopic("us"))
	wantAudit(t, 0, summary{Expired: 3})
	if text := ok(t, "audit", "--to", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)); !strings.Contains(text, "3 offsets of this span are gone from Kafka") {
		t.Error(text)
	}
}

// expire deletes all records of a topic, as retention does.
func (p *plant) expire(topic string) {
	p.t.Helper()
	bounds, err := p.client.Offsets(deadline(p.t), topic)
	if err != nil {
		p.t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(p.broker))
	if err != nil {
		p.t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrDeleteRecordsRequest()
	of := kmsg.NewDeleteRecordsRequestTopic()
	of.Topic = topic
	for _, b := range bounds {
		partition := kmsg.NewDeleteRecordsRequestTopicPartition()
		partition.Partition, partition.Offset = b.Partition, b.End
		of.Partitions = append(of.Partitions, partition)
	}
	req.Topics = append(req.Topics, of)
	if _, err := req.RequestWith(deadline(p.t), client); err != nil {
		p.t.Fatal(err)
	}
}

func TestADeadLetterIsReplayedOnce(t *testing.T) {
	p := build(t)
	ids := p.send("b", 3)
	kafkatest.Wait(t, func() bool { return p.count("SELECT count() FROM dead_events") == 3 }, "the dead letters are rows")
	list := objects(t, ok(t, "dead", "list", "--json", "--reason", "unknown_account", "--account", "b", "--to", "2099-01-01"))
	if len(list) != 3 || list[0]["stage"] != "enrich" {
		t.Fatalf("listed %v", list)
	}
	if text := ok(t, "dead", "list", "--reason", "too_large", "--to", "2099-01-01"); strings.Count(text, "\n") != 1 {
		t.Errorf("another reason: %s", text)
	}
	if shown := objects(t, ok(t, "dead", "show", ids[0])); len(shown) != 1 || shown[0]["reason"] != "unknown_account" {
		t.Errorf("shown %v", shown)
	}
	place := fmt.Sprintf("%v/%v/%v", list[0]["topic"], list[0]["partition"], list[0]["offset"])
	if raw := ok(t, "dead", "show", "--raw", place); !strings.Contains(raw, fmt.Sprint(list[0]["event_id"])) || !strings.HasPrefix(raw, "{") {
		t.Errorf("raw: %s", raw)
	}
	if text := ok(t, "dead", "replay", "--dry-run", "--to", "2099-01-01"); !strings.Contains(text, "3 dead letters are chosen") {
		t.Error(text)
	}
	fails(t, []string{"nothing was done"}, "dead", "replay", "--to", "2099-01-01") // no answer on standard input

	// Nothing was fixed: they die again, and are still not rows.
	if text := ok(t, "dead", "replay", "--yes", "--id", ids[0], "--to", "2099-01-01"); !strings.Contains(text, "sent 1: 0 are stored now, 1 are dead letters again") {
		t.Error(text)
	}
	p.stop("enricher")
	p.write(p.accounts, "a", "b")
	p.startEnricher()
	if text := ok(t, "dead", "replay", "--yes", "--to", "2099-01-01"); !strings.Contains(text, "sent 3: 3 are stored now") {
		t.Error(text)
	}
	if text := ok(t, "dead", "replay", "--yes", "--to", "2099-01-01"); !strings.Contains(text, "sent 0") || !strings.Contains(text, "4 were not sent") {
		t.Error(text)
	}
	if n := p.count("SELECT count() FROM events"); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

func TestReenrichmentReplacesAndNeverDoubles(t *testing.T) {
	p := build(t)
	first := p.send("a", 5)
	p.settled(5)
	between := time.Now()
	kafkatest.Wait(t, func() bool { return time.Since(between) > 20*time.Millisecond }, "another millisecond")
	p.send("a", 20)
	p.settled(25)
	from := between.Add(10 * time.Millisecond).UTC().Format(time.RFC3339Nano)
	if text := ok(t, "reenrich", "--from", from, "--dry-run"); !strings.Contains(text, "epoch 1, 20 records") {
		t.Error(text)
	}
	fails(t, []string{"stop them all first"}, "reenrich", "--from", from, "--yes")
	p.stop("enricher")
	kafkatest.Wait(t, func() bool {
		code, _, _ := run(t, "reenrich", "--from", from, "--yes")
		return code == 0
	}, "the group is empty and set back")
	p.startEnricher()
	kafkatest.Wait(t, func() bool { return p.count("SELECT count() FROM events WHERE epoch = 1") == 20 }, "20 events are enriched again")
	p.settled(25)
	if n := p.count("SELECT count() FROM events"); n != 25 {
		t.Errorf("%d rows without FINAL, want 25", n)
	}
	if n := p.count("SELECT count() FROM events WHERE epoch = 0 AND event_id IN ('" + strings.Join(first, "','") + "')"); n != 5 {
		t.Errorf("%d of the 5 events before are untouched", n)
	}
	wantAudit(t, 0, summary{Records: 25, Stored: 25})
	p.send("a", 3)
	p.settled(28)
	if n := p.count("SELECT count() FROM events WHERE epoch = 1"); n != 23 {
		t.Errorf("%d rows of epoch 1, want 23: new events belong to it too", n)
	}
}
