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

// lakes are an empty folder and an empty prefix of a bucket.
func lakes(t *testing.T) map[string]lake {
	return map[string]lake{"folder": folderLake(filepath.Join(t.TempDir(), "export")), "bucket": startStore(t).lake("lake")}
}

// A run is killed at each step, and others follow with more events. No event may be in two files at any time, or in none at the end.
func TestEachEventIsInExactlyOneFileWhateverIsKilled(t *testing.T) {
	for name, l := range lakes(t) {
		t.Run(name, func(t *testing.T) {
			r := use(t)
			args := exports(l)
			for before := range 2 { // the first file of a run, the second
				for i, step := range []string{"file begun", "file written", "file named", "entry written", "entry named"} {
					r.kill(step, before, args, func() { r.visit(10*before+i, 120) })
					table := fmt.Sprintf("read_%d_%d", before, i)
					r.read(table, l, named(t, manifest(t, l)))
					if twice := r.ask("SELECT count() - uniqExact(event_id) FROM "+table, nil); twice != "0" {
						t.Fatalf("killed at %q: %s events are in two files", step, twice)
					}
				}
			}
			r.settle(l, args)
		})
	}
}

// kill has runs end as they come to a step for the first time or later: it sends events and repeats runs until one does, since the sinks may not have stored
// enough yet.
func (r running) kill(step string, before int, args []string, send func()) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for killed := false; !killed; {
		if time.Now().After(deadline) {
			r.t.Fatalf("no run comes to %q", step)
		}
		send()
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
func (r running) settle(l lake, args []string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for {
		if code, _, stderr := r.ctl(ctx, args...); code != 0 {
			r.t.Fatal(stderr)
		}
		var written uint64
		for _, e := range manifest(r.t, l) {
			written += e.Events
		}
		if stored := r.ask("SELECT count() FROM events FINAL", nil); stored == fmt.Sprint(written) && stored == fmt.Sprint(shared.accepted) {
			break
		}
		select {
		case <-ctx.Done():
			r.t.Fatalf("%d events are written, the table has %s", written, r.ask("SELECT count() FROM events FINAL", nil))
		case <-time.After(100 * time.Millisecond):
		}
	}
	if code, _, stderr := r.ctl(ctx, args...); code != 0 { // removes what the last run could not yet
		r.t.Fatal(stderr)
	}
	r.compare(l)
}

// compare compares the files with the table, which has nothing that is not written.
func (r running) compare(l lake) {
	r.t.Helper()
	all := manifest(r.t, l)
	next := map[int32]int64{}
	for _, e := range all {
		if before, known := next[e.Log.Partition]; known && before != e.From {
			r.t.Errorf("partition %d: a file ends before offset %d, the next one begins at %d", e.Log.Partition, before, e.From)
		}
		next[e.Log.Partition] = e.To
		whole(r.t, l, e)
		var ofDays uint64
		for _, d := range e.Days {
			ofDays += d.Events
		}
		if ofDays != e.Events || e.Events > fileRows {
			r.t.Errorf("%s: %d events, of its days %d, at most %d wanted", e.File, e.Events, ofDays, fileRows)
		}
	}
	files := named(r.t, all)
	if there := l.files(r.t); len(there) != len(files) {
		r.t.Errorf("%d files, the manifest names %d", len(there), len(files))
	}
	r.read("files", l, files)
	if got := r.ask(`SELECT count(), uniqExact(event_id),
		(SELECT count() FROM files WHERE event_id NOT IN (SELECT toString(event_id) FROM events)), (SELECT count() FROM events FINAL WHERE toString(event_id) NOT IN (SELECT event_id FROM files))
		FROM files`, nil); got != strings.Join([]string{r.ask("SELECT count() FROM events FINAL", nil), r.ask("SELECT uniqExact(event_id) FROM events", nil), "0", "0"}, "\t") {
		r.t.Errorf("events in files, different ones, in none of the table, in none of the files: %s", got)
	}
}

func TestOnlyOneRunUsesAFolder(t *testing.T) {
	r := use(t)
	dir := filepath.Join(t.TempDir(), "export")
	r.visit(2, 200)
	args := exports(folderLake(dir))
	second := ""
	ctx := waymarkctl.WithExportTrace(t.Context(), func(name string) error {
		if name == "file begun" && second == "" {
			_, _, second = r.ctl(context.WithoutCancel(t.Context()), args...)
		}
		return nil
	})
	deadline := time.Now().Add(patience)
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
