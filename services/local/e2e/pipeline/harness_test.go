// Package pipeline tests the whole path: what is posted to the edge is asked back from ClickHouse.
package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local"
)

// Clients of the tests.
const (
	keyUS, keyEU = "wk_demo_us", "wk_demo_eu"
	chrome72     = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/72.0.3626.121 Safari/537.36"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// shared is the pipeline that most tests use; a process can have only one ClickHouse.
var shared struct {
	sync.Mutex
	dir      string
	pipeline *local.Pipeline
}

// running is a pipeline as a test sees it.
type running struct {
	*local.Pipeline
	t *testing.T
}

// use returns the shared pipeline, started for the first test that asks.
func use(t *testing.T) running {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.pipeline == nil {
		dir, err := os.MkdirTemp("", "waymark-pipeline-")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir = dir
		shared.pipeline = start(t, dir)
	}
	return running{shared.pipeline, t}
}

func stopShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.pipeline == nil {
		return nil
	}
	err := shared.pipeline.Stop()
	shared.pipeline = nil
	return errors.Join(err, os.RemoveAll(shared.dir))
}

// start starts a pipeline on free ports that keeps its data in dir. Locations are those of the database made on the spot.
func start(t *testing.T, dir string) *local.Pipeline {
	t.Helper()
	cfg := local.DefaultConfig()
	cfg.Data = dir
	cfg.Geo = "made"
	cfg.Edge, cfg.Console, cfg.Kafka, cfg.ClickHouseNative, cfg.ClickHouseHTTP, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Accounts = accountsFile(t, dir)
	cfg.Brokers = brokers(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p, err := local.Start(ctx, cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return p
}

// accountsFile has the demo's accounts and one of a region that nothing here serves.
func accountsFile(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "accounts-of-tests.yaml")
	text := `accounts:
  - {id: demo-us, region: us, write_keys: [wk_demo_us], policy: {identification: variable, level: 3, collect_url: true, collect_title: true, geo: city, ip: mask, ip_at: enricher, scrubbing: {keep_query: ['*']}}}
  - {id: demo-eu, region: eu, write_keys: [wk_demo_eu], policy: {identification: generated, level: 3, geo: city, ip: mask, ip_at: enricher}}
  - {id: far, region: ap, write_keys: [wk_far_away]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A post is one request to the edge. Zero members are left out.
type post struct {
	key, ip, userAgent    string
	contentType, encoding string
	body                  string
}

// A result is the edge's word on one event.
type result struct {
	Status, ID, Code, Path, Message string
	Warnings                        []struct{ Code, Path string }
}

// send posts and returns the status and the results, none when the request was refused as a whole.
func (r running) send(p post) (int, []result) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.Addresses.Edge+"/v1/events", strings.NewReader(p.body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range map[string]string{
		"X-Write-Key": p.key, "X-Forwarded-For": p.ip, "User-Agent": p.userAgent, "Content-Type": p.contentType, "Content-Encoding": p.encoding,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var answer struct{ Results []result }
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, &answer); err != nil {
			r.t.Fatalf("answer %s: %v", text, err)
		}
	}
	return resp.StatusCode, answer.Results
}

// accept posts events that must all be accepted and returns their ids.
func (r running) accept(p post) []string {
	r.t.Helper()
	status, results := r.send(p)
	if status != http.StatusOK {
		r.t.Fatalf("the edge answers %d to %.200s", status, p.body)
	}
	var ids []string
	for _, result := range results {
		if result.Status != "accepted" {
			r.t.Fatalf("an event is %+v", result)
		}
		ids = append(ids, result.ID)
	}
	return ids
}

// query asks ClickHouse over HTTP and returns the rows.
func (r running) query(region, sql string) []map[string]any {
	r.t.Helper()
	address := "http://" + r.Addresses.ClickHouseHTTP + "/?" + url.Values{"database": {local.Database(region)}, "default_format": {"JSONEachRow"}}.Encode()
	resp, err := http.Post(address, "text/plain", strings.NewReader(sql))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s %s %v", sql, resp.Status, text, err)
	}
	var rows []map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	for dec.More() {
		row := map[string]any{}
		if err := dec.Decode(&row); err != nil {
			r.t.Fatalf("%s: %v in %s", sql, err, text)
		}
		rows = append(rows, row)
	}
	return rows
}

// number asks for one number.
func (r running) number(region, sql string) string {
	r.t.Helper()
	for _, value := range r.query(region, sql)[0] {
		return strings.Trim(fmt.Sprint(value), `"`)
	}
	return ""
}

// settle waits until everything accepted so far has been enriched and stored: no group lags.
func (r running) settle() {
	r.t.Helper()
	client := r.kafka()
	for _, region := range local.Regions {
		// In the order in which records move: what one group has committed is on the next topic.
		for _, reads := range []struct{ group, topic string }{
			{schemas.EnricherGroup(region), schemas.RawTopic(region)},
			{schemas.SinkGroup(region), schemas.EnrichedTopic(region)},
			{schemas.SinkGroup(region), schemas.DeadTopic(region)},
		} {
			r.wait(func() (bool, string) {
				partitions, err := admin.Lag(r.t.Context(), client, reads.group, reads.topic)
				if err != nil {
					r.t.Fatal(err)
				}
				lag := int64(0)
				for _, p := range partitions {
					lag += p.Lag
				}
				return lag == 0, fmt.Sprintf("%s lags %d behind on %s", reads.group, lag, reads.topic)
			})
		}
	}
}

// wait polls until done, for a minute at most.
func (r running) wait(done func() (bool, string)) {
	r.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := done()
		if ok {
			return
		}
		select {
		case <-deadline:
			r.t.Fatalf("after a minute: %s", state)
		case <-tick.C:
		}
	}
}

// row returns the one row of an event.
func (r running) row(region, id string) map[string]any {
	r.t.Helper()
	rows := r.query(region, "SELECT * FROM events WHERE event_id = '"+id+"'")
	if len(rows) != 1 {
		r.t.Fatalf("event %s has %d rows in %s, want 1", id, len(rows), region)
	}
	return rows[0]
}

// same compares a row's columns with what they must be, as JSON.
func (r running) same(row, want map[string]any) {
	r.t.Helper()
	for column, value := range want {
		if got := text(r.t, row[column]); got != text(r.t, value) {
			r.t.Errorf("%s: %s, want %s", column, got, text(r.t, value))
		}
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
