// Package planted tests that what people put into events stands in no log and no metric of ours, whatever becomes of the events.
package planted

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// mark is part of every value that is planted: in any case and encoding that a log may have, it is found by its letters.
const mark = "zqxj"

// plant returns a value nobody else writes.
func plant(where string) string { return mark + "-" + where + "@doe.example" }

// An event with a planted value wherever a client may put one, by its path.
func planted(id string) map[string]any {
	words := func(names ...string) map[string]any {
		out := map[string]any{}
		for _, name := range names {
			out[name] = plant(name)
		}
		return out
	}
	data := words("oId", "oName", "pId", "query", "event")
	data["type"] = "search"
	data["step"] = map[string]any{"id": plant("step"), "index": 1, "name": plant("step-name")}
	for _, member := range []string{"pInit", "error", "goal", "lesson", "quiz", "action", "rule"} {
		data[member] = words("type", member)
	}
	data["answers"] = []any{words("question", "answer")}
	env := words("language", "timezone")
	env["browser"], env["os"] = words("name", "version", "string"), words("name", "version", "string")
	user := words("guid", "id", "provider")
	user["traits"] = words("mail")
	return map[string]any{
		"id": id, "time": time.Now().UnixMilli(), "type": "search", "session": plant("session"), "data": data, "env": env,
		"page":    map[string]any{"url": "https://app.example/" + plant("path") + "?mail=" + plant("query"), "title": plant("title"), "referrer": "https://b.example/" + plant("referrer")},
		"user":    user,
		"props":   map[string]any{"mail": plant("props"), plant("name"): map[string]any{"deep": []any{plant("deep"), 1}}},
		"library": words("name", "version"),
	}
}

// segmentMessages have a planted value wherever a client may put one: sound ones, and ones that are none.
func segmentMessages(t *testing.T) (out []string) {
	t.Helper()
	for _, kind := range []string{"track", "page", "identify", "group", "alias", plant("type")} {
		message := map[string]any{
			"type": kind, "messageId": plant("id"), "anonymousId": plant("anonymous"), "userId": plant("user"), "event": plant("event"), "name": plant("name"),
			"groupId": plant("group"), "previousId": plant("previous"), "timestamp": plant("time"), "traits": map[string]any{plant("trait"): plant("trait")},
			"properties": map[string]any{plant("property"): plant("property"), "url": "https://a.example/" + plant("url")},
			"context":    map[string]any{"ip": plant("ip"), "userAgent": plant("agent"), "page": map[string]any{"url": "https://a.example/" + plant("url"), "title": plant("title")}, plant("context"): 1},
			"writeKey":   "wk_demo_us",
		}
		out = append(out, render(t, message), strings.Replace(render(t, message), `"event":`, `"event":"`+plant("twice")+`","event":`, 1))
	}
	return append(out, `["`+plant("list")+`"]`, `"`+plant("text")+`"`)
}

