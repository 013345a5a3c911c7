package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
)

func always(string) error { return nil }

func TestAFileIsWholeOrAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	for _, c := range []struct {
		text string
		err  error
		want string
	}{{"one", nil, "one"}, {"two", errors.New("ClickHouse is away"), "one"}, {"three", nil, "three"}} {
		err := WriteFile(path, func(f *os.File) error {
			_, err := f.WriteString(c.text)
			return errors.Join(err, c.err)
		})
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.text, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("after %s the file has %q, %v, want %q", c.text, got, err, c.want)
		}
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("something is left beside it: %v, %v", names, err)
	}
}

func entry(number int, log Log, from, to int64, file string) Entry {
	return Entry{Version: 1, Number: number, Region: "us", Log: log, From: from, To: to, File: file, Days: []Day{{"acme", "2026-03-01", 1}}}
}

// opened is a folder that a run has opened, and its manifest or what is wrong with it.
func opened(t *testing.T, dir string) (Place, *manifest, error) {
	t.Helper()
	place := NewFolder(dir)
	if err := place.open(t.Context(), "us"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = place.shut() }) // a second time does no harm
	entries, err := place.Entries(t.Context())
	if err != nil {
		return place, nil, err
	}
	m, err := checked(place, entries, "us")
	return place, m, err
}

