package stream

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

// A tail is what the end of the enriched partition says: what passed lately, whoever enriched it, and how far the logs were enriched.
type tail struct {
	claim  *claim
	window *recent.Window
	// epoch is whose records of this raw log the window has: the highest one met.
	epoch uint32
	// last is this raw log's last source, stranger another one's.
	last     settled
	stranger checkpoint.Source
	// top is the highest place on the raw log that the window has; below 0 there is none.
	top kafka.Position
	// ends are where this raw log's leader epochs end, by epoch.
	ends     map[int32]int64
	alien    int // records that no enricher made
	firstErr error
}

// evidenceRecords are read from the end of the enriched partition though there be no window.
const evidenceRecords = 100

// remember reads the enriched partition's end: the window, of records of this raw log those of the epoch or of higher ones.
func (c *claim) remember(ctx context.Context, enriched bounds, epoch uint32) (*tail, error) {
	window := c.stream.settings.Window
	// The last record tells how far back the window reaches: a backlog is as old as its records, whatever the clock says. Records are
	// written after they were received, so that none of the window lies before the time that is sought.
	newest := int64(-1)
	err := c.output.read(ctx, max(enriched.start, enriched.end-1), enriched.end, func(rec *event.Record) error {
		newest = rec.Timestamp
		if o, err := parseOrigin(rec.Value); err == nil && o.receivedAt > 0 {
			newest = min(newest, o.receivedAt)
		}
		return nil
	})
	from := max(enriched.start, enriched.end-int64(max(window.Events, evidenceRecords)))
	if err == nil && newest >= 0 && from < enriched.end-evidenceRecords {
		var since int64
		if since, err = c.output.offsetAt(ctx, time.UnixMilli(newest).Add(-window.Span)); err == nil {
			from = max(from, min(since, enriched.end-evidenceRecords))
		}
	}
	for err == nil {
		t := &tail{claim: c, window: recent.New(window.Span, window.Events), epoch: epoch, top: kafka.Position{Offset: -1}, ends: make(map[int32]int64)}
		if err = c.rememberMoved(ctx, t.window); err != nil {
			break
		}
		if err = c.output.read(ctx, from, enriched.end, func(rec *event.Record) error { return t.add(ctx, rec) }); err != nil {
			break
		}
		if t.epoch != epoch { // what the window has of the lower one must go
			epoch = t.epoch
			continue
		}
		if t.alien > 0 {
			c.monitor.log.Warn("records on the enriched topic are not an enricher's", zap.Int("records", t.alien), zap.Error(t.firstErr))
		}
		return t, nil
	}
	return nil, fmt.Errorf("read the end of %s/%d, which an enricher needs the right to: %w", c.output.log.Topic, c.output.log.Partition, err)
}

// add looks at a record and remembers its event, unless it is of a lower epoch: what a re-enrichment replaces.
//
// A record of another raw log, or one that the raw log lost, passed before every record that the log has: it is remembered before them.
func (t *tail) add(ctx context.Context, rec *event.Record) error {
	o, err := parseOrigin(rec.Value)
	if err != nil {
		if t.alien++; t.firstErr == nil {
			t.firstErr = fmt.Errorf("offset %d: %w", rec.Offset, err)
		}
		return nil
	}
	if o.Topic != t.claim.enriching.raw.ID {
		if t.stranger.Topic != o.Topic || o.After(t.stranger) {
			t.stranger = o.Source
		}
		t.window.Add(o.eventID, rec.Key, -1, o.receivedAt)
		return nil
	}
	at, err := t.claim.settledAt(ctx, o.Source, t.ends)
	if err != nil {
		return err
	}
	if !t.last.known() || o.After(t.last.Source) {
		t.last = at
		t.last.written = rec.Offset + 1
	}
	t.epoch = max(t.epoch, o.Epoch)
	switch {
	case o.Epoch < t.epoch:
	case o.Offset >= at.end:
		t.window.Add(o.eventID, rec.Key, -1, o.receivedAt)
	default:
		t.window.Add(o.eventID, rec.Key, o.Offset, o.receivedAt)
		if o.Offset > t.top.Offset {
			t.top = kafka.Position{Offset: o.Offset, LeaderEpoch: o.LeaderEpoch}
		}
	}
	return nil
}
