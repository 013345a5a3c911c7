package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/waymarkctl"
)

var errKilled = errors.New("killed here")

// A run is killed at each step, and others follow with more events. No event may be in two files at any time, or in none at the end.
func TestEachEventIsInExactlyOneFileWhateverIsKilled(t *testing.T) {
	r := use(t)
	dir := filepath.Join(t.TempDir(), "export")
	args := []string{"export", "events", "--region", "us", "--to", dir, "--rows", "100"}
	for before := range 2 { // the first file of a run, the second
		for i, step := range []string{"file begun", "file written", "file named", "entry written", "entry named"} {
			if err := r.traffic(t.Context(), uint64(10*before+i), 600); err != nil {
				t.Fatal(err)
			}
			r.kill(step, before, args)
			table := fmt.Sprintf("read_%d_%d", before, i)
			r.read(table, dir, onDisk(t, dir))
			if twice := r.ask("SELECT count() - uniqExact(event_id) FROM "+table, nil); twice != "0" {
				t.Fatalf("killed at %q: %s events are in two files", step, twice)
			}
		}
	}
	r.settle(t, dir, args)
}

// kill has runs end as they come to a step for the first time or later: it repeats them until one does, since the sinks may not have stored enough yet.
func (r running) kill(step string, before int, args []string) {
	r.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for killed := false; !killed; {
		if time.Now().After(deadline) {
			r.t.Fatalf("no run comes to %q", step)
		}
		seen := 0
		ctx := waymarkctl.WithExportTrace(r.t.Context(), func(name string) error {
			if name == step {
				if seen++; seen > before {
					killed = true
					return errKilled
				}
			}
			return nil
		})
		if code, _, stderr := r.ctl(ctx, args...); code != 0 && !strings.Contains(stderr, errKilled.Error()) {
			r.t.Fatal(stderr)
		}
	}
}

// settle exports until everything that was accepted is written, and compares the files with the table.
func (r running) settle(t *testing.T, dir string, args []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if code, _, stderr := r.ctl(ctx, args...); code != 0 {
			t.Fatal(stderr)
		}
		var written uint64
		for _, e := range manifest(t, dir) {
			written += e.Events
		}
		if stored := r.ask("SELECT count() FROM events FINAL", nil); stored == fmt.Sprint(written) && written > 0 {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d events are written, the table has %s", written, r.ask("SELECT count() FROM events FINAL", nil))
		case <-time.After(100 * time.Millisecond):
		}
	}
	var files []string
	next := map[int32]int64{}
	for _, e := range manifest(t, dir) {
		if before, known := next[e.Log.Partition]; known && before != e.From {
			t.Errorf("partition %d: a file ends before offset %d, the next one begins at %d", e.Log.Partition, before, e.From)
		}
		next[e.Log.Partition] = e.To
		if e.File == "" {
			continue
		}
		same(t, dir, e)
		files = append(files, e.File)
		var ofDays uint64
		for _, d := range e.Days {
			ofDays += d.Events
		}
		if ofDays != e.Events || e.Events > 100 {
			t.Errorf("%s: %d events, of its days %d, at most 100 wanted", e.File, e.Events, ofDays)
		}
	}
	if there := onDisk(t, dir); len(there) != len(files) {
		t.Errorf("%d files, the manifest names %d", len(there), len(files))
	}
	r.read("files", dir, files)
	if got := r.ask(`SELECT count(), uniqExact(event_id),
		(SELECT count() FROM files WHERE event_id NOT IN (SELECT toString(event_id) FROM events)), (SELECT count() FROM events FINAL WHERE toString(event_id) NOT IN (SELECT event_id FROM files))
		FROM files`, nil); got != strings.Join([]string{r.ask("SELECT count() FROM events FINAL", nil), r.ask("SELECT uniqExact(event_id) FROM events", nil), "0", "0"}, "\t") {
		t.Errorf("events in files, different ones, in none of the table, in none of the files: %s", got)
	}
}

func TestOnlyOneRunUsesAFolder(t *testing.T) {
	r := use(t)
	dir := filepath.Join(t.TempDir(), "export")
	if err := r.traffic(t.Context(), 2, 500); err != nil {
		t.Fatal(err)
	}
	args := []string{"export", "events", "--region", "us", "--to", dir, "--rows", "100"}
	second := ""
	ctx := waymarkctl.WithExportTrace(t.Context(), func(name string) error {
		if name == "file begun" && second == "" {
			_, _, second = r.ctl(context.WithoutCancel(t.Context()), args...)
		}
		return nil
	})
	deadline := time.Now().Add(30 * time.Second)
	for second == "" && time.Now().Before(deadline) { // until the sinks have committed something
		if code, _, stderr := r.ctl(ctx, args...); code != 0 {
			t.Fatal(stderr)
		}
	}
	if !strings.Contains(second, "another export uses this folder") {
		t.Errorf("a second run beside the first says %q", second)
	}
}

// What a privacy officer asks after an erasure: which files still have events of the account.
func TestFilesOfAnAccountAreListed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "manifest"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"00000001.json": `{"version":1,"number":1,"region":"us","file":"events/a.parquet","days":[{"account":"acme","day":"2026-03-01","events":3},{"account":"other","day":"2026-03-02","events":1}]}`,
		"00000002.json": `{"version":1,"number":2,"region":"us","file":"events/b.parquet","days":[{"account":"other","day":"2026-03-02","events":1}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, "manifest", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_KAFKA_BROKERS", "127.0.0.1:1")
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_ADDRESSES", "127.0.0.1:1")
	code, stdout, stderr := running{t: t}.ctl(t.Context(), "export", "events", "--to", dir, "--files", "acme")
	if code != 0 || stdout != "events/a.parquet\t2026-03-01\t3\n" {
		t.Errorf("status %d, %q, %s", code, stdout, stderr)
	}
}
