package rows

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
)

// Dead holds rows of the table dead_events: why and where, never the record itself. They share nothing with it.
type Dead struct {
	layout layout
	n      int
	d      event.Dead

	failedAt, receivedAt                  []int64
	region, account, stage, reason, topic clickhouse.Words
	problem                               clickhouse.Texts
	eventID, topicID, deadTopicID         []uuid.UUID
	partition, leaderEpoch, deadPartition []int32
	offset, deadOffset                    []int64
	valueBytes                            []uint32
}

// NewDead returns an empty set of rows.
func NewDead() *Dead {
	r := new(Dead)
	r.layout = layout{
		column("failed_at", &r.failedAt), kept("region", &r.region), kept("account_id", &r.account), kept("stage", &r.stage),
		kept("reason", &r.reason), kept("error", &r.problem), column("event_id", &r.eventID), column("received_at", &r.receivedAt),
		kept("topic", &r.topic), column("topic_id", &r.topicID), column("partition", &r.partition), column("leader_epoch", &r.leaderEpoch),
		column("offset", &r.offset), column("value_bytes", &r.valueBytes),
		column("dead_topic_id", &r.deadTopicID), column("dead_partition", &r.deadPartition), column("dead_offset", &r.deadOffset),
	}
	return r
}

// DeadColumns are the columns of the table dead_events that the sink fills, without values.
func DeadColumns() []clickhouse.Column { return NewDead().Columns(0, 0) }

// Insert is the statement that the columns belong to.
func (r *Dead) Insert() string { return r.layout.insert("dead_events") }

// Columns returns rows [from, to).
func (r *Dead) Columns(from, to int) []clickhouse.Column { return r.layout.columns(from, to) }

// Choose returns some rows, which are valid as long as r is not changed, as those of Columns are.
func (r *Dead) Choose(which []int) []clickhouse.Column { return r.layout.choose(which) }

// Size is the memory that the rows take, in bytes.
func (r *Dead) Size() int { return r.layout.size() }

// Len counts the rows.
func (r *Dead) Len() int { return r.n }

// Reset empties the rows.
func (r *Dead) Reset() {
	r.layout.reset()
	r.n = 0
	r.d.Reset()
}

// Table names the table.
func (r *Dead) Table() string { return "dead_events" }

// Keep leaves the rows that which names.
func (r *Dead) Keep(which []bool) { r.n = r.layout.keep(which) }

// Position is where row i came from, on the dead topic.
func (r *Dead) Position(i int) Position {
	return Position{TopicID: r.deadTopicID[i], Partition: r.deadPartition[i], Offset: r.deadOffset[i]}
}

// Source is where the record of row i failed: a record given up twice has two places and one source.
func (r *Dead) Source(i int) Position {
	return Position{Topic: r.topic.At(i), TopicID: r.topicID[i], Partition: r.partition[i], LeaderEpoch: r.leaderEpoch[i], Offset: r.offset[i]}
}

// Origin is of no use for dead rows: their topic has several writers, and so no order of sources.
func (r *Dead) Origin(int) checkpoint.Source { return checkpoint.Source{} }

// IDs returns the event ids of some rows.
func (r *Dead) IDs(which []int) []uuid.UUID {
	out := make([]uuid.UUID, len(which))
	for i, row := range which {
		out[i] = r.eventID[row]
	}
	return out
}

// ReceivedAt is when the edge accepted row i, in Unix milliseconds; 0 where the record did not say.
func (r *Dead) ReceivedAt(i int) int64 { return r.receivedAt[i] }

// Account is row i's customer; empty where the record did not say.
func (r *Dead) Account(i int) string { return r.account.At(i) }

// Anonymise does nothing: a dead row names nobody.
func (r *Dead) Anonymise(int) {}

// Values are none: no value of a dead row can be refused.
func (r *Dead) Values() []clickhouse.Column { return nil }

// Month is the table partition of row i.
func (r *Dead) Month(i int) int { return month(r.failedAt[i]) }

// SortingKey is equal for rows that the table takes for one.
func (r *Dead) SortingKey(i int) any { return r.Source(i) }

// Span bounds the sources of all rows.
func (r *Dead) Span() (s Span) {
	for i := range r.n {
		s.widen(i == 0, r.partition[i], r.offset[i], r.failedAt[i])
		if !slices.Contains(s.Topics, r.topic.At(i)) {
			s.Topics = append(s.Topics, r.topic.At(i))
		}
	}
	return s
}

// Add appends a row for rec, which lies on the topic of the given id. The dead topic has several writers, so its records have no order of
// sources: marks are returned as they came. The error is a *event.Rejection.
func (r *Dead) Add(rec *event.Record, topic uuid.UUID, marks checkpoint.Marks) (checkpoint.Marks, error) {
	d := &r.d
	d.Reset()
	if err := d.UnmarshalVTUnsafe(rec.Value); err != nil {
		return marks, event.Reject(event.ReasonBadEnriched, fmt.Errorf("not a dead record: %w", err))
	}
	id, err := uuid.FromBytes(d.EventId)
	if err != nil {
		id = uuid.Nil
	}
	r.n++
	r.failedAt, r.receivedAt = append(r.failedAt, clamp(d.FailedAt)), append(r.receivedAt, clamp(d.ReceivedAt))
	r.region.Append(d.Region)
	r.account.Append(d.AccountId)
	r.stage.Append(d.Stage)
	r.reason.Append(d.Reason)
	r.problem.Append(d.Error)
	r.topic.Append(d.Topic)
	r.eventID = append(r.eventID, id)
	r.partition, r.offset = append(r.partition, d.Partition), append(r.offset, d.Offset)
	r.valueBytes = append(r.valueBytes, uint32(len(d.Value)))
	// Records of foreign writers may lack the id: the zero one then stands for it.
	source, _ := uuid.FromBytes(d.TopicId)
	r.topicID, r.leaderEpoch, r.deadTopicID = append(r.topicID, source), append(r.leaderEpoch, d.LeaderEpoch), append(r.deadTopicID, topic)
	r.deadPartition, r.deadOffset = append(r.deadPartition, rec.Partition), append(r.deadOffset, rec.Offset)
	return marks, nil
}
