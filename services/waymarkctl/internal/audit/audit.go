// Package audit proves from Kafka's offsets and ClickHouse's tables what became of every event of a span of time: stored,
// dead-lettered, a repetition of one that is, still under way, or missing.
package audit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/walk"
)

var (
	//go:embed sql/stored.sql
	storedSQL string
	//go:embed sql/dead.sql
	deadSQL string
	//go:embed sql/elsewhere.sql
	elsewhereSQL string
	//go:embed sql/doubled.sql
	doubledSQL string
	//go:embed sql/oldest.sql
	oldestSQL string
)

// chunk is how many offsets are compared at once: it bounds the memory, some hundred bytes an offset.
const chunk = 50_000

// An Audit compares one region's raw topic with its tables.
type Audit struct {
	Client *kafka.Client
	Conn   *clickhouse.Conn
	Region string
	// From and To bound the time at which the edges received the events.
	From, To time.Time
}

// A Report is what came out.
type Report struct {
	Region     string       `json:"region"`
	From       time.Time    `json:"from"`
	To         time.Time    `json:"to"`
	Partitions []*Partition `json:"partitions"`
	// Gaps are runs of offsets without a trace.
	Gaps []Gap `json:"gaps"`
	// Doubled are events with more than one row, a thousand at most.
	Doubled []uuid.UUID `json:"doubled"`
}

// A Partition counts the records of one raw partition by what became of them.
type Partition struct {
	Partition int32 `json:"partition"`
	// From and To bound the offsets.
	From int64 `json:"from"`
	To   int64 `json:"to"`

	Records  int64 `json:"records"`
	Stored   int64 `json:"stored"`
	Dead     int64 `json:"dead"`
	Repeated int64 `json:"repeated"`
	// UnderWay are not enriched, or not stored, as far as the consumers have committed.
	UnderWay int64 `json:"under_way"`
	Missing  int64 `json:"missing"`
	// Expired are offsets of the span that retention deleted from the topic and that are no rows: repetitions and dead letters of
	// the table's own past, or lost. Nobody can tell any more.
	Expired int64 `json:"expired"`
	// Twice are offsets with more than one row of the same epoch.
	Twice int64 `json:"twice"`
}

// A Gap is a run of offsets of which every record is missing.
type Gap struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"`
	To        int64 `json:"to"` // the last one
	Records   int64 `json:"records"`
}

// Complete tells whether nothing is missing and nothing doubled.
func (r *Report) Complete() bool {
	if len(r.Doubled) > 0 {
		return false
	}
	for _, p := range r.Partitions {
		if p.Missing > 0 || p.Twice > 0 {
			return false
		}
	}
	return true
}

// Run compares. The pipeline may go on meanwhile: what is under way is counted as such.
func (a *Audit) Run(ctx context.Context) (*Report, error) {
	report := &Report{Region: a.Region, From: a.From.UTC(), To: a.To.UTC()}
	raw := schemas.RawTopic(a.Region)
	from, err := a.Client.OffsetsAt(ctx, raw, a.From)
	if err != nil {
		return nil, err
	}
	to, err := a.Client.OffsetsAt(ctx, raw, a.To)
	if err != nil {
		return nil, err
	}
	for p := range from {
		part := &Partition{Partition: int32(p), From: from[p], To: max(to[p], from[p])}
		if err := a.partition(ctx, part, report); err != nil {
			return nil, fmt.Errorf("%s/%d: %w", raw, p, err)
		}
		report.Partitions = append(report.Partitions, part)
	}
	err = a.Conn.Query(ctx, doubledSQL, func(_ []string, values []any) error {
		report.Doubled = append(report.Doubled, values[0].(uuid.UUID))
		return nil
	}, clickhouse.Named("from", a.From.UTC()), clickhouse.Named("to", a.To.UTC()))
	if err != nil {
		return nil, fmt.Errorf("look for doubled events: %w", err)
	}
	return report, nil
}

