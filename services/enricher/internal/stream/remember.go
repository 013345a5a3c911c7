package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

// remember fills the claim's window with what passed lately, as the end of the enriched partition shows it: all that was
// enriched, whoever did it, and nothing that was not.
func (c *claim) remember(ctx context.Context) error {
	started := time.Now()
	start, end, err := c.enrichedBounds(ctx)
	if err != nil {
		return fmt.Errorf("find the end of %s/%d: %w", c.enriched, c.Partition, err)
	}
	t := tail{claim: c}
	// The last record tells how far back the window reaches, and the epoch though there be no window: a backlog is as old as its
	// records, whatever the clock says.
	newest := int64(-1)
	err = c.readEnriched(ctx, max(start, end-1), end, func(rec *event.Record) {
		newest = rec.Timestamp
		t.add(rec)
	})
	if err == nil && c.Window.Events > 0 && newest >= 0 {
		var since int64
		if since, err = c.enrichedAt(ctx, time.UnixMilli(newest).Add(-c.Window.Span)); err == nil {
			c.recent = recent.New(c.Window.Span, c.Window.Events)
			t.alien = 0
			err = c.readEnriched(ctx, max(start, end-int64(c.Window.Events), since), end, t.add)
		}
	}
	if err != nil {
		return fmt.Errorf("read the end of %s/%d, which an enricher needs the right to: %w", c.enriched, c.Partition, err)
	}
	if t.alien > 0 {
		c.log.Warn("records on the enriched topic are not an enricher's", zap.Int("records", t.alien), zap.Error(t.firstErr))
	}
	c.metrics.step("remember", started)
	c.log.Info("claimed", zap.Int64("offset", c.Offset), zap.Uint32("epoch", c.epoch), zap.Int("events_remembered", c.recent.Len()), zap.Duration("took", time.Since(started)))
	return nil
}

// A tail is the end of the enriched partition as it is read.
type tail struct {
	*claim
	alien    int // records that no enricher made
	firstErr error
}

// add remembers a record of the claim's epoch. Those of lower ones are what a deliberate re-enrichment replaces.
//
// A higher epoch means that the offset was committed by a tool that knows of no epochs. Events of the lower one would count as
// stored already, every one of them: the claim goes on in the higher one, and then only those are left out which are.
func (t *tail) add(rec *event.Record) {
	o, err := parseOrigin(rec.Value)
	switch {
	case err != nil:
		if t.alien++; t.firstErr == nil {
			t.firstErr = fmt.Errorf("offset %d: %w", rec.Offset, err)
		}
		return
	case o.epoch < t.epoch:
		return
	case o.epoch > t.epoch:
		t.log.Warn("the committed epoch is below the enriched topic's, which counts", zap.Uint32("committed", t.epoch), zap.Uint32("epoch", o.epoch))
		t.epoch, t.recent = o.epoch, recent.New(t.Window.Span, t.Window.Events)
	}
	t.recent.Add(o.eventID, rec.Key, o.offset, rec.Timestamp)
}

// readEnriched calls visit with the records in [from, end) of the enriched partition. What retention deletes meanwhile, and what
// the log's truncation took, is not there to be visited.
func (c *claim) readEnriched(ctx context.Context, from, end int64, visit func(*event.Record)) error {
	for from < end {
		var fetched *kafka.Batch
		err := persist(ctx, c.watchRetries("remember", c.log), func() (err error) {
			fetched, err = c.reader.Fetch(ctx, c.enriched, c.Partition, from, c.Fetch)
			return err
		})
		var outOfRange *kafka.OffsetOutOfRange
		switch {
		case errors.As(err, &outOfRange) && outOfRange.Start > from:
			from = outOfRange.Start
			continue
		case errors.As(err, &outOfRange):
			return nil
		case err != nil:
			return err
		}
		for i := range fetched.Records {
			if rec := &fetched.Records[i]; rec.Offset < end {
				visit(rec)
			}
		}
		gone := fetched.Next == from && fetched.HighWatermark <= from
		if fetched.Next > from {
			c.progress.touch(c.Partition, time.Now())
		}
		from = fetched.Next
		fetched.Release()
		if gone {
			return nil
		}
	}
	return nil
}

func (c *claim) enrichedBounds(ctx context.Context) (start, end int64, err error) {
	err = persist(ctx, c.watchRetries("remember", c.log), func() error {
		bounds, err := c.reader.Offsets(ctx, c.enriched)
		switch {
		case err != nil:
			return err
		case int(c.Partition) >= len(bounds):
			return kafka.ErrUnknownTopic
		}
		start, end = bounds[c.Partition].Start, bounds[c.Partition].End
		return nil
	})
	return start, end, err
}

func (c *claim) enrichedAt(ctx context.Context, at time.Time) (offset int64, err error) {
	err = persist(ctx, c.watchRetries("remember", c.log), func() error {
		offsets, err := c.reader.OffsetsAt(ctx, c.enriched, at)
		switch {
		case err != nil:
			return err
		case int(c.Partition) >= len(offsets):
			return kafka.ErrUnknownTopic
		}
		offset = offsets[c.Partition]
		return nil
	})
	return offset, err
}