func TestNoLogAndNoMetricHasWhatSomebodySent(t *testing.T) {
	p := start(t)
	client := kafkatest.Client(t, p.Addresses.Kafka)
	sent := planted(uuid.NewString())

	// Sound events, broken ones, and ones whose every member has the wrong type, one by one.
	requests := []string{render(t, sent), `{"time":"` + plant("broken") + `",`, `[{"` + plant("name") + `"`, plant("text"), `"` + plant("string") + `"`, "\xff" + plant("utf8")}
	requests = append(requests, variants(t, sent)...)
	for _, body := range requests {
		p.post(body, map[string]string{"X-Write-Key": "wk_demo_us"})
	}
	p.post(render(t, sent), map[string]string{"X-Write-Key": plant("key")})
	p.post(render(t, sent), map[string]string{"Authorization": "Bearer " + plant("bearer")})
	p.post(render(t, sent), map[string]string{"X-Write-Key": "wk_demo_us", "Content-Encoding": plant("encoding"), "Content-Type": plant("type")})
	p.post(render(t, planted(uuid.NewString())), map[string]string{
		"X-Write-Key": "wk_demo_us", "User-Agent": plant("agent"), "X-Forwarded-For": plant("address"), "X-Sent-At": plant("sent"), "Origin": "https://" + plant("origin"), "Referer": plant("referer"),
	})

	// The same by Segment's API: what it dead-letters, too, and keys where they do not belong.
	for _, message := range segmentMessages(t) {
		p.postTo("/v1/batch", `{"writeKey":"wk_demo_us","context":{"ip":"`+plant("ip")+`"},"batch":[`+message+`]}`, nil)
		p.postTo("/v1/track", message, map[string]string{"Authorization": "Bearer " + plant("oauth")})
	}
	p.postTo("/beacon/v1/batch?writeKey="+plant("key"), `{"batch":[]}`, nil)
	p.postTo("/v1/projects/"+plant("key")+"/settings", "", nil)

	// What only another writer puts on the topics: records that are none, and JSON that ClickHouse refuses.
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	headers := []event.Header{{Key: event.HeaderAccount, Value: []byte(plant("account"))}, {Key: plant("header"), Value: []byte(plant("header"))}}
	p.produce(producer, schemas.RawTopic("us"), event.Record{Key: []byte(plant("key")), Value: []byte(plant("raw")), Headers: headers})
	p.produce(producer, schemas.EnrichedTopic("us"), event.Record{Key: []byte(plant("key")), Value: []byte(plant("enriched")), Headers: headers})
	p.produce(producer, schemas.DeadTopic("us"), event.Record{Key: []byte(plant("key")), Value: []byte(plant("dead")), Headers: headers})
	unfit := enriched()
	unfit.Props, unfit.Detail = []byte(`{"mail":"`+plant("unfit")+`"`), []byte(plant("unfit"))
	p.produce(producer, schemas.EnrichedTopic("us"), record(t, unfit))
	p.wait("the refused row's letter", "SELECT count() >= 1 FROM dead_events WHERE reason = 'bad_row'")

	// A constraint that quotes the row, with rows that it takes beside them.
	p.query("ALTER TABLE events ADD CONSTRAINT mine CHECK item_name != '" + plant("constraint") + "'")
	before, constrained := enriched(), enriched()
	constrained.ItemName, constrained.Props = plant("constraint"), []byte(render(t, sent["props"]))
	p.produce(producer, schemas.EnrichedTopic("us"), record(t, before), record(t, constrained), record(t, enriched()))
	p.wait("the constraint's letter", "SELECT count() >= 2 FROM dead_events WHERE reason = 'bad_row'")
	p.query("ALTER TABLE events DROP CONSTRAINT mine")

	// A default that throws with a code of no known class, which is tried again.
	p.query("ALTER TABLE events ADD COLUMN mine UInt8 DEFAULT throwIf(item_name = '" + plant("default") + "')")
	thrown := enriched()
	thrown.ItemName = plant("default")
	p.produce(producer, schemas.EnrichedTopic("us"), record(t, thrown))
	p.eventually("a second try", func() bool { return strings.Count(p.logs(), "cannot insert; trying again") >= 2 })
	p.query("ALTER TABLE events DROP COLUMN mine")
	p.wait("the row that it was about", "SELECT count() = 1 FROM events WHERE item_name = '"+plant("default")+"'")

	// A view that fails on a value stops the sink, with a sentence in readiness and log.
	p.query("CREATE TABLE numbers (n Int32) ENGINE = MergeTree ORDER BY n")
	p.query("CREATE MATERIALIZED VIEW viewed TO numbers AS SELECT toInt32(item_name) AS n FROM events WHERE item_name LIKE '" + mark + "%'")
	viewed := enriched()
	viewed.ItemName = plant("view")
	p.produce(producer, schemas.EnrichedTopic("us"), record(t, viewed))
	var ready string
	p.eventually("not ready for the view", func() bool {
		_, ready = p.admin("/readyz")
		return strings.Contains(ready, "viewed")
	})

	_, metrics := p.admin("/metrics")
	logs := p.logs()
	for _, line := range append(strings.Split(logs, "\n"), append(strings.Split(metrics, "\n"), ready)...) {
		if strings.Contains(strings.ToLower(line), mark) {
			t.Errorf("%.400s", line)
		}
	}
	for _, there := range []string{"ClickHouse refuses rows", "cannot insert; trying again"} {
		if !strings.Contains(logs, there) {
			t.Errorf("the log does not say %q: the test shows nothing", there)
		}
	}
	for _, column := range []string{"error", "reason", "stage"} {
		if n := p.query("SELECT countIf(positionCaseInsensitive(" + column + ", '" + mark + "') > 0) FROM dead_events"); n != "0" {
			t.Errorf("%s rows of dead_events quote a value in %s", n, column)
		}
	}
	if n := p.query("SELECT count() >= 4 FROM dead_events"); n != "1" {
		t.Errorf("dead_events: %s, want 4 rows and more: the test shows nothing", n)
	}
}

