package rows

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
)

// Dead holds rows of the table dead_events: why and where, never the record itself.
type Dead struct {
	layout layout
	n      int
	d      event.Dead

	failedAt, receivedAt                           []int64
	region, account, stage, reason, problem, topic []string
	eventID                                        []uuid.UUID
	partition, deadPartition                       []int32
	offset, deadOffset                             []int64
	valueBytes                                     []uint32
}

// NewDead returns an empty set of rows.
func NewDead() *Dead {
	r := new(Dead)
	r.layout = layout{
		column("failed_at", &r.failedAt), column("region", &r.region), column("account_id", &r.account), column("stage", &r.stage),
		column("reason", &r.reason), column("error", &r.problem), column("event_id", &r.eventID), column("received_at", &r.receivedAt),
		column("topic", &r.topic), column("partition", &r.partition), column("offset", &r.offset), column("value_bytes", &r.valueBytes),
		column("dead_partition", &r.deadPartition), column("dead_offset", &r.deadOffset),
	}
	return r
}

// DeadColumns are the columns of the table dead_events that the sink fills, without values.
func DeadColumns() []clickhouse.Column { return NewDead().Columns(0, 0) }

// Insert is the statement that the columns belong to.
func (r *Dead) Insert() string { return r.layout.insert("dead_events") }

// Columns returns rows [from, to).
func (r *Dead) Columns(from, to int) []clickhouse.Column { return r.layout.columns(from, to) }

// Choose returns a copy of some rows.
func (r *Dead) Choose(which []int) []clickhouse.Column { return r.layout.choose(which) }

// Len counts the rows.
func (r *Dead) Len() int { return r.n }

// Reset empties the rows and lets go of what they alias.
func (r *Dead) Reset() {
	r.layout.reset()
	r.n = 0
	r.d.Reset()
}

// Table names the table.
func (r *Dead) Table() string { return "dead_events" }

// Keep leaves the rows that which names.
func (r *Dead) Keep(which []bool) { r.n = r.layout.keep(which) }

// Place is where row i came from, on the dead topic.
func (r *Dead) Place(i int) Place {
	return Place{Partition: r.deadPartition[i], Offset: r.deadOffset[i]}
}

// Source is where the record of row i failed: a record given up twice has two places and one source.
func (r *Dead) Source(i int) Place {
	return Place{Topic: r.topic[i], Partition: r.partition[i], Offset: r.offset[i]}
}

// Month is the table partition of row i.
func (r *Dead) Month(i int) int { return month(r.failedAt[i]) }

// Twin is equal for rows that the table takes for one.
func (r *Dead) Twin(i int) any { return r.Source(i) }

// Span bounds the sources of all rows.
func (r *Dead) Span() (s Span) {
	for i := range r.n {
		s.widen(i == 0, r.partition[i], r.offset[i], r.failedAt[i])
		if !slices.Contains(s.Topics, r.topic[i]) {
			s.Topics = append(s.Topics, r.topic[i])
		}
	}
	return s
}

// Add appends a row for rec. The dead topic has several writers, so its records have no order of sources: seen is returned as it
// came. The error is a *event.Rejection.
func (r *Dead) Add(rec *event.Record, seen checkpoint.Source) (checkpoint.Source, error) {
	d := &r.d
	d.Reset()
	if err := d.UnmarshalVTUnsafe(rec.Value); err != nil {
		return seen, event.Reject(event.ReasonBadEnriched, fmt.Errorf("not a dead record: %w", err))
	}
	id, err := uuid.FromBytes(d.EventId)
	if err != nil {
		id = uuid.Nil
	}
	r.n++
	r.failedAt, r.receivedAt = append(r.failedAt, clamp(d.FailedAt)), append(r.receivedAt, clamp(d.ReceivedAt))
	r.region, r.account = append(r.region, d.Region), append(r.account, d.AccountId)
	r.stage, r.reason, r.problem = append(r.stage, d.Stage), append(r.reason, d.Reason), append(r.problem, d.Error)
	r.eventID = append(r.eventID, id)
	r.topic, r.partition, r.offset = append(r.topic, d.Topic), append(r.partition, d.Partition), append(r.offset, d.Offset)
	r.valueBytes = append(r.valueBytes, uint32(len(d.Value)))
	r.deadPartition, r.deadOffset = append(r.deadPartition, rec.Partition), append(r.deadOffset, rec.Offset)
	return seen, nil
}
