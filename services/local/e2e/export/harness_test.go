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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

// patience is more than anything takes, on a machine that has other things to do.
const patience = 5 * time.Minute

// fileRows is how many events the tests' files have at most.
const fileRows = 50

// A running pipeline.
type running struct {
	*local.Pipeline
	t *testing.T
}

// shared is the pipeline of all tests, and how many events it accepted.
var shared struct {
	dir      string
	pipeline *local.Pipeline
	accepted int
}

// childVariable makes a process of this program waymarkctl, which tells its steps and is to be killed.
const childVariable = "EXPORT_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		ctx := waymarkctl.WithExportTrace(context.Background(), func(step string) error {
			_, err := fmt.Println("step", step)
			return err
		})
		os.Exit(waymarkctl.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
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
		cfg.Edge, cfg.Kafka, cfg.ClickHouseNative, cfg.ClickHouseHTTP, cfg.Admin, cfg.Console = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
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

// visit sends events of one visitor, and so of one partition, and returns when all are accepted.
func (r running) visit(visitor, events int) {
	r.t.Helper()
	var body strings.Builder
	for i := range events {
		fmt.Fprintf(&body, `{"time":%d,"type":"play","data":{"type":"wt","oId":124909,"oName":"Log in"},"user":{"guid":"6f1c2b9e-8d34-4a57-b0c1-%012d"}}`+"\n", time.Now().UnixMilli()+int64(i), visitor)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.Addresses.Edge+"/v1/events", strings.NewReader(body.String()))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("X-Write-Key", "wk_demo_us")
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), fmt.Sprintf(`{"accepted":%d,`, events)) {
		r.t.Fatalf("%s, %v: %.300s", resp.Status, err, text)
	}
	shared.accepted += events
}

// exports is the command that writes events to a lake.
func exports(l lake) []string {
	return []string{"export", "events", "--region", "us", "--to", l.to(), "--rows", fmt.Sprint(fileRows)}
}

// ctl carries out a command.
func (r running) ctl(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
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

// A lake is where events are exported to.
type lake interface {
	// to is what --to says.
	to() string
	// names are the names of its entries below it, by number.
	names(t *testing.T) []string
	// file is one file's content, by its name below the lake.
	file(name string) ([]byte, error)
	// files are those that have their names, with or without an entry.
	files(t *testing.T) []string
}

type folderLake string

func (dir folderLake) to() string { return string(dir) }

func (dir folderLake) file(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(dir), filepath.FromSlash(name)))
}

func (dir folderLake) files(t *testing.T) []string {
	return dir.find(t, filepath.Join("events", "*", "*.parquet"))
}

func (dir folderLake) find(t *testing.T, pattern string) (out []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(string(dir), pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		below, err := filepath.Rel(string(dir), name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, filepath.ToSlash(below))
	}
	return out
}

func (dir folderLake) names(t *testing.T) []string {
	return dir.find(t, filepath.Join("manifest", "*.json"))
}

// manifest are a lake's entries, by number.
func manifest(t *testing.T, l lake) []entry { return entries(t, l, l.names(t)) }

func entries(t *testing.T, l lake, names []string) (out []entry) {
	t.Helper()
	for _, name := range names {
		text, err := l.file(name)
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
func (r running) read(table string, l lake, files []string) {
	r.t.Helper()
	r.ask("CREATE OR REPLACE TABLE "+table+" (file String, event_id String) ENGINE = Memory", nil)
	for _, file := range files {
		content, err := l.file(file)
		if err != nil {
			r.t.Fatal(err)
		}
		r.ask(fmt.Sprintf("INSERT INTO %s SELECT '%s', event_id FROM input('event_id String') FORMAT Parquet", table, file), bytes.NewReader(content))
	}
}

// whole fails where a file is not there, or not what its entry says.
func whole(t *testing.T, l lake, e entry) {
	t.Helper()
	if e.File == "" {
		return
	}
	content, err := l.file(e.File)
	if err != nil {
		t.Fatalf("the manifest names a file that is not there: %v", err)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != e.SHA256 || int64(len(content)) != e.Bytes {
		t.Errorf("%s: %d bytes of digest %x, its entry says %d of %s", e.File, len(content), sum, e.Bytes, e.SHA256)
	}
}

// named are the files that entries name. None is named twice.
func named(t *testing.T, entries []entry) (out []string) {
	t.Helper()
	for _, e := range entries {
		if e.File != "" {
			if slices.Contains(out, e.File) {
				t.Errorf("two entries name %s", e.File)
			}
			out = append(out, e.File)
		}
	}
	return out
}
