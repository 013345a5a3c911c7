package wire

import (
	"bytes"
	"slices"
	"sync"

	"github.com/waymark-events/waymark/pkg/event"
)

// A Batch is what one fetch brought. Its records are valid until Release.
type Batch struct {
	Records []event.Record
	// Next is the offset to fetch next: after the last record, past control records and what a compacted log leaves out.
	Next int64
	// LeaderEpoch is that of the record before Next, -1 when the batch is empty (KIP-320).
	LeaderEpoch int32
	// Holes counts offsets without a record that no transaction explains: what compaction, or whatever else, took out of the log.
	Holes int64
	// HighWatermark is the offset after the last record that all in-sync replicas have; LogStart is the oldest one kept.
	HighWatermark, LogStart int64

	raw          []byte // the answer, where it is this batch's alone
	fetched      int    // bytes of the answer that are the batch's
	answer       answer // what of it the records were decoded from
	taken        int    // bytes of the batches that were read: the limit may end that early
	scratch      []byte // decompressed batches; when it is full, a larger one takes its place and records alias the old one
	decompressed int    // bytes
	headers      []event.Header
	names        map[string]string
}

// NewBatch returns an empty batch, with memory of one that was released.
func NewBatch() *Batch { return batches.Get().(*Batch) }

var batches = sync.Pool{New: func() any { return &Batch{names: make(map[string]string)} }}

// Release gives the batch's memory back. The batch and its records must not be used after it. It may be left out.
func (b *Batch) Release() {
	clear(b.Records)
	clear(b.headers)
	*b = Batch{Records: b.Records[:0], raw: b.raw[:0], scratch: b.scratch[:0], headers: b.headers[:0], names: b.names}
	batches.Put(b)
}

// An answer is what records are decoded from, and how.
type answer struct {
	batches   []byte // as they came
	aborted   []abortedTransaction
	partition int32
	from      int64
	limit     int
}

// Packed is a batch's records as they came, compressed, which is a fraction of what they are decoded to. It shares nothing with the batch.
type Packed struct {
	answer answer
	// records are those of a batch that no fetch has brought: there is nothing to decode them from.
	records []event.Record
}

// Pack returns what the records can be decoded from again, after Release.
func (b *Batch) Pack() Packed {
	if b.answer.batches == nil {
		return Packed{records: slices.Clone(b.Records)}
	}
	out := Packed{answer: b.answer}
	out.answer.batches, out.answer.aborted = bytes.Clone(b.answer.batches[:b.taken]), slices.Clone(b.answer.aborted)
	return out
}

// Bytes is the memory that p takes.
func (p *Packed) Bytes() int { return len(p.answer.batches) }

// Unpack returns a batch with the records that were packed, and nothing else. They are valid until its Release and as long as p is there.
func (p *Packed) Unpack() (*Batch, error) {
	b, a := NewBatch(), p.answer
	if a.batches == nil {
		b.Records = append(b.Records, p.records...)
		return b, nil
	}
	b.Next = a.from
	if err := decodeBatches(a.batches, a.partition, a.from, a.aborted, a.limit, b); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// Bytes is the memory the batch's records take.
func (b *Batch) Bytes() int { return b.fetched + b.decompressed }

// Answered is the size of what the batch came in, in bytes.
func (b *Batch) Answered() int { return b.fetched }

// room returns an empty slice with capacity for n bytes.
func (b *Batch) room(n int) []byte {
	if cap(b.scratch)-len(b.scratch) < n {
		b.scratch = make([]byte, 0, max(n, 2*cap(b.scratch), 64<<10))
	}
	return b.scratch[len(b.scratch):]
}

// use marks data, which was appended to room's slice, as taken.
func (b *Batch) use(data []byte) {
	b.decompressed += len(data)
	if cap(b.scratch)-len(b.scratch) >= len(data) { // otherwise it was moved to memory of its own
		b.scratch = b.scratch[:len(b.scratch)+len(data)]
	}
}

// name returns a header's key as a string, without allocating for the few keys that come again and again.
func (b *Batch) name(key []byte) string {
	if name, ok := b.names[string(key)]; ok {
		return name
	}
	name := string(key)
	if len(b.names) < 64 {
		b.names[name] = name
	}
	return name
}
