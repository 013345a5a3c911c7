package export

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// Events writes a region's events to a place, each to exactly one Parquet file.
//
// What is written is the table's, since only the table has each event once. A file has all events that came from offsets [From, To) of one raw log,
// and the manifest says so: offsets never change, whatever comes late, and ranges that follow each other have no event twice and leave none out. How far a
// log may be written is what the sinks commit: everything up to their mark is in the table, or never will be.
//
// A file counts when the manifest has an entry of it, which is written last. A run that is killed before leaves a file that a later one removes, after it
// has written the same events again.
type Events struct {
	Client *kafka.Client
	Conn   *clickhouse.Conn
	Server *Server
	Region string
	Place  Place
	// Rows is how many events a file has at most, but for those of one offset more.
	Rows uint64
	// Step is called as a run comes to each step; what it returns ends the run there, as a kill would. Nil does nothing.
	Step func(name string) error
}

// A Report says what a run did.
type Report struct {
	Files   int
	Events  uint64
	Bytes   int64
	Removed int // files that a killed run left
	// Notes say what could not be written yet.
	Notes []string
}

var (
	//go:embed sql/days.sql
	daysOfRange string
	//go:embed sql/last.sql
	lastOfRange string
	//go:embed sql/events.sql
	eventsOfRange string
)

// Run writes all events that are settled and in no file yet. Of two runs at once in one place, one ends with an error.
func (e *Events) Run(ctx context.Context) (report Report, err error) {
	if e.Step == nil {
		e.Step = func(string) error { return nil }
	}
	if err := e.Place.open(ctx, e.Region); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, e.Place.shut()) }()
	entries, err := e.Place.Entries(ctx)
	if err != nil {
		return report, err
	}
	m, err := checked(e.Place, entries, e.Region)
	if err != nil {
		return report, err
	}
	if report.Removed, report.Notes, err = e.Place.clean(ctx, m.entries); err != nil {
		return report, err
	}
	settled, notes, err := settledRanges(ctx, e.Client, e.Conn, e.Region)
	report.Notes = append(report.Notes, notes...)
	if err != nil {
		return report, err
	}
	for _, r := range settled {
		if next, known := m.next[r.Log]; known {
			r.From = next
		}
		for r.From < r.To {
			entry, err := e.write(ctx, m, r)
			if err != nil {
				return report, err
			}
			report.Events += entry.Events
			report.Bytes += entry.Bytes
			if entry.File != "" {
				report.Files++
			}
			r.From = entry.To
		}
	}
	return report, nil
}

// A Range is the offsets [From, To) of a log.
type Range struct {
	Log
	From, To int64
}

// write writes the first file of a range, and its entry.
func (e *Events) write(ctx context.Context, m *manifest, r Range) (entry Entry, err error) {
	if r.To, err = e.end(ctx, r); err != nil {
		return entry, err
	}
	const tries = 5
	for range tries {
		entry = Entry{Version: 1, Number: len(m.entries) + 1, Region: e.Region, Log: r.Log, From: r.From, To: r.To}
		before, err := e.days(ctx, r)
		if err != nil {
			return entry, err
		}
		entry.Days, entry.Events, entry.Digest = before.days, before.events, before.digest
		if before.events > 0 {
			if err := e.file(ctx, r, &entry); err != nil {
				return entry, err
			}
		}
		// An erasure, or a merge of a repetition, may have come between: then the file is not what the entry says.
		after, err := e.days(ctx, r)
		if err != nil {
			return entry, err
		}
		if after.events == before.events && after.digest == before.digest {
			entry.WrittenAt = time.Now().UTC().Truncate(time.Millisecond)
			if err := e.Place.add(ctx, entry, e.Step); err != nil {
				return entry, err
			}
			m.add(entry)
			return entry, e.Step("entry named")
		}
	}
	return entry, fmt.Errorf("the events of offsets [%d, %d) of partition %d change while they are written", r.From, r.To, r.Partition)
}

// end is where a range ends that has as many events as a file may.
func (e *Events) end(ctx context.Context, r Range) (int64, error) {
	end := r.To
	err := e.Conn.Query(ctx, lastOfRange, func(_ []string, values []any) error {
		end = values[0].(int64) + 1
		return nil
	}, append(r.named(), clickhouse.Named("rows", e.Rows))...)
	return end, err
}

type summary struct {
	days           []Day
	events, digest uint64
}

func (e *Events) days(ctx context.Context, r Range) (s summary, err error) {
	err = e.Conn.Query(ctx, daysOfRange, func(_ []string, values []any) error {
		day := Day{values[0].(string), values[1].(string), values[2].(uint64)}
		s.days = append(s.days, day)
		s.events += day.Events
		s.digest += values[3].(uint64)
		return nil
	}, r.named()...)
	return s, err
}

func (r Range) named() []any {
	return []any{
		clickhouse.Named("topic_id", r.TopicID.String()), clickhouse.Named("partition", r.Partition), clickhouse.Named("leader_epoch", r.LeaderEpoch),
		clickhouse.Named("from", r.From), clickhouse.Named("to", r.To),
	}
}

// file writes the range's events and fills in what the entry says of the file.
func (e *Events) file(ctx context.Context, r Range, entry *Entry) error {
	part, err := e.Place.begin(ctx, entry.Number)
	if err != nil {
		return err
	}
	if err := e.Step("file begun"); err != nil {
		return err // with what is begun, as a kill leaves it
	}
	sum := sha256.New()
	entry.Bytes, err = e.Server.Copy(ctx, io.MultiWriter(part, sum), eventsOfRange, "Parquet", map[string]string{
		"topic_id": r.TopicID.String(), "partition": strconv.Itoa(int(r.Partition)), "leader_epoch": strconv.Itoa(int(r.LeaderEpoch)),
		"from": strconv.FormatInt(r.From, 10), "to": strconv.FormatInt(r.To, 10),
	})
	if err != nil {
		return errors.Join(err, part.abandon())
	}
	if err := e.Step("file written"); err != nil {
		return err
	}
	if entry.File, err = part.finish(); err != nil {
		return err
	}
	entry.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return e.Step("file named")
}