// variants are events of which one member has a wrong type.
func variants(t *testing.T, sent map[string]any) (out []string) {
	t.Helper()
	var walk func(place map[string]any)
	walk = func(place map[string]any) {
		for name, value := range place {
			for _, wrong := range []any{plant("wrong"), []any{plant("wrong")}, map[string]any{plant("wrong"): plant("wrong")}, strings.Repeat(plant("long"), 400)} {
				place[name] = wrong
				sent["id"] = uuid.NewString()
				out = append(out, render(t, sent))
			}
			place[name] = value
			if below, ok := value.(map[string]any); ok && name != "props" && name != "traits" {
				walk(below)
			}
		}
	}
	walk(sent)
	return out
}

func render(t *testing.T, value any) string {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// raw is the id of a raw topic that is not there.
var (
	raw    = uuid.New()
	offset int64
)

// enriched is an event as an enricher writes it.
func enriched() *event.Enriched {
	id, now := uuid.New(), time.Now().UnixMilli()
	offset++
	return &event.Enriched{
		EventId: id[:], AccountId: "demo-us", Region: "us", Event: "play", ItemType: "walkthru", ItemId: "1", ItemName: "Log in", StepIndex: -1,
		Time: now, ClientTime: now, ReceivedAt: now, EnrichedAt: now, RawTopicId: raw[:], RawOffset: offset,
	}
}

func record(t *testing.T, e *event.Enriched) event.Record {
	t.Helper()
	value, err := e.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return event.Record{Key: []byte("demo-us|v"), Value: value, Headers: []event.Header{{Key: event.HeaderSchema, Value: []byte(event.SchemaEnriched)}}}
}

// running is a pipeline as the test sees it.
type running struct {
	*local.Pipeline
	t   *testing.T
	dir string
}

func start(t *testing.T) *running {
	t.Helper()
	return startWith(t, t.TempDir(), "")
}

// startWith starts a pipeline in a folder, with an accounts file of its own or waymark-local's.
func startWith(t *testing.T, dir, accounts string) *running {
	t.Helper()
	cfg := local.DefaultConfig()
	cfg.Accounts = accounts
	cfg.Data, cfg.Geo = dir, "made"
	cfg.Edge, cfg.Console, cfg.Kafka, cfg.ClickHouseNative, cfg.ClickHouseHTTP, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p, err := local.Start(ctx, cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() { _ = p.Stop() }) // a sink has stopped by itself
	return &running{p, t, dir}
}

// post sends a body, whatever the edge answers.
func (r *running) post(body string, headers map[string]string) {
	r.t.Helper()
	r.postTo("/v1/events", body, headers)
}

func (r *running) postTo(path, body string, headers map[string]string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.Addresses.Edge+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	r.do(req)
}

func (r *running) do(req *http.Request) (int, string) {
	r.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (r *running) admin(path string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.Addresses.Admin+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(req)
}

func (r *running) produce(producer *kafka.Producer, topic string, records ...event.Record) {
	r.t.Helper()
	for i := range records {
		records[i].Timestamp = time.Now().UnixMilli()
	}
	if _, err := producer.Produce(r.t.Context(), topic, 0, records); err != nil {
		r.t.Fatal(err)
	}
}

// query asks ClickHouse over HTTP for one value.
func (r *running) query(sql string) string {
	r.t.Helper()
	address := "http://" + r.Addresses.ClickHouseHTTP + "/?" + url.Values{"database": {local.Database("us")}}.Encode()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, address, strings.NewReader(sql))
	if err != nil {
		r.t.Fatal(err)
	}
	status, text := r.do(req)
	if status != http.StatusOK {
		r.t.Fatalf("%s: %s", sql, text)
	}
	return strings.TrimSpace(text)
}

// wait waits until a query answers 1.
func (r *running) wait(what, sql string) {
	r.t.Helper()
	r.eventually(what, func() bool { return r.query(sql) == "1" })
}

func (r *running) eventually(what string, ok func() bool) {
	r.t.Helper()
	kafkatest.Wait(r.t, ok, "%s", what)
}

// logs are the services' log. ClickHouse's own quotes what it was asked.
func (r *running) logs() string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "waymark.log"))
	if err != nil {
		r.t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("{")) {
		r.t.Fatal(fmt.Errorf("the log is empty"))
	}
	return string(text)
}
