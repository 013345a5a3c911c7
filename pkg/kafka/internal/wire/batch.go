package wire

import (
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

// Bytes is the memory the batch's records take.
func (b *Batch) Bytes() int { return b.fetched + b.decompressed }

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
