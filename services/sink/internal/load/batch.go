package load

import (
	"fmt"
	"slices"
	"time"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A batch is the records of one partition from one offset up to another, and the rows made of them. The rows alias the records.
type batch struct {
	p        *partition
	from, to int64
	rows     table
	// records holds the record of each row.
	records []*event.Record
	dead    []deadRecord
	// source is the highest source among the rows and before them.
	source checkpoint.Source
	// superseded is as checkpoint.Sink's, after the batch; replaced are the older rows that the batch's rows stand for.
	superseded int64
	replaced   []replacement
	repeated   int
	bytes      int
	held       int64
	fetched    []*kafka.Batch
	oldest     int64 // Unix milliseconds: the least timestamp
	// looked is when the table was last asked which of the rows it has; zero before the first try to insert them.
	looked time.Time
	// buried are the offsets of refused rows that are in the dead topic.
	buried map[int64]bool
}

// A deadRecord is a record that makes no row, and why.
type deadRecord struct {
	record *event.Record
	why    *event.Rejection
}

func (p *partition) newBatch(from int64) *batch {
	return &batch{p: p, from: from, to: from, rows: p.pool(p.claim.Topic).Get().(table), source: p.state.Source, superseded: p.state.Superseded, buried: make(map[int64]bool)}
}

// add takes fetched over, with the memory held for it. Records at or after end, unless that is 0, are left out.
func (b *batch) add(fetched *kafka.Batch, held, end int64) error {
	b.fetched = append(b.fetched, fetched)
	b.held += held
	b.bytes += fetched.Bytes()
	for i := range fetched.Records {
		rec := &fetched.Records[i]
		if end > 0 && rec.Offset >= end {
			break
		}
		n := b.rows.Len()
		source, err := b.rows.Add(rec, b.source)
		switch {
		case err != nil:
			rejection := event.AsRejection(err)
			if rejection == nil {
				return fmt.Errorf("offset %d: %w", rec.Offset, err)
			}
			b.dead = append(b.dead, deadRecord{rec, rejection})
		case b.rows.Len() == n:
			b.repeated++
		default:
			b.supersede(b.rows.Place(n), b.source)
			b.source = source
			b.records = append(b.records, rec)
			if b.oldest == 0 || rec.Timestamp < b.oldest {
				b.oldest = rec.Timestamp
			}
		}
	}
	b.to = fetched.Next
	return nil
}

// empty tells whether nothing was fetched into b.
func (b *batch) empty() bool { return len(b.fetched) == 0 }

// orNil releases an empty batch.
func (b *batch) orNil() *batch {
	if b.empty() {
		b.release()
		return nil
	}
	return b
}

// token stands for the batch in ClickHouse's deduplication window.
func (b *batch) token() string {
	return fmt.Sprintf("%s/%d/%d-%d", b.p.claim.Topic, b.p.claim.Partition, b.from, b.to)
}

// tokenOf stands for rows [from, to) of it.
func (b *batch) tokenOf(from, to int) string {
	if from == 0 && to == b.rows.Len() {
		return b.token()
	}
	return fmt.Sprintf("%s/%d-%d", b.token(), from, to)
}

// pick returns which rows of [from, to) belong to month, and all of them for month 0.
func (b *batch) pick(month, from, to int) []int {
	out := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		if month == 0 || b.rows.Month(i) == month {
			out = append(out, i)
		}
	}
	return out
}

// months returns the months of the rows, each once.
func (b *batch) months() (out []int) {
	for i := range b.rows.Len() {
		if m := b.rows.Month(i); !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

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

// release gives rows, records and memory back.
func (b *batch) release() {
	b.rows.Reset()
	b.p.pool(b.p.claim.Topic).Put(b.rows)
	for _, f := range b.fetched {
		f.Release()
	}
	b.p.memory.Release(b.held)
	*b = batch{p: b.p}
}
