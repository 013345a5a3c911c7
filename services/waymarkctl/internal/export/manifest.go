package export

import (
	"encoding/json"
	"fmt"
	"slices"
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
	// File is the file's path below the folder or prefix, with slashes; empty where the range has no events.
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

// Names below a place.
const (
	manifestDir = "manifest"
	eventsDir   = "events"
)

// name is the entry's own below the place.
func (e Entry) name() string { return fmt.Sprintf(manifestDir+"/%08d.json", e.Number) }

func (e Entry) text() ([]byte, error) {
	text, err := json.MarshalIndent(e, "", "  ")
	return append(text, '\n'), err
}

// readEntry reads what text wrote; name is for messages.
func readEntry(text []byte, name string) (e Entry, err error) {
	if err := json.Unmarshal(text, &e); err != nil {
		return e, fmt.Errorf("%s: %w", name, err)
	}
	if e.Version != 1 {
		return e, fmt.Errorf("%s has version %d: this waymarkctl knows 1", name, e.Version)
	}
	return e, nil
}

// A manifest is what an export has written so far.
type manifest struct {
	entries []Entry
	next    map[Log]int64 // the first offset that no file has
}

// checked is the manifest of a place's entries, unless they contradict each other.
func checked(place Place, entries []Entry, region string) (*manifest, error) {
	m := &manifest{next: map[Log]int64{}}
	for _, e := range entries {
		if e.Region != region {
			return nil, fmt.Errorf("%s has events of region %s: each region needs a place of its own", place.named(""), e.Region)
		}
		if before, known := m.next[e.Log]; e.Number != len(m.entries)+1 || known && before != e.From {
			return nil, fmt.Errorf("%s contradicts itself: entry %d is not what follows on the one before", place.named(manifestDir), e.Number)
		}
		m.add(e)
	}
	return m, nil
}

func (m *manifest) add(e Entry) {
	m.entries = append(m.entries, e)
	m.next[e.Log] = e.To
}

// filesOf are the files that entries name.
func filesOf(entries []Entry) map[string]bool {
	named := map[string]bool{}
	for _, e := range entries {
		named[e.File] = true
	}
	return named
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
