package load

import (
	"fmt"
	"time"
	"unsafe"

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
	// Size is the memory that the rows take, in bytes.
	Size() int
}

// A batch is the records of one partition from one offset up to another, and the rows made of them. The reader
// forms it and takes it back.
type batch struct {
	extent extent
	rows   table
	// letters says that the records are dead letters. They come from many logs, and have no marks: the table is asked for each.
	letters bool
	// records says where the record of each row is, rejected holds those that make none.
	records  []recordPlace
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

// Kept is what a batch keeps until it is released: what its records are decoded from when one of them is asked for, and how much of
// the budget.
type kept struct {
	packed []kafka.Packed
	// compressed is what packed takes and the records that make no row, bytes the records decompressed.
	compressed, bytes int
	memory            int64
	budget            *budget
	// open is the fetch at place opened, decoded again; nil when none is.
	open   *kafka.Batch
	opened int
}

// A recordPlace is where a record is: in which fetch, and where there.
type recordPlace struct {
	fetch, index uint32
	leaderEpoch  int32
}

// add takes fetched over, with the memory held for it, of which what is not needed goes back. Records at or after end, unless that is 0, are left
// out.
func (b *batch) add(fetched *kafka.Batch, memory, end int64) error {
	place := uint32(len(b.kept.packed))
	b.kept.packed = append(b.kept.packed, fetched.Pack())
	b.kept.memory += memory
	b.kept.compressed += b.kept.packed[place].Bytes()
	b.kept.bytes += fetched.Bytes()
	b.extent.to = kafka.Position{Offset: fetched.Next, LeaderEpoch: fetched.LeaderEpoch}
	defer fetched.Release()
	defer b.settle()
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
			b.rejected = append(b.rejected, deadRecord{rec.Clone(), rejection})
			b.kept.compressed += rec.Size()
		case b.rows.Len() == n:
			b.repeated++
		default:
			b.lineage.marks = marks
			b.records = append(b.records, recordPlace{place, uint32(i), rec.LeaderEpoch})
			if at := b.rows.ReceivedAt(n); at > 0 && (b.oldest == 0 || at < b.oldest) {
				b.oldest = at
			}
		}
	}
	return nil
}

// settle makes the memory that is held for b what it takes, as far as there is any left.
func (b *batch) settle() {
	const place, packed = int64(unsafe.Sizeof(recordPlace{})), int64(unsafe.Sizeof(kafka.Packed{}))
	takes := int64(b.rows.Size()+b.kept.compressed) + place*int64(cap(b.records)) + packed*int64(cap(b.kept.packed))
	switch left := b.kept.budget.left; {
	case takes <= b.kept.memory:
		left.Release(b.kept.memory - takes)
	case !left.TryAcquire(takes - b.kept.memory):
		return
	}
	b.kept.memory = takes
}

// record is the record that row i was made of, valid until the next is asked for, or the batch is released.
func (b *batch) record(i int) (*event.Record, error) {
	at := b.records[i]
	if b.kept.open == nil || b.kept.opened != int(at.fetch) {
		b.close()
		open, err := b.kept.packed[at.fetch].Unpack()
		if err != nil {
			return nil, fmt.Errorf("decode a record again: %w", err)
		}
		b.kept.open, b.kept.opened = open, int(at.fetch)
	}
	return &b.kept.open.Records[at.index], nil
}

// close lets go of the fetch that was decoded again.
func (b *batch) close() {
	if b.kept.open != nil {
		b.kept.open.Release()
		b.kept.open = nil
	}
}

// empty tells whether nothing was fetched into b.
func (b *batch) empty() bool { return len(b.kept.packed) == 0 }

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