func TestAFolderGoesOnWhereItsManifestEnds(t *testing.T) {
	dir := t.TempDir()
	place, _, err := opened(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	log, other := Log{uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-5a6b7c8d9e0f"), 3, 0}, Log{uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-5a6b7c8d9e0f"), 3, 1}
	for i, e := range []Entry{entry(1, log, 5, 10, "events/a.parquet"), entry(2, log, 10, 11, ""), entry(3, other, 11, 20, "events/b.parquet")} {
		if err := place.add(t.Context(), e, always); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	if err := place.shut(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.parquet", "b.parquet", "orphan.parquet", temporary + "x", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, "events", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, m, err := opened(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.next[log] != 11 || m.next[other] != 20 || len(m.entries) != 3 {
		t.Errorf("it goes on from %v", m.next)
	}
	if removed, _, err := again.clean(t.Context(), m.entries); err != nil || removed != 2 {
		t.Errorf("removed %d files, %v, want the orphan and the temporary one", removed, err)
	}
	for name, there := range map[string]bool{"a.parquet": true, "b.parquet": true, "orphan.parquet": false, temporary + "x": false, "notes.txt": true} {
		if _, err := os.Stat(filepath.Join(dir, "events", name)); errors.Is(err, fs.ErrNotExist) == there {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := again.add(t.Context(), entry(2, log, 11, 12, ""), always); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an entry of another writer was replaced: %v", err)
	}
}

func TestAFolderIsNotGuessedAt(t *testing.T) {
	log := Log{uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-5a6b7c8d9e0f"), 3, 0}
	for name, c := range map[string]struct {
		entries []Entry
		says    string
	}{
		"a gap in a log":     {[]Entry{entry(1, log, 0, 10, ""), entry(2, log, 11, 12, "")}, "contradicts itself"},
		"an entry is gone":   {[]Entry{entry(1, log, 0, 10, ""), entry(3, log, 10, 12, "")}, "contradicts itself"},
		"another region's":   {[]Entry{{Version: 1, Number: 1, Region: "eu", Log: log, To: 4}}, "region eu"},
		"a later version's":  {[]Entry{{Version: 2, Number: 1, Region: "us", Log: log, To: 4}}, "version 2"},
		"offsets come again": {[]Entry{entry(1, log, 0, 10, ""), entry(2, log, 9, 12, "")}, "contradicts itself"},
	} {
		dir := t.TempDir()
		place, _, err := opened(t, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.entries {
			if err := place.add(t.Context(), e, always); err != nil {
				t.Fatal(err)
			}
		}
		if err := place.shut(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := opened(t, dir); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// Of a bucket's objects only those are removed that are this export's and can never count: their entry is there, and names another file or none.
func TestWhatMayStillCountIsNotRemoved(t *testing.T) {
	const ours, named = "events/2026-03-01/00000002-ABCDEFGHIJKLMNOPQRSTUVWXYZ.parquet", "events/2026-03-01/00000002-ZZZZZZZZZZZZZZZZZZZZZZZZZZ.parquet"
	for below, want := range map[string]bool{
		ours:  true,
		named: false,
		"events/2026-03-01/00000003-ABCDEFGHIJKLMNOPQRSTUVWXYZ.parquet":        false, // another run may be about to name it
		"events/events/2026-03-01/00000002-ABCDEFGHIJKLMNOPQRSTUVWXYZ.parquet": false, // of an export below this one
		"events/2026-03-01/00000002.parquet":                                   false, // copied there from a folder
		"events/2026-03-01/00000002-report.parquet":                            false,
		"events/00000002-ABCDEFGHIJKLMNOPQRSTUVWXYZ.parquet":                   false,
	} {
		if got := dead(below, map[string]bool{named: true}, 2); got != want {
			t.Errorf("%s: %v, want %v", below, got, want)
		}
	}
}

func TestABucketsNameIsChecked(t *testing.T) {
	cfg := S3{AccessKeyID: "id", SecretAccessKey: "secret"}
	for name, want := range map[string]string{
		"s3://lake": "s3://lake/manifest", "s3://lake/": "s3://lake/manifest", "s3://lake/a/b": "s3://lake/a/b/manifest", "s3://lake/a/b/": "s3://lake/a/b/manifest",
		"s3://": "", "s3:///a": "", "s3://L/a": "", "s3://lake//a": "", "s3://lake/a//b": "", "s3://lake/../b": "", "s3://lake/a/.": "",
	} {
		bucket, err := OpenBucket(cfg, name)
		if (err == nil) != (want != "") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && bucket.Place().named(manifestDir) != want {
			t.Errorf("%s: its manifest is %s, want %s", name, bucket.Place().named(manifestDir), want)
		}
	}
	if _, err := OpenBucket(S3{}, "s3://lake"); err == nil || !strings.Contains(err.Error(), "are needed") {
		t.Errorf("without credentials: %v", err)
	}
	for says, cfg := range map[string]S3{
		"endpoint": {Endpoint: "minio:9000"}, "endpoint:": {Endpoint: "https://id:secret@minio"}, "want an http": {Endpoint: "https://minio/bucket"}, "addressing": {Addressing: "virtual"},
		"go together": {AccessKeyID: "id"},
	} {
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if err := (S3{}).Validate(); err != nil {
		t.Errorf("what need not be set: %v", err)
	}
}

// Up to where a log is settled is what the sinks commit, and what cannot change any more.
func TestALogIsWrittenUpToItsMarkOnly(t *testing.T) {
	raw, before := uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-5a6b7c8d9e0f"), uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-000000000000")
	mark := checkpoint.NewMark(raw)
	mark.LeaderEpoch, mark.Offset = 4, 100
	replacing := mark
	replacing.Superseded = 500
	for name, c := range map[string]struct {
		marks checkpoint.Marks
		log   Log
		want  int64
	}{
		"beyond the mark rows may be of an insert that is not whole": {checkpoint.Marks{mark}, Log{raw, 0, 4}, 101},
		"an earlier leader's part is over":                           {checkpoint.Marks{mark}, Log{raw, 0, 3}, 251},
		"a later leader's is not settled":                            {checkpoint.Marks{mark}, Log{raw, 0, 5}, 0},
		"the first batch is not committed yet":                       {nil, Log{raw, 0, 4}, 0},
		"an earlier topic that marks forgot":                         {checkpoint.Marks{mark}, Log{before, 0, 9}, 251},
		"rows are being replaced":                                    {checkpoint.Marks{replacing}, Log{raw, 0, 4}, 0},
		"nothing of it is stored for sure":                           {checkpoint.Marks{checkpoint.NewMark(raw)}, Log{raw, 0, -1}, 0},
	} {
		if got, _ := end(c.marks, c.log, raw, 250); got != c.want {
			t.Errorf("%s: up to %d, want %d", name, got, c.want)
		}
	}
}
