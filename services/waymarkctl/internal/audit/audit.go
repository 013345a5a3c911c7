// Package audit proves from Kafka's logs and ClickHouse's tables what became of every event of a span of time: stored, dead-lettered, a
// repetition of one that is, not collected by its account's policy, still under way, gone by the table's own TTL, erased, or missing.
//
// A row is a raw record's when topic id, partition, leader epoch, offset and event id agree: an offset alone names nothing, since a topic
// that is made anew, or a log that was cut off, uses it again. A record that no table has is under way only if it can be seen to be: before
// the enrichers on the raw log, or before the sinks on the enriched or dead log.
package audit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/progress"
)

// An Audit compares one region's raw topic with its tables.
type Audit struct {
	Client *kafka.Client
	Conn   *clickhouse.Conn
	Region string
	// From and To bound the time at which the edges received the events.
	From, To time.Time
	// Erasures say who was erased.
	Erasures *erasure.Set
}

// A Report is what came out.
type Report struct {
	Region string    `json:"region"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	// TopicID is the raw topic's.
	TopicID    uuid.UUID    `json:"topic_id"`
	Partitions []*Partition `json:"partitions"`
	// Gaps are runs of records without a trace.
	Gaps []Gap `json:"gaps"`
	// Doubled are events with more than one row, a thousand and one at most.
	Doubled []uuid.UUID `json:"doubled"`
	// Predecessors counts rows of the span that come from earlier logs of the topic, which Kafka has no more.
	Predecessors uint64 `json:"predecessors"`
	// Notes say what makes the counts less certain, or needs an operator.
	Notes []string `json:"notes"`
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
	// NotCollected were accepted, and their account's policy does not collect them: it has changed since. A letter without content says so.
	NotCollected int64 `json:"not_collected"`
	// UnderWay are not enriched yet, or lie on the enriched or dead topic where the sinks have not come to them.
	UnderWay int64 `json:"under_way"`
	// AgedOut are no rows since the events table's TTL deletes them; of MayBeAgedOut the raw record does not say enough to be sure.
	AgedOut int64 `json:"aged_out"`
	// Erased are no rows since a tombstone means them.
	Erased       int64 `json:"erased"`
	MayBeAgedOut int64 `json:"may_be_aged_out"`
	Missing      int64 `json:"missing"`
	// Expired are offsets of the span that retention deleted from the topic and that are no rows: repetitions and dead letters of
	// the table's own past, or lost. Nobody can tell any more.
	Expired int64 `json:"expired"`
	// Holes are offsets without a record that no transaction explains and that are neither rows nor dead letters: compaction took them.
	Holes int64 `json:"holes"`
	// Twice are records with more than one row of the same epoch.
	Twice int64 `json:"twice"`
	// Remaining are rows, or dead letters, though a tombstone erases them: its command did not finish.
	Remaining int64 `json:"remaining"`
}

// A Gap is a run of records that are all missing, for one reason.
type Gap struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"`
	To        int64 `json:"to"` // the last one
	Records   int64 `json:"records"`
	// Reason is what can be known of why; empty when nothing is.
	Reason string `json:"reason,omitempty"`
}

// Complete tells whether nothing is missing and nothing doubled.
func (r *Report) Complete() bool {
	if len(r.Doubled) > 0 {
		return false
	}
	for _, p := range r.Partitions {
		if p.Missing > 0 || p.Twice > 0 || p.Holes > 0 {
			return false
		}
	}
	return true
}

// Run compares. The pipeline may go on meanwhile: what is under way is counted as such. What the consumers have committed is read before the
// tables are, and these before the logs that the sinks read: what lies before a committed offset must be found in a table, and what is found
// in none, after it.
func (a *Audit) Run(ctx context.Context) (*Report, error) {
	report := &Report{Region: a.Region, From: a.From.UTC(), To: a.To.UTC()}
	state, err := progress.Read(ctx, a.Client, a.Region)
	if err != nil {
		return nil, err
	}
	report.TopicID = state.Raw
	a.standings(state, report)
	rules, err := a.policies(ctx, report)
	if err != nil {
		return nil, err
	}
	lost, err := a.partitions(ctx, state, rules, report)
	if err != nil {
		return nil, err
	}
	if err := a.trace(ctx, state, lost); err != nil {
		return nil, err
	}
	for _, l := range lost {
		l.settle(report)
	}
	return report, a.tables(ctx, report)
}

// partitions compares every raw partition with the tables, and returns the records that no table has though the enrichers are past them.
func (a *Audit) partitions(ctx context.Context, state *progress.Region, rules []rule, report *Report) ([]*lost, error) {
	raw := schemas.RawTopic(a.Region)
	from, err := a.Client.OffsetsAt(ctx, raw, a.From)
	if err != nil {
		return nil, err
	}
	to, err := a.Client.OffsetsAt(ctx, raw, a.To)
	if err != nil {
		return nil, err
	}
	var out []*lost
	for p := range min(len(from), len(state.Enrichers)) {
		part := &Partition{Partition: int32(p), From: from[p], To: max(to[p], from[p])}
		report.Partitions = append(report.Partitions, part)
		c := &comparison{
			Audit: a, p: part, log: kafka.Log{Topic: raw, ID: state.Raw, Partition: int32(p)}, enricher: &state.Enrichers[p], rules: rules,
			lost: newLost(part),
		}
		err := c.run(ctx)
		if errors.Is(err, kafka.ErrLogGone) {
			err = fmt.Errorf("%w while it was audited: run the audit again", err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s/%d: %w", raw, p, err)
		}
		out = append(out, c.lost)
	}
	return out, nil
}

// standings notes what is odd about the consumers' offsets.
func (a *Audit) standings(state *progress.Region, report *Report) {
	note := func(p *progress.Position, who, topic string) {
		if text := p.Sentence(who, topic); text != "" && (p.Standing != progress.None || p.End > p.Start) {
			report.Notes = append(report.Notes, text)
		}
	}
	for i := range state.Enrichers {
		note(&state.Enrichers[i].Position, "the enricher", schemas.RawTopic(a.Region))
	}
	for i := range state.Sinks {
		note(&state.Sinks[i].Position, "the sink", schemas.EnrichedTopic(a.Region))
	}
	for i := range state.DeadSinks {
		note(&state.DeadSinks[i].Position, "the sink", schemas.DeadTopic(a.Region))
	}
	if state.Enriched == uuid.Nil {
		report.Notes = append(report.Notes, "there is no topic "+schemas.EnrichedTopic(a.Region))
	}
	if state.Dead == uuid.Nil {
		report.Notes = append(report.Notes, "there is no topic "+schemas.DeadTopic(a.Region))
	}
}
