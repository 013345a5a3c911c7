package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A Log is a part of a raw topic's partition in which an offset names one record for ever: what leaders of one epoch appended.
type Log struct {
	TopicID     uuid.UUID `json:"topic_id"`
	Partition   int32     `json:"partition"`
	LeaderEpoch int32     `json:"leader_epoch"`
}

// An Entry says what one file has, or that a range of offsets has no events. It is written when the file is whole, and never changed.
type Entry struct {
	// Version is the format's, 1.
	Version int    `json:"version"`
	Number  int    `json:"number"`
	Region  string `json:"region"`
	// Log and the offsets [From, To) on it are what the file has all stored events of. Entries of one log follow each other without a gap.
	Log  `json:"log"`
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// File is the file's path below the folder, with slashes; empty where the range has no events.
	File   string `json:"file,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
	Events uint64 `json:"events"`
	// Digest is sum(cityHash64(event_id)) of the events, as ClickHouse counts it, modulo 2^64.
	Digest uint64 `json:"digest"`
	// Days say whose events of which day the file has, UTC by their corrected time.
	Days      []Day     `json:"days"`
	WrittenAt time.Time `json:"written_at"`
}

// A Day is an account's events of one day in a file.
type Day struct {
	Account string `json:"account"`
	Day     string `json:"day"`
	Events  uint64 `json:"events"`
}

// Names below an export's folder.
const (
	manifestDir = "manifest"
	eventsDir   = "events"
	lockFile    = "lock"
)

// A folder is what an export has written so far.
type folder struct {
	dir     string
	entries []Entry
	next    map[Log]int64 // the first offset that no file has
}

// openFolder reads the manifest of a folder, which it makes where there is none.
func openFolder(dir, region string) (*folder, error) {
	for _, name := range []string{manifestDir, eventsDir} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	f := &folder{dir: dir, next: map[Log]int64{}}
	var err error
	if f.entries, err = ReadManifest(dir); err != nil {
		return nil, err
	}
	for i, e := range f.entries {
		if e.Region != region {
			return nil, fmt.Errorf("%s has events of region %s: each region needs a folder of its own", dir, e.Region)
		}
		if before, known := f.next[e.Log]; e.Number != i+1 || known && before != e.From {
			return nil, fmt.Errorf("%s contradicts itself: entry %d is not what follows on the one before", filepath.Join(dir, manifestDir), e.Number)
		}
		f.next[e.Log] = e.To
	}
	return f, nil
}

// ReadManifest returns the entries of a folder by number.
func ReadManifest(dir string) (out []Entry, err error) {
	names, err := os.ReadDir(filepath.Join(dir, manifestDir)) // sorted by name
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasPrefix(name.Name(), temporary) {
			continue
		}
		path := filepath.Join(dir, manifestDir, name.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var e Entry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if e.Version != 1 {
			return nil, fmt.Errorf("%s has version %d: this waymarkctl knows 1", path, e.Version)
		}
		out = append(out, e)
	}
	return out, nil
}

// clean removes what a run that was killed left behind: files that no entry names. It returns how many.
func (f *folder) clean() (removed int, err error) {
	named := map[string]bool{}
	for _, e := range f.entries {
		named[e.File] = true
	}
	for _, dir := range []string{manifestDir, eventsDir} {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(f.dir, dir), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			below, err := filepath.Rel(f.dir, path)
			if err != nil {
				return err
			}
			left := strings.HasPrefix(entry.Name(), temporary) || dir == eventsDir && strings.HasSuffix(path, ".parquet") && !named[filepath.ToSlash(below)]
			if !left {
				return nil
			}
			removed++
			return os.Remove(path)
		}))
	}
	return removed, err
}

// add writes an entry, which makes its file a part of the export.
func (f *folder) add(e Entry, step func(string) error) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Join(f.dir, manifestDir)
	part, err := create(dir)
	if err != nil {
		return err
	}
	if _, err := part.Write(append(text, '\n')); err != nil {
		return errors.Join(err, part.Close())
	}
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return err
	}
	if err := step("entry written"); err != nil {
		return err
	}
	// A link, not a rename: an entry of another writer is never replaced.
	if err := os.Link(part.Name(), filepath.Join(dir, fmt.Sprintf("%08d.json", e.Number))); err != nil {
		return fmt.Errorf("name an entry of the manifest: %w", err)
	}
	if err := errors.Join(os.Remove(part.Name()), syncDir(dir)); err != nil {
		return err
	}
	f.entries = append(f.entries, e)
	f.next[e.Log] = e.To
	return step("entry named")
}

// Holding are the entries whose files have events of an account, in order.
func Holding(entries []Entry, account string) (out []Entry) {
	for _, e := range entries {
		if slices.ContainsFunc(e.Days, func(d Day) bool { return d.Account == account }) {
			out = append(out, e)
		}
	}
	return out
}
