package collect

import (
	"errors"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Why a request finds no room. Each is also the reason's name in waymark_edge_busy_total.
var (
	errFull      = errors.New("full")      // all requests under way hold as much as they may
	errPeer      = errors.New("peer")      // those of this peer do
	errAnonymous = errors.New("anonymous") // those do that are still arriving and said no write key in their header
	errWork      = errors.New("work")      // it waited too long for a core: others of its client do, or large bodies
)

// anonymousPart is the part of what is there for anonymous requests that one peer may hold: a quarter.
const anonymousPart = 4

// A budget bounds what the requests under way hold in memory. It is charged as bytes arrive, never for what a header promises, so
// whoever sends slowly holds little. One request holds at most about three times DecodedBytes: the body while its buffer doubles, then the
// body and the records made of it. What Go has not freed yet, up to as much again, and decoders' windows (see turns) come on top. It is
// safe for concurrent use.
type budget struct {
	limits Limits
	gauge  prometheus.Gauge

	mu        sync.Mutex
	bytes     int64
	anonymous tally
	peers     map[netip.Addr]*peer
}

// A tally is what some requests hold together.
type tally struct {
	requests int
	bytes    int64
}

type peer struct {
	all, anonymous tally
}

func newBudget(limits Limits, gauge prometheus.Gauge) *budget {
	return &budget{limits: limits, gauge: gauge, peers: make(map[netip.Addr]*peer)}
}

// A room is what one request holds. It is for one goroutine, and must be left.
type room struct {
	budget    *budget
	addr      netip.Addr
	anonymous bool
	bytes     int64
	// turn is what it has of a core, while its body is worked on.
	turn *turn
}

// enter makes room for a request of client; anonymous is one whose header names no account. Errors: errAnonymous.
func (b *budget) enter(client netip.Addr, anonymous bool) (*room, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &room{budget: b, addr: peerOf(client), anonymous: anonymous}
	p := b.peers[r.addr]
	if most := b.limits.AnonymousRequests; anonymous && most > 0 &&
		(b.anonymous.requests >= most || p != nil && p.anonymous.requests >= max(1, most/anonymousPart)) {
		return nil, errAnonymous
	}
	if p == nil {
		p = new(peer)
		b.peers[r.addr] = p
	}
	p.all.requests++
	if anonymous {
		p.anonymous.requests++
		b.anonymous.requests++
	}
	return r, nil
}

// peerOf is whom a share belongs to: an IPv4 address, or the /64 that one IPv6 subscriber has.
func peerOf(client netip.Addr) netip.Addr {
	if client.Is6() && !client.Is4In6() {
		if prefix, err := client.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return client.Unmap()
}

// take holds n more bytes. Errors: errFull, errPeer, errAnonymous.
func (r *room) take(n int64) error {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.peers[r.addr]
	beyond := func(held, most int64) bool { return most > 0 && held+n > most }
	switch {
	case beyond(b.bytes, b.limits.InFlightBytes):
		return errFull
	case beyond(p.all.bytes, b.limits.PeerBytes):
		return errPeer
	case r.anonymous && (beyond(b.anonymous.bytes, b.limits.AnonymousBytes) || beyond(p.anonymous.bytes, b.limits.AnonymousBytes/anonymousPart)):
		return errAnonymous
	}
	r.add(n)
	return nil
}

// give holds n bytes less.
func (r *room) give(n int64) {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	r.add(-n)
}

func (r *room) add(n int64) {
	p := r.budget.peers[r.addr]
	r.bytes += n
	p.all.bytes += n
	r.budget.bytes += n
	if r.anonymous {
		p.anonymous.bytes += n
		r.budget.anonymous.bytes += n
	}
	r.budget.gauge.Set(float64(r.budget.bytes))
}

// arrived ends what an anonymous request has a budget of its own for: it is here whole, and its client can hold nothing up any more.
func (r *room) arrived() {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	r.known()
}

func (r *room) known() {
	if !r.anonymous {
		return
	}
	p := r.budget.peers[r.addr]
	p.anonymous.requests--
	p.anonymous.bytes -= r.bytes
	r.budget.anonymous.requests--
	r.budget.anonymous.bytes -= r.bytes
	r.anonymous = false
}

// leave gives everything back.
func (r *room) leave() {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	r.known()
	r.add(-r.bytes)
	p := b.peers[r.addr]
	if p.all.requests--; p.all.requests == 0 {
		delete(b.peers, r.addr)
	}
}
