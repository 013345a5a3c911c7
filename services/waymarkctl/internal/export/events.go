package export

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// Events writes a region's events to a folder, each to exactly one Parquet file.
//
// What is written is the table's, since only the table has each event once. A file has all events that came from offsets [From, To) of one raw log,
// and the manifest says so: offsets never change, whatever comes late, and ranges that follow each other have no event twice and leave none out. How far a
// log may be written is what the sinks commit: everything up to their mark is in the table, or never will be.
//
// A file counts when the manifest has an entry of it, which is written last. A run that is killed before leaves a file that the next one removes, before it
// writes the same events again.
type Events struct {
	Client *kafka.Client
	Conn   *clickhouse.Conn
	Server *Server
	Region string
	Dir    string
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

// Run writes all events that are settled and in no file yet. Only one run at a time may use a folder.
func (e *Events) Run(ctx context.Context) (report Report, err error) {
	if e.Step == nil {
		e.Step = func(string) error { return nil }
	}
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return report, err
	}
	unlock, err := lock(filepath.Join(e.Dir, lockFile))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	f, err := openFolder(e.Dir, e.Region)
	if err != nil {
		return report, err
	}
	if report.Removed, err = f.clean(); err != nil {
		return report, err
	}
	settled, notes, err := settledRanges(ctx, e.Client, e.Conn, e.Region)
	report.Notes = notes
	if err != nil {
		return report, err
	}
	for _, r := range settled {
		if next, known := f.next[r.Log]; known {
			r.From = next
		}
		for r.From < r.To {
			entry, err := e.write(ctx, f, r)
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
func (e *Events) write(ctx context.Context, f *folder, r Range) (entry Entry, err error) {
	if r.To, err = e.end(ctx, r); err != nil {
		return entry, err
	}
	const tries = 5
	for range tries {
		entry = Entry{Version: 1, Number: len(f.entries) + 1, Region: e.Region, Log: r.Log, From: r.From, To: r.To}
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
			return entry, f.add(entry, e.Step)
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
	dir := filepath.Join(e.Dir, eventsDir, time.Now().UTC().Format(time.DateOnly))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, fmt.Sprintf("%08d.parquet", entry.Number))
	part, err := create(dir)
	if err != nil {
		return err
	}
	if err := e.Step("file begun"); err != nil {
		return errors.Join(err, part.Close())
	}
	sum := sha256.New()
	entry.Bytes, err = e.Server.Copy(ctx, io.MultiWriter(part, sum), eventsOfRange, "Parquet", map[string]string{
		"topic_id": r.TopicID.String(), "partition": strconv.Itoa(int(r.Partition)), "leader_epoch": strconv.Itoa(int(r.LeaderEpoch)),
		"from": strconv.FormatInt(r.From, 10), "to": strconv.FormatInt(r.To, 10),
	})
	if err != nil {
		return errors.Join(err, part.Close())
	}
	if err := e.Step("file written"); err != nil {
		return errors.Join(err, part.Close())
	}
	if err := finish(part, path); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	below, err := filepath.Rel(e.Dir, path)
	if err != nil {
		return err
	}
	entry.File, entry.SHA256 = filepath.ToSlash(below), hex.EncodeToString(sum.Sum(nil))
	return e.Step("file named")
}

// lock takes a lock that ends with the process.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: another export uses this folder", filepath.Dir(path)), f.Close())
	}
	return f.Close, nil
}
