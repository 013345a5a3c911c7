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

func TestAFolderGoesOnWhereItsManifestEnds(t *testing.T) {
	dir := t.TempDir()
	f, err := openFolder(dir, "us")
	if err != nil {
		t.Fatal(err)
	}
	log, other := Log{uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-5a6b7c8d9e0f"), 3, 0}, Log{uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-5a6b7c8d9e0f"), 3, 1}
	for i, e := range []Entry{entry(1, log, 5, 10, "events/a.parquet"), entry(2, log, 10, 11, ""), entry(3, other, 11, 20, "events/b.parquet")} {
		if err := f.add(e, always); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	for _, name := range []string{"a.parquet", "b.parquet", "orphan.parquet", temporary + "x", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, "events", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, err := openFolder(dir, "us")
	if err != nil {
		t.Fatal(err)
	}
	if again.next[log] != 11 || again.next[other] != 20 || len(again.entries) != 3 {
		t.Errorf("it goes on from %v", again.next)
	}
	if removed, err := again.clean(); err != nil || removed != 2 {
		t.Errorf("removed %d files, %v, want the orphan and the temporary one", removed, err)
	}
	for name, there := range map[string]bool{"a.parquet": true, "b.parquet": true, "orphan.parquet": false, temporary + "x": false, "notes.txt": true} {
		if _, err := os.Stat(filepath.Join(dir, "events", name)); errors.Is(err, fs.ErrNotExist) == there {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := again.add(entry(2, log, 11, 12, ""), always); !errors.Is(err, fs.ErrExist) {
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
		f, err := openFolder(dir, "us")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.entries {
			if err := f.add(e, always); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := openFolder(dir, "us"); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
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
