// Package retry holds what loops that must not give up have in common: a pause that grows, less at once,
// and time to finish after the end.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Backoff grows from First to Last, doubling. Each pause is cut by a random part of up to a half, so that those who failed
// together do not come back together.
type Backoff struct {
	First, Last time.Duration
	next        time.Duration
}

// Wait pauses, and returns ctx's error as soon as ctx ends.
func (b *Backoff) Wait(ctx context.Context) error {
	b.next = min(max(b.next, b.First), b.Last)
	pause := b.next - rand.N(b.next/2+1)
	b.next *= 2
	return Pause(ctx, pause)
}

// Pause waits for d, and returns ctx's error as soon as ctx ends.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// A Policy says how long to try, and what for.
type Policy struct {
	// First and Last are the shortest and the longest pause, as Backoff has them.
	First, Last time.Duration
	// Passes tells whether an error may pass by itself. Where it is nil every error may.
	Passes func(error) bool
	// Notice hears of each error that is tried again after a pause; nil where nobody listens.
	Notice func(error)
}

// Do calls do until it succeeds, its error will not pass, or ctx has ended, and returns what do returned last.
func (p Policy) Do(ctx context.Context, do func() error) error {
	pause := Backoff{First: p.First, Last: p.Last}
	for {
		err := do()
		if err == nil || ctx.Err() != nil || p.Passes != nil && !p.Passes(err) {
			return err
		}
		if p.Notice != nil {
			p.Notice(err)
		}
		if pause.Wait(ctx) != nil {
			return err
		}
	}
}

// Outlive returns a context for the work in hand: it ends grace after ctx does. The function it returns must be called when the
// work is done.
func Outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(out, func() { timer.Stop() })
	})
	return out, func() {
		stop()
		cancel()
	}
}

// Every calls do after each interval until ctx ends.
func Every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}
