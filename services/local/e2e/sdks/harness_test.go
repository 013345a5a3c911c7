// Package sdks tests that the clients people have already can send here: the packages as they are published, unmodified, in Node.js and in Chromium,
// against a whole pipeline, and against an edge whose answers fail.
package sdks

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local"
	"github.com/waymark-events/waymark/services/local/kafkatest"

	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
)

const (
	key       = "wk_demo_us"
	addressUS = "128.112.20.30" // what servers say of their end user
)

const accounts = `accounts:
  - id: demo-us
    region: us
    write_keys: [` + key + `]
    policy: {identification: variable, collect_url: true, collect_title: true, scrubbing: {off: true}, retention_days: forever}
    segment_events:
      Tour Started: {item: wt, event: play, properties: {item_id: tour_id, interaction_id: run}}
`

// pipeline is a whole one, on free ports.
type pipeline struct {
	*local.Pipeline
	t *testing.T
}

func start(t *testing.T) pipeline {
	t.Helper()
	cfg := local.DefaultConfig()
	cfg.Data, cfg.Geo = t.TempDir(), "made"
	cfg.Edge, cfg.Console, cfg.Kafka, cfg.ClickHouseNative, cfg.ClickHouseHTTP, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Accounts = filepath.Join(cfg.Data, "accounts.yaml")
	if err := os.WriteFile(cfg.Accounts, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p, err := local.Start(ctx, cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return pipeline{p, t}
}

func (p pipeline) edge() string { return "http://" + p.Addresses.Edge }

// query asks ClickHouse and returns the rows.
func (p pipeline) query(t *testing.T, sql string) (rows []map[string]any) {
	t.Helper()
	address := "http://" + p.Addresses.ClickHouseHTTP + "/?" + url.Values{"database": {local.Database("us")}, "default_format": {"JSONEachRow"}}.Encode()
	resp, err := http.Post(address, "text/plain", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", sql, resp.Status, text, err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	for dec.More() {
		row := map[string]any{}
		if err := dec.Decode(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// settle waits until everything that was accepted is stored.
func (p pipeline) settle(t *testing.T) {
	t.Helper()
	client := kafkatest.Client(t, p.Addresses.Kafka)
	for _, reads := range []struct{ group, topic string }{
		{schemas.EnricherGroup("us"), schemas.RawTopic("us")}, {schemas.SinkGroup("us"), schemas.EnrichedTopic("us")}, {schemas.SinkGroup("us"), schemas.DeadTopic("us")},
	} {
		wait(t, func() (bool, string) {
			partitions, err := admin.Lag(t.Context(), client, reads.group, reads.topic)
			if err != nil {
				t.Fatal(err)
			}
			lag := int64(0)
			for _, partition := range partitions {
				lag += partition.Lag
			}
			return lag == 0, fmt.Sprintf("%s lags %d behind", reads.group, lag)
		})
	}
}

// wait polls until done, for two minutes at most.
func wait(t *testing.T, done func() (bool, string)) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := done()
		if ok {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("after two minutes: %s", state)
		case <-tick.C:
		}
	}
}

// node runs a script of npm with variables, and decodes the last line that it prints into out.
func node(t *testing.T, script string, variables map[string]string, out any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Dir = "npm"
	cmd.Env = os.Environ()
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, text, complaints.String())
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), out); err != nil {
		t.Fatalf("%s printed %q: %v", script, text, err)
	}
}

// chromium is the browser that the tests of SDKs for pages need.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Fatal("SDKs for pages run in Chromium: install it, or say where it is in CHROMIUM")
	return ""
}

// A browser has pages open; they are of another origin than the edge.
type browser struct {
	cmd   *exec.Cmd
	input io.Closer
	site  string
}

// open opens pages, each a file of npm/pages with its query, and waits until each is done with what it sends at once. Each page's done is in
// outcomes.
func open(t *testing.T, pages []string) (b browser, outcomes []any) {
	t.Helper()
	site := httptest.NewServer(http.FileServer(http.Dir("npm")))
	t.Cleanup(site.Close)
	var addresses []string
	for _, page := range pages {
		addresses = append(addresses, site.URL+"/pages/"+page)
	}
	list, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "browser.cjs")
	cmd.Dir = "npm"
	cmd.Env = append(os.Environ(), "PAGES="+string(list), "CHROMIUM="+chromium(t))
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &outcomes)
	}
	if err != nil {
		_ = input.Close()
		t.Fatalf("the browser says %q: %v, %v", line, err, cmd.Wait())
	}
	return browser{cmd, input, site.URL}, outcomes
}

// leave leaves all pages, as users do, and ends the browser.
func (b browser) leave(t *testing.T) {
	t.Helper()
	_ = b.input.Close()
	if err := b.cmd.Wait(); err != nil {
		t.Errorf("the browser: %v", err)
	}
}
