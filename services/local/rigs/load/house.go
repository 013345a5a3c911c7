package load

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// House is what ClickHouse counts of itself in system.events. Rows and parts are those of all tables: those of the model are written along with
// each insert into events.
type House struct {
	// Inserts are INSERT queries; Parts are what they wrote, Rows the rows in these.
	Inserts, Parts, Rows float64
	// Merges of parts, and the rows they read.
	Merges, MergedRows float64
}

func (h House) minus(before House) House {
	return House{h.Inserts - before.Inserts, h.Parts - before.Parts, h.Rows - before.Rows, h.Merges - before.Merges, h.MergedRows - before.MergedRows}
}

// house reads the counters. MergeTreeDataWriterBlocks is one for each part that an insert writes.
func (r *rig) house(ctx context.Context) (House, error) {
	var inserts, parts, rows, merges, merged uint64
	err := r.tables.Scalar(ctx, `SELECT sumIf(value, event = 'InsertQuery'), sumIf(value, event = 'MergeTreeDataWriterBlocks'),
		sumIf(value, event = 'MergeTreeDataWriterRows'), sumIf(value, event = 'Merge'), sumIf(value, event = 'MergedRows') FROM system.events`,
		&inserts, &parts, &rows, &merges, &merged)
	return House{float64(inserts), float64(parts), float64(rows), float64(merges), float64(merged)}, err
}

// What rest waits for: no merge for so long, and at most so long.
const (
	calm     = time.Second
	restless = 5 * time.Minute
)

// rest waits until ClickHouse merges no more.
func (r *rig) rest(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	end, since, last := time.Now().Add(restless), time.Now(), uint64(0)
	for time.Since(since) < calm {
		var running, done uint64
		err := r.tables.Scalar(ctx, `SELECT (SELECT count() FROM system.merges), (SELECT sum(value) FROM system.events WHERE event = 'Merge')`, &running, &done)
		if err != nil {
			return fmt.Errorf("ask whether ClickHouse merges: %w", err)
		}
		if running > 0 || done != last {
			since, last = time.Now(), done
		}
		if time.Now().After(end) {
			return fmt.Errorf("ClickHouse merges still, %s after the last insert", restless)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// Disk is bytes on disk.
type Disk struct {
	// Events and Model are ClickHouse's active parts: of the table events, and of the tables computed from it.
	Events, Model int64
	// Raw and Enriched are the topics' logs in Kafka.
	Raw, Enriched int64
}

func (r *rig) disk(ctx context.Context) (d Disk, err error) {
	var events, model uint64
	if err := r.tables.Scalar(ctx, `SELECT sumIf(bytes_on_disk, table = 'events'), sumIf(bytes_on_disk, table != 'events')
		FROM system.parts WHERE active AND database = currentDatabase()`, &events, &model); err != nil {
		return d, err
	}
	d.Events, d.Model = int64(events), int64(model)
	logs := filepath.Join(r.dir, "kafka")
	err = filepath.WalkDir(logs, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch {
		case strings.Contains(path, "events.raw."):
			d.Raw += info.Size()
		case strings.Contains(path, "events.enriched."):
			d.Enriched += info.Size()
		}
		return nil
	})
	return d, err
}
