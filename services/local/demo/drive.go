package demo

import (
	"context"
	"errors"
	"hash/maphash"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/retry"
)

// Plan says how traffic is sent.
type Plan struct {
	// Events ends the traffic after so many; 0 goes on until the context ends.
	Events int
	// Connections to the edge. Default 8.
	Connections int
	// Fast sends as quickly as the edge takes it, whatever the time an event bears; otherwise each delivery waits until it is due.
	Fast bool
}

// Counts are what was sent so far. They may be read while Drive runs.
type Counts struct {
	Accepted, Rejected, Retries atomic.Int64
	refusal                     atomic.Pointer[string]
}

// Refusal is the first rejection's or refusal's words, empty when there was none.
func (c *Counts) Refusal() string {
	if text := c.refusal.Load(); text != nil {
		return *text
	}
	return ""
}

// Drive sends g's traffic through the edge until plan.Events are sent or ctx ends, and returns nil in both cases. A visitor's
// deliveries go over one connection, one after the other. A slow edge slows the traffic down; nothing is left out.
func Drive(ctx context.Context, g *Generator, s *Sender, plan Plan, counts *Counts) error {
	if plan.Connections == 0 {
		plan.Connections = 8
	}
	clients := make([]chan *Delivery, plan.Connections)
	group, ctx := errgroup.WithContext(ctx)
	for i := range clients {
		clients[i] = make(chan *Delivery, 16)
		group.Go(func() error { return client(ctx, s, clients[i], counts) })
	}
	group.Go(func() error {
		defer func() {
			for _, c := range clients {
				close(c)
			}
		}()
		return deal(ctx, g, plan, clients)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// deal hands each delivery, when it is due, to its visitor's client.
func deal(ctx context.Context, g *Generator, plan Plan, clients []chan *Delivery) error {
	seed := maphash.MakeSeed()
	for sent := 0; plan.Events == 0 || sent < plan.Events; {
		d, err := g.Next()
		if err != nil {
			return err
		}
		if plan.Events > 0 {
			d.Events = d.Events[:min(len(d.Events), plan.Events-sent)]
		}
		sent += len(d.Events)
		if !plan.Fast {
			if err := retry.Pause(ctx, time.Until(d.Due)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case clients[maphash.String(seed, d.who.guid)%uint64(len(clients))] <- d:
		}
	}
	return nil
}

func client(ctx context.Context, s *Sender, deliveries <-chan *Delivery, counts *Counts) error {
	for d := range deliveries {
		answer, err := s.Send(ctx, d)
		counts.Retries.Add(int64(answer.Retries))
		if err != nil {
			return err
		}
		counts.Accepted.Add(int64(answer.Accepted))
		counts.Rejected.Add(int64(answer.Rejected))
		if answer.Refusal != "" {
			counts.refusal.CompareAndSwap(nil, &answer.Refusal)
		}
	}
	return nil
}