// partition compares one partition, chunk by chunk. What was committed is read before the tables are: what lies before it must be
// found there.
func (a *Audit) partition(ctx context.Context, p *Partition, report *Report) error {
	settled, err := a.settled(ctx, p.Partition)
	if err != nil {
		return err
	}
	if err := a.expired(ctx, p); err != nil {
		return err
	}
	for at := p.From; at < p.To; at += chunk {
		c := &compared{Audit: a, p: p, report: report, settled: settled, from: at, to: min(at+chunk, p.To)}
		if err := c.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settled returns the raw offset before which everything is stored, dead-lettered or left out, as the consumers have committed.
func (a *Audit) settled(ctx context.Context, partition int32) (int64, error) {
	raw, enriched := schemas.RawTopic(a.Region), schemas.EnrichedTopic(a.Region)
	// The sink first: what it has stored was enriched before.
	sink, err := a.Client.Lag(ctx, schemas.SinkGroup(a.Region), enriched)
	if err != nil {
		return 0, err
	}
	enricher, err := a.Client.Lag(ctx, schemas.EnricherGroup(a.Region), raw)
	if err != nil {
		return 0, err
	}
	if int(partition) >= len(sink) {
		return 0, errors.New("the enriched topic has fewer partitions than the raw one: run waymarkctl topics apply")
	}
	at, stored := enricher[partition], sink[partition]
	epoch, err := checkpoint.ParseEnricher(at.Metadata)
	if err != nil {
		return 0, err
	}
	state, err := checkpoint.ParseSink(stored.Metadata, stored.Committed)
	if err != nil {
		return 0, err
	}
	switch {
	case stored.Lag == 0 && state.Next == 0:
		return max(at.Committed, 0), nil
	case state.Source.Epoch != epoch.Epoch:
		return 0, nil // a re-enrichment is under way: nothing can be said yet
	}
	return min(max(at.Committed, 0), state.Source.Offset+1), nil
}

// expired counts the offsets of the span that the topic has no longer and the table lacks.
func (a *Audit) expired(ctx context.Context, p *Partition) error {
	var lowest, rows int64
	err := a.Conn.Query(ctx, oldestSQL, func(_ []string, values []any) error {
		lowest, rows = values[0].(int64), int64(values[1].(uint64))
		return nil
	}, clickhouse.Named("partition", p.Partition), clickhouse.Named("from", a.From.UTC()), clickhouse.Named("to", a.To.UTC()))
	if err != nil {
		return fmt.Errorf("ask for the oldest row: %w", err)
	}
	if rows == 0 || lowest >= p.From {
		return nil
	}
	bounds, err := a.Client.Offsets(ctx, schemas.RawTopic(a.Region))
	if err != nil {
		return err
	}
	start := bounds[p.Partition].Start
	for at := lowest; at < start; at += chunk {
		c := &compared{Audit: a, p: new(Partition), from: at, to: min(at+chunk, start)}
		c.p.Partition = p.Partition
		if err := c.readTables(ctx); err != nil {
			return err
		}
		p.Expired += c.to - c.from - int64(len(c.rows)) - int64(len(c.dead))
	}
	return nil
}

// A compared chunk is offsets [from, to) of a partition and what the tables hold of them.
type compared struct {
	*Audit
	p        *Partition
	report   *Report
	settled  int64
	from, to int64

	rows  map[int64]uint32 // the highest epoch of each offset that is a row
	dead  map[int64]struct{}
	apart map[int64]uuid.UUID // records found in neither, by offset
	order []int64             // their offsets
}

func (c *compared) run(ctx context.Context) error {
	c.apart = map[int64]uuid.UUID{}
	var offsets []int64
	_, err := walk.Partition(ctx, c.Client, schemas.RawTopic(c.Region), c.p.Partition, c.from, c.to, func(rec *event.Record) error {
		offsets = append(offsets, rec.Offset)
		id, err := uuid.ParseBytes(rec.Header(event.HeaderEventID))
		if err != nil {
			id = uuid.Nil // no edge wrote it: it must be a dead letter
		}
		c.apart[rec.Offset] = id
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.readTables(ctx); err != nil {
		return err
	}
	for _, offset := range offsets {
		c.p.Records++
		if _, stored := c.rows[offset]; stored {
			c.p.Stored++
			delete(c.apart, offset)
		} else if _, dead := c.dead[offset]; dead {
			c.p.Dead++
			delete(c.apart, offset)
		} else {
			c.order = append(c.order, offset)
		}
	}
	return c.explain(ctx)
}

// readTables asks what the tables hold of the chunk.
func (c *compared) readTables(ctx context.Context) error {
	c.rows, c.dead = map[int64]uint32{}, map[int64]struct{}{}
	span := []any{clickhouse.Named("partition", c.p.Partition), clickhouse.Named("from", c.from), clickhouse.Named("to", c.to)}
	err := c.Conn.Query(ctx, storedSQL, func(_ []string, values []any) error {
		offset, epoch := values[0].(int64), values[2].(uint32)
		before, again := c.rows[offset]
		if again && before == epoch {
			c.p.Twice++
		}
		c.rows[offset] = max(before, epoch)
		return nil
	}, span...)
	if err != nil {
		return fmt.Errorf("read the events table: %w", err)
	}
	err = c.Conn.Query(ctx, deadSQL, func(_ []string, values []any) error {
		c.dead[values[0].(int64)] = struct{}{}
		return nil
	}, append(span, clickhouse.Named("topic", schemas.RawTopic(c.Region)))...)
	if err != nil {
		return fmt.Errorf("read the dead_events table: %w", err)
	}
	return nil
}

// explain finds out about the records that are neither rows nor dead letters of their own place.
func (c *compared) explain(ctx context.Context) error {
	if len(c.order) == 0 {
		return nil
	}
	ids := make([]string, 0, len(c.order))
	for _, offset := range c.order {
		if id := c.apart[offset]; id != uuid.Nil {
			ids = append(ids, id.String())
		}
	}
	fates := map[uuid.UUID]string{}
	err := c.Conn.Query(ctx, elsewhereSQL, func(_ []string, values []any) error {
		id, fate := values[0].(uuid.UUID), values[1].(string)
		if fates[id] != "stored" {
			fates[id] = fate
		}
		return nil
	}, clickhouse.Named("ids", ids))
	if err != nil {
		return fmt.Errorf("look for repetitions: %w", err)
	}
	for _, offset := range c.order {
		switch fate := fates[c.apart[offset]]; {
		case fate == "stored":
			c.p.Repeated++
		case fate == "dead":
			c.p.Dead++
		case offset >= c.settled:
			c.p.UnderWay++
		default:
			c.p.Missing++
			c.gap(offset)
		}
	}
	return nil
}

// gap adds offset to the last gap, or begins one.
func (c *compared) gap(offset int64) {
	if n := len(c.report.Gaps); n > 0 {
		if last := &c.report.Gaps[n-1]; last.Partition == c.p.Partition && last.To+1 == offset {
			last.To, last.Records = offset, last.Records+1
			return
		}
	}
	c.report.Gaps = append(c.report.Gaps, Gap{c.p.Partition, offset, offset, 1})
}
