package load

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// table is the rows of one of the two tables.
type table interface {
	// Add appends the row of rec, which lies on the topic of the given id, unless marks say that it is a repetition, and returns marks with
	// its source. Errors are *event.Rejection.
	Add(rec *event.Record, topic uuid.UUID, marks checkpoint.Marks) (checkpoint.Marks, error)
	Len() int
	Table() string
	Insert() string
	Columns(from, to int) []clickhouse.Column
	Choose(rows []int) []clickhouse.Column
	// Position, Source, Origin, Month, SortingKey, ReceivedAt and Account are about one row, IDs about some, Values and Span about all.
	Position(i int) rows.Position
	Source(i int) rows.Position
	Origin(i int) checkpoint.Source
	Month(i int) int
	SortingKey(i int) any
	ReceivedAt(i int) int64
	Account(i int) string
	// Anonymise takes out of row i whom it is about.
	Anonymise(i int)
	Values() []clickhouse.Column
	IDs(which []int) []uuid.UUID
	Span() rows.Span
	// Keep leaves the rows that which names.
	Keep(which []bool)
	Reset()
}

// A batch is the records of one partition from one offset up to another, and the rows made of them. The rows alias the records. The reader
// forms it and takes it back.
type batch struct {
	extent extent
	rows   table
	// letters says that the records are dead letters. They come from many logs, and have no marks: the table is asked for each.
	letters bool
	// records holds the record of each row, rejected those that make none.
	records  []*event.Record
	rejected []deadRecord
	lineage  lineage
	repeated int
	oldest   int64     // Unix milliseconds: when the first of them was received
	due      time.Time // when it ends at the latest
	kept     kept
}

// An extent is what a batch was read from: a log from one place up to another, in an era.
type extent struct {
	log      kafka.Log
	era      int64
	from, to kafka.Position
}

// token stands for the batch in ClickHouse's deduplication window. It names what the batch was read from: the log, its end's offset and
// leader epoch, which no other content of the log can have, and the era.
func (e extent) token() string {
	return fmt.Sprintf("%s/%s/%d/%d/%d-%d@%d", e.log.Topic, e.log.ID, e.log.Partition, e.era, e.from.Offset, e.to.Offset, e.to.LeaderEpoch)
}

// Kept is what a batch keeps until it is released: fetched buffers, their bytes decompressed, and how much of the budget.
type kept struct {
	fetched []*kafka.Batch
	bytes   int
	memory  int64
}

// add takes fetched over, with the memory held for it. Records at or after end, unless that is 0, are left out.
func (b *batch) add(fetched *kafka.Batch, memory, end int64) error {
	b.kept.fetched = append(b.kept.fetched, fetched)
	b.kept.memory += memory
	b.kept.bytes += fetched.Bytes()
	for i := range fetched.Records {
		rec := &fetched.Records[i]
		if end > 0 && rec.Offset >= end {
			break
		}
		n := b.rows.Len()
		marks, err := b.rows.Add(rec, b.extent.log.ID, b.lineage.marks)
		switch {
		case err != nil:
			rejection := event.AsRejection(err)
			if rejection == nil {
				return fmt.Errorf("offset %d: %w", rec.Offset, err)
			}
			b.rejected = append(b.rejected, deadRecord{rec, rejection})
		case b.rows.Len() == n:
			b.repeated++
		default:
			b.lineage.marks = marks
			b.records = append(b.records, rec)
			if at := b.rows.ReceivedAt(n); at > 0 && (b.oldest == 0 || at < b.oldest) {
				b.oldest = at
			}
		}
	}
	b.extent.to = kafka.Position{Offset: fetched.Next, LeaderEpoch: fetched.LeaderEpoch}
	return nil
}

// empty tells whether nothing was fetched into b.
func (b *batch) empty() bool { return len(b.kept.fetched) == 0 }

// keep leaves the rows that which names.
func (b *batch) keep(which []bool) {
	b.rows.Keep(which)
	kept := b.records[:0]
	for i, rec := range b.records {
		if which[i] {
			kept = append(kept, rec)
		}
	}
	b.records = kept
}
