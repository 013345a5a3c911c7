package chaos

import (
	"hash/fnv"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// A ledger is what the clients were told: each event they sent, what it says, and how the edge answered. It is safe for
// concurrent use.
type ledger struct {
	mu sync.Mutex
	// accepted and buried map an event's id to its print: those that must be rows, and those that must be dead letters.
	accepted, buried map[uuid.UUID]uint64
	// refused are ids of events that the edge refused for good: none of them may be stored.
	refused map[uuid.UUID]struct{}

	// Counts that may be read while the clients run.
	settled, requests, repeats, failures atomic.Int64
}

func newLedger() *ledger {
	return &ledger{accepted: map[uuid.UUID]uint64{}, buried: map[uuid.UUID]uint64{}, refused: map[uuid.UUID]struct{}{}}
}

// record notes the answer to an event.
func (l *ledger) record(e *sent, accepted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !accepted:
		l.refused[e.id] = struct{}{}
	case e.poison:
		l.buried[e.id] = e.print()
	default:
		l.accepted[e.id] = e.print()
	}
	l.settled.Add(1)
}

// A sent event is what a client sends, as far as the audit looks at it.
type sent struct {
	id                uuid.UUID
	event, wireType   string // as on the wire
	itemType, item    string // as in the table
	visitor, session  string
	time              int64 // Unix milliseconds by the client's clock
	sequence          int64 // a property of the event
	poison, malformed bool
}

// print is what must come out unaltered, as one number.
func (e *sent) print() uint64 {
	return fingerprint(e.event, e.itemType, e.item, e.visitor, e.session, strconv.FormatInt(e.time, 10), strconv.FormatInt(e.sequence, 10))
}

func fingerprint(fields ...string) uint64 {
	h := fnv.New64a()
	for _, f := range fields {
		_, _ = h.Write([]byte(f))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}
