package collect

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// Turns are for work that so many requests may do at once, so many of one client, and say whose is next. Clients wait in lines of their own, and the lines take
// turns: whoever asks for much waits for itself. They are had while a core is needed, never while the network is waited for: so few goroutines want a core at
// once, whatever comes, and one that the network wakes is not behind hundreds of others in Go's own queue. They are safe for concurrent use.
type turns struct {
	most, each int // at once, and of one client

	mu      sync.Mutex
	taken   int
	clients map[netip.Addr]*line // those that have turns, or wait
	order   []*line              // those that wait and may have one more, the next first
}

// A line is what one client has of the turns.
type line struct {
	client  netip.Addr
	taken   int
	waiting []*waiter
	ordered bool // in order
}

// A waiter is a request in a line.
type waiter struct {
	line         *line
	ready        chan struct{} // closed when it is called
	called, gone bool
	behind       bool // when it was called others of its client's were waiting behind it
}

func newTurns(most, each int) *turns {
	return &turns{most: most, each: each, clients: make(map[netip.Addr]*line)}
}

// lightTurns are of small bodies, and of everything about a request but its body: for each client as many as there are cores.
func lightTurns() *turns {
	cores := runtime.GOMAXPROCS(0)
	return newTurns(16*cores, cores)
}

// tryTurns are of bodies that are decompressed as if they were small: each takes a decoder's window.
func tryTurns() *turns {
	cores := runtime.GOMAXPROCS(0)
	return newTurns(cores, cores)
}

// heavyTurns are of large bodies, each of which may hold limits.decoded_bytes several times over for a moment: one fewer than there are cores, where there
// are more than one, so that the others' work has a core that is not taken for milliseconds.
func heavyTurns(limits Limits) *turns {
	room := limits.InFlightBytes / (4 * max(1, limits.DecodedBytes))
	most := int(max(1, min(int64(runtime.GOMAXPROCS(0)-1), room)))
	return newTurns(most, most)
}

// turnWait is how long a turn is waited for.
const turnWait = 10 * time.Second

// take waits for a turn; errWork when it did not come in time, ctx's error when that ended.
func (t *turns) take(ctx context.Context, client netip.Addr) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := t.join(client)
	if w == nil {
		return nil
	}
	timeout := time.NewTimer(turnWait)
	defer timeout.Stop()
	select {
	case <-w.ready:
		if w.behind {
			// Go runs whoever is woken before all who wait for the core: a client's requests would wake one another for milliseconds.
			runtime.Gosched()
		}
		return nil
	case <-timeout.C:
		return t.leave(w, errWork)
	case <-ctx.Done():
		return t.leave(w, ctx.Err())
	}
}

// join takes a turn that is free, or a place in the client's line.
func (t *turns) join(client netip.Addr) *waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.clients[client]
	if l == nil {
		l = &line{client: client}
		t.clients[client] = l
	}
	if t.taken < t.most && l.taken < t.each {
		t.taken++
		l.taken++
		return nil
	}
	w := &waiter{line: l, ready: make(chan struct{})}
	l.waiting = append(l.waiting, w)
	t.arrange(l)
	return w
}

// leave ends a wait for why. A turn that came meanwhile is the next one's.
func (t *turns) leave(w *waiter, why error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.gone = true
	if w.called {
		t.end(w.line)
	}
	return why
}

// give ends a turn of client.
func (t *turns) give(client netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end(t.clients[client])
}

func (t *turns) end(l *line) {
	t.taken--
	l.taken--
	t.arrange(l)
	t.call()
}

// call gives turns that are free to the first of the next lines.
func (t *turns) call() {
	for t.taken < t.most && len(t.order) > 0 {
		l := t.order[0]
		t.order, l.ordered = t.order[1:], false
		if w := l.pop(); w != nil {
			t.taken++
			l.taken++
			w.called, w.behind = true, len(l.waiting) > 0
			close(w.ready)
		}
		t.arrange(l)
	}
}

// arrange puts a line last in order, if somebody waits in it who may be called, and forgets one that is empty.
func (t *turns) arrange(l *line) {
	switch {
	case len(l.waiting) > 0:
		if !l.ordered && l.taken < t.each {
			l.ordered = true
			t.order = append(t.order, l)
		}
	case l.taken == 0 && !l.ordered:
		delete(t.clients, l.client)
	}
}

// pop takes the first who is still there off the line; nil where nobody is.
func (l *line) pop() *waiter {
	for len(l.waiting) > 0 {
		w := l.waiting[0]
		l.waiting = l.waiting[1:]
		if !w.gone {
			return w
		}
	}
	return nil
}

// used is how many turns are taken.
func (t *turns) used() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}

// A turn is what one request has of them: one, or none. It is for one goroutine, and must be given back.
type turn struct {
	client netip.Addr
	of     *turns // nil for none
	since  time.Time
}

// take waits for one of t, after it gave back what it had, unless that is one. Errors: those of turns.
func (w *turn) take(ctx context.Context, t *turns) error {
	if w.of == t {
		return nil
	}
	w.give()
	if err := t.take(ctx, w.client); err != nil {
		return err
	}
	w.of, w.since = t, time.Now()
	return nil
}

// longWork is after how long others that are ready have the core first. Go itself takes it away after 10 ms.
const longWork = 200 * time.Microsecond

// pause lets others have the core after long work.
func (w *turn) pause() {
	if now := time.Now(); now.Sub(w.since) > longWork {
		runtime.Gosched()
		w.since = now
	}
}

// give gives back what there is.
func (w *turn) give() {
	if w.of != nil {
		w.of.give(w.client)
		w.of = nil
	}
}
