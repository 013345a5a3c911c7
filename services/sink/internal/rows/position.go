package rows

import (
	"time"

	"github.com/google/uuid"
)

// A Position is where a row's record lies on Kafka, and the epoch it was enriched under. It tells a row from all others: topic id, partition,
// leader epoch and offset name a record for ever, whatever becomes of its topic.
type Position struct {
	Topic       string // name; empty for an event: the raw topic
	TopicID     uuid.UUID
	Partition   int32
	LeaderEpoch int32
	Offset      int64
	Epoch       uint32
}

// Record is the place without the epoch: the record that the row was made of.
func (p Position) Record() Position {
	p.Epoch = 0
	return p
}

// A Span bounds the rows of a batch: where to look for them in their table. Bounds belong to it.
type Span struct {
	Topics     []string    // of dead rows; nil for events
	TopicIDs   []uuid.UUID // of events; nil for dead rows
	Partitions [2]int32
	Offsets    [2]int64
	Times      [2]int64 // Unix milliseconds; of events only
}

// widen makes s include a row. The first one makes it.
func (s *Span) widen(first bool, partition int32, offset, millis int64) {
	if first {
		s.Partitions, s.Offsets, s.Times = [2]int32{partition, partition}, [2]int64{offset, offset}, [2]int64{millis, millis}
		return
	}
	s.Partitions = [2]int32{min(s.Partitions[0], partition), max(s.Partitions[1], partition)}
	s.Offsets = [2]int64{min(s.Offsets[0], offset), max(s.Offsets[1], offset)}
	s.Times = [2]int64{min(s.Times[0], millis), max(s.Times[1], millis)}
}

// A Held is a row that its table holds.
type Held struct {
	// Position is the row's own; Source where a dead row's record failed, for an event the same as Position.
	Position, Source Position
	// Block is at most the number of the insert that brought the row, as the table counts them; 0 when that is not known. See
	// store.Store.Remembers.
	Block int64
}

// month is the table partition of a row: its year and month in UTC.
func month(millis int64) int {
	at := time.UnixMilli(millis).UTC()
	return at.Year()*100 + int(at.Month())
}

// A sortingKey is what ReplacingMergeTree takes for one row: events' ORDER BY within a table partition.
type sortingKey struct {
	account, itemType, itemID string
	day                       int64
	id                        uuid.UUID
	month                     int
}
