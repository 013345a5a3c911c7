package load

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A batch is the records of one partition from one offset up to another, and the rows made of them. The rows alias the records.
type batch struct {
	p        *partition
	from, to kafka.Position
	rows     table
	// records holds the record of each row.
	records []*event.Record
	dead    []deadRecord
	// marks are how far the raw logs are stored once the batch is.
	marks checkpoint.Marks
	// doubtful says that some of the rows may be stored though no intent of this batch is open. replaced are the older rows that the batch's
	// rows stand for. trace finds both.
	doubtful bool
	replaced []replacement
	repeated int
	bytes    int
	held     int64
	fetched  []*kafka.Batch
	oldest   int64 // Unix milliseconds: when the first of them was received
	// looked is when the table was last asked which of the rows it has; zero before the first try to insert them.
	looked time.Time
	// halved is as checkpoint.Sink's; replayed says that the batch is an open intent's.
	halved, replayed bool
	// sent says that this process has sent any piece of it, whole that it sent all of it under one token, when the table had none of it.
	sent, whole bool
	// took is the last piece that the table took from this process.
	took *piece
	// refused are the rows that the table did not take, sound of them with nothing wrong; accepted is true once the table took any since the
	// first of the sound ones; judged, once those to bury are buried.
	refused  map[int]refusal
	sound    int
	accepted bool
	judged   bool
	// searched says that the values of all rows were looked at, once one was refused; codesTell, that this user may not look at them; checked,
	// that the table was found as it must be since the first refusal.
	searched, codesTell, checked bool
	// views counts the materialized views of the table, once anybody asked; -1 before.
	views int64
}

// A piece is rows that are inserted together, the token they are sent under, and when they were. left counts those left out.
type piece struct {
	rows  []int
	left  int
	token string
	at    time.Time
}

// A deadRecord is a record that makes no row, and why.
type deadRecord struct {
	record *event.Record
	why    *event.Rejection
}

func (p *partition) newBatch() *batch {
	return &batch{
		p: p, from: p.next, to: p.next, rows: p.pool(p.claim.Topic).Get().(table), marks: slices.Clone(p.state.Marks), views: -1,
	}
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
		marks, err := b.rows.Add(rec, b.p.source.ID, b.marks)
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
			b.marks = marks
			b.records = append(b.records, rec)
			if at := b.rows.ReceivedAt(n); at > 0 && (b.oldest == 0 || at < b.oldest) {
				b.oldest = at
			}
		}
	}
	b.to = kafka.Position{Offset: fetched.Next, LeaderEpoch: fetched.LeaderEpoch}
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

// token stands for the batch in ClickHouse's deduplication window. It names what the batch was read from: the log, its end's offset and
// leader epoch, which no other content of the log can have, and the era.
func (b *batch) token() string {
	return fmt.Sprintf("%s/%s/%d/%d/%d-%d@%d", b.p.claim.Topic, b.p.source.ID, b.p.claim.Partition, b.p.state.Era, b.from.Offset, b.to.Offset, b.to.LeaderEpoch)
}

// piece is the rows of [from, to) that are of month, or all of them for month 0, without those that ClickHouse takes nowhere. Its token
// names from, to and what is left out, and so, month by month, its rows.
func (b *batch) piece(month, from, to int) piece {
	out := piece{rows: make([]int, 0, to-from), token: b.token()}
	if from > 0 || to < b.rows.Len() {
		out.token = fmt.Sprintf("%s/%d-%d", out.token, from, to)
	}
	names := fnv.New64a()
	for i := from; i < to; i++ {
		switch {
		case b.refused[i].bad:
			out.left++
			fmt.Fprintln(names, i)
		case month == 0 || b.rows.Month(i) == month:
			out.rows = append(out.rows, i)
		}
	}
	if out.left > 0 {
		out.token = fmt.Sprintf("%s/without-%d-%x", out.token, out.left, names.Sum64())
	}
	return out
}

// columns returns the values of rows, which are in order.
func (b *batch) columns(rows []int) []clickhouse.Column {
	if from, to := rows[0], rows[len(rows)-1]+1; to-from == len(rows) {
		return b.rows.Columns(from, to)
	}
	return b.rows.Choose(rows)
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
