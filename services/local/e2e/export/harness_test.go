// Package export tests what waymarkctl export writes: it is read back by ClickHouse, and compared with the tables it came from.
package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local"
	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

// A running pipeline.
type running struct {
	*local.Pipeline
	t *testing.T
}

// shared is the pipeline of all tests.
var shared struct {
	dir      string
	pipeline *local.Pipeline
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.pipeline != nil {
		if err := errors.Join(shared.pipeline.Stop(), os.RemoveAll(shared.dir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// use returns the shared pipeline, started on free ports for the first test that asks, and tells waymarkctl where its region us is.
func use(t *testing.T) running {
	t.Helper()
	if shared.pipeline == nil {
		cfg := local.DefaultConfig()
		var err error
		if cfg.Data, err = os.MkdirTemp("", "waymark-export-"); err != nil {
			t.Fatal(err)
		}
		cfg.Geo = "made"
		cfg.Edge, cfg.Kafka, cfg.ClickHouseNative, cfg.ClickHouseHTTP, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if shared.pipeline, err = local.Start(ctx, cfg); err != nil {
			t.Fatal(errors.Join(err, os.RemoveAll(cfg.Data)))
		}
		shared.dir = cfg.Data
	}
	p := shared.pipeline
	for name, value := range map[string]string{
		"KAFKA_BROKERS": p.Addresses.Kafka, "CLICKHOUSE_ADDRESSES": p.Addresses.ClickHouseNative, "CLICKHOUSE_HTTP": "http://" + p.Addresses.ClickHouseHTTP,
		"CLICKHOUSE_DATABASE": local.Database("us"), "ERASURE_SECRET": waymarkctl.LocalSecret,
	} {
		t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_"+name, value)
	}
	return running{p, t}
}

// ask posts a statement, with data behind it, and returns the answer without its last line's end.
func (r running) ask(statement string, data io.Reader) string {
	r.t.Helper()
	resp, err := http.Post("http://"+r.Addresses.ClickHouseHTTP+"/?"+url.Values{"database": {local.Database("us")}, "query": {statement}}.Encode(), "", data)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s %s %v", statement, resp.Status, text, err)
	}
	return strings.TrimSpace(string(text))
}

// traffic sends events of the demo for account demo-us, and returns when all are accepted.
func (r running) traffic(ctx context.Context, seed uint64, events int) error {
	generator, err := demo.NewGenerator(demo.Options{Seed: seed, Start: time.Now(), Rate: 2000, Accounts: []demo.Account{{ID: "demo-us", WriteKey: "wk_demo_us"}}})
	if err != nil {
		return err
	}
	sender := demo.NewSender("http://"+r.Addresses.Edge, 8)
	defer sender.Close()
	return demo.Drive(ctx, generator, sender, demo.Plan{Events: events, Fast: true}, new(demo.Counts))
}

// ctl carries out a command.
func (r running) ctl(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code = waymarkctl.Run(ctx, args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// An entry is what a manifest says of a file.
type entry struct {
	File, SHA256 string
	Bytes        int64
	Events       uint64
	Digest       uint64
	Log          struct {
		TopicID, LeaderEpoch any
		Partition            int32
	}
	From, To int64
	Days     []struct {
		Account, Day string
		Events       uint64
	}
}

func manifest(t *testing.T, dir string) (out []entry) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "manifest", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, e)
	}
	return out
}

// read has ClickHouse read Parquet files into a table of the test's: file and event id of each row.
func (r running) read(table, dir string, files []string) {
	r.t.Helper()
	r.ask("CREATE OR REPLACE TABLE "+table+" (file String, event_id String) ENGINE = Memory", nil)
	for _, file := range files {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(file)))
		if err != nil {
			r.t.Fatal(err)
		}
		r.ask(fmt.Sprintf("INSERT INTO %s SELECT '%s', event_id FROM input('event_id String') FORMAT Parquet", table, file), f)
		f.Close()
	}
}

// onDisk are the files that have their names, with or without an entry.
func onDisk(t *testing.T, dir string) (out []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "events", "*", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		below, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, filepath.ToSlash(below))
	}
	return out
}

// same fails where a file is not what its entry says.
func same(t *testing.T, dir string, e entry) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(e.File)))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != e.SHA256 || int64(len(content)) != e.Bytes {
		t.Errorf("%s: %d bytes of digest %x, its entry says %d of %s", e.File, len(content), sum, e.Bytes, e.SHA256)
	}
}
