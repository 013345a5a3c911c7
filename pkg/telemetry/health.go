package telemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Health collects what makes a service ready: it gets on. Each reason why it does not is one sentence. The zero value is ready.
type Health struct {
	mu     sync.Mutex
	checks []check
	loops  []*Progress
	failed error
	// starting is true until the first check.
	starting bool
}

type check struct {
	name string
	ok   func(context.Context) error
}

// Check adds a readiness check. It is run at each look, so it must be cheap and heed its context.
func (h *Health) Check(name string, ok func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks, h.starting = append(h.checks, check{name, ok}), false
}

// Starting makes the service not ready until its first Check: it has yet to say what it depends on.
func (h *Health) Starting() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.starting = true
}

// errStarting is the answer before the first check.
var errStarting = errors.New("starting")

// Fail makes the service not ready until Recover: an error that only an operator can fix.
func (h *Health) Fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = err
}

// Recover takes back Fail.
func (h *Health) Recover() { h.Fail(nil) }

// stuckAfter is how long a loop may fail before the service is not ready: restarts and elections of what it depends on take less.
const stuckAfter = time.Minute

// Progress is where a loop that tries until it succeeds tells that it does not. Readiness then tells it after a minute. The zero value
// reports to nobody.
type Progress struct {
	mu    sync.Mutex
	what  string
	err   error
	since time.Time
	end   func()
}

// Progress adds a loop to what readiness depends on, until the loop's End.
func (h *Health) Progress() *Progress {
	p := new(Progress)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loops = append(h.loops, p)
	p.end = func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.loops = slices.DeleteFunc(h.loops, func(other *Progress) bool { return other == p })
	}
	return p
}

// Failing notes that what, such as "insert into events", has failed with err and is tried again. err must hold nothing of an event's
// contents: probes show it.
func (p *Progress) Failing(what string, err error) { p.failing(what, err, time.Now()) }

func (p *Progress) failing(what string, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.since = now
	}
	p.what, p.err = what, err
}

// Working notes that the loop gets on.
func (p *Progress) Working() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = nil
}

// End takes the loop out of the readiness it was added to.
func (p *Progress) End() {
	if p.end != nil {
		p.end()
	}
}

func (p *Progress) stuck(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if since := now.Sub(p.since); p.err != nil && since > stuckAfter {
		return fmt.Errorf("%s has failed for %s: %w", p.what, since.Round(time.Second), p.err)
	}
	return nil
}

// Ready returns nil when every check passes and no loop is stuck, otherwise the first that does not, by name.
func (h *Health) Ready(ctx context.Context) error {
	h.mu.Lock()
	checks, loops, failed, starting := slices.Clone(h.checks), slices.Clone(h.loops), h.failed, h.starting
	h.mu.Unlock()
	switch {
	case failed != nil:
		return failed
	case starting:
		return errStarting
	}
	for _, c := range checks {
		if err := c.ok(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for _, p := range loops {
		if err := p.stuck(time.Now()); err != nil {
			return err
		}
	}
	return nil
}
