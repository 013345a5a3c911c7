// Package recent remembers the events that lately passed through one partition, so that a client's repetition of one is known.
//
// An event is known by all 128 bits of its id and by its record's key, account and visitor: ids are the clients' choice, and one
// client must not be able to take another's place. The key is kept as a seeded hash of 32 bits: two visitors who send the very same
// id are mistaken for each other once in four thousand million times, and nobody can make it happen.
//
// Memory: 32 bytes an event for the ring and 5.4 to 10.7 for the index, which grow with the partition's traffic up to the
// window's bound and stay: 10.1 MB for 250,000 events. While it grows, the former half is there too.
package recent

import (
	"hash/maphash"
	"math"
	"math/bits"
	"time"
)

// An ID is an event's, a UUID.
type ID = [16]byte

// A Window is what passed last, oldest first. It is not safe for concurrent use. Its content follows from the calls alone, never
// from a clock.
type Window struct {
	span   int64 // seconds
	limit  int
	seed   maphash.Seed
	ring   []entry
	oldest int // position in ring
	count  int
	slots  []uint32 // open addressing: 1 + position in ring; 0 is empty. A power of two, three quarters full at most
}

// An entry has no pointers: the collector does not look into the ring.
type entry struct {
	id       ID
	offset   int64
	owner    uint32 // hash of the key
	received uint32 // Unix seconds, good until 2106
}

// initial is the first ring's length.
const initial = 1024

// New returns a Window of the last events, and of those only the ones received within span before the newest: 0 events remember
// nothing. events lies below 2^31; span is counted in whole seconds.
func New(span time.Duration, events int) *Window {
	w := &Window{span: int64(span / time.Second), limit: events, seed: maphash.MakeSeed()}
	if events > 0 {
		w.resize(min(events, initial))
	}
	return w
}

// Repeats tells whether the event passed before, at a lower offset. At the same one it is not its own repetition: that is a record
// read again after a crash.
func (w *Window) Repeats(id ID, key []byte, offset int64) bool {
	if w.count == 0 {
		return false
	}
	known := w.find(id, w.owner(key))
	return known != nil && known.offset < offset
}

// Add remembers an event that passed at offset. Of two with one id, the one of the lower offset is remembered. receivedAt is in
// Unix milliseconds; what was received more than the span before it is forgotten, in the order it came. An edge whose clock is
// ahead makes the window forget too early by as much, one that is behind, too late: within the bound of events.
func (w *Window) Add(id ID, key []byte, offset, receivedAt int64) {
	if w.limit == 0 {
		return
	}
	received := max(0, min(receivedAt/1000, math.MaxUint32))
	for w.count > 0 && int64(w.ring[w.oldest].received) < received-w.span {
		w.forget()
	}
	owner := w.owner(key)
	if known := w.find(id, owner); known != nil {
		known.offset = min(known.offset, offset)
		return
	}
	switch {
	case w.count == w.limit:
		w.forget()
	case w.count == len(w.ring):
		w.resize(min(2*len(w.ring), w.limit))
	}
	at := (w.oldest + w.count) % len(w.ring)
	w.ring[at] = entry{id, offset, owner, uint32(received)}
	w.count++
	w.index(at)
}

// Len is the number of events remembered.
func (w *Window) Len() int { return w.count }

// Bytes is the memory that the window holds.
func (w *Window) Bytes() int { return 32*len(w.ring) + 4*len(w.slots) }

func (w *Window) owner(key []byte) uint32 { return uint32(maphash.Bytes(w.seed, key)) }

// home is the slot that an event belongs to. The seed and the owner in it leave nobody a way to fill one place.
func (w *Window) home(id *ID, owner uint32) int {
	hash := maphash.Bytes(w.seed, id[:]) ^ uint64(owner)*0x9e3779b97f4a7c15
	return int(hash & uint64(len(w.slots)-1))
}

func (w *Window) find(id ID, owner uint32) *entry {
	for slot := w.home(&id, owner); w.slots[slot] != 0; slot = (slot + 1) & (len(w.slots) - 1) {
		if e := &w.ring[w.slots[slot]-1]; e.id == id && e.owner == owner {
			return e
		}
	}
	return nil
}

// index enters the ring's position at.
func (w *Window) index(at int) {
	slot := w.home(&w.ring[at].id, w.ring[at].owner)
	for w.slots[slot] != 0 {
		slot = (slot + 1) & (len(w.slots) - 1)
	}
	w.slots[slot] = uint32(at) + 1
}

// forget drops the oldest event. Those that were displaced by it move up, so that searches need no marks of what was deleted
// (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
func (w *Window) forget() {
	mask := len(w.slots) - 1
	e := &w.ring[w.oldest]
	hole := w.home(&e.id, e.owner)
	for w.slots[hole] != uint32(w.oldest)+1 {
		hole = (hole + 1) & mask
	}
	for slot := (hole + 1) & mask; w.slots[slot] != 0; slot = (slot + 1) & mask {
		e := &w.ring[w.slots[slot]-1]
		if home := w.home(&e.id, e.owner); (slot-home)&mask >= (slot-hole)&mask {
			w.slots[hole] = w.slots[slot]
			hole = slot
		}
	}
	w.slots[hole] = 0
	w.oldest = (w.oldest + 1) % len(w.ring)
	w.count--
}

// resize moves what is remembered to a ring of n, with an index at most three quarters full.
func (w *Window) resize(n int) {
	ring := make([]entry, n)
	for i := range w.count {
		ring[i] = w.ring[(w.oldest+i)%len(w.ring)]
	}
	w.ring, w.oldest = ring, 0
	w.slots = make([]uint32, 1<<bits.Len(uint((n*4+2)/3-1)))
	for i := range w.count {
		w.index(i)
	}
}
