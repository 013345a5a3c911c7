package demo

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
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

// A Source has deliveries, in order of time; after the last one, if there is one, io.EOF. A Generator is one.
type Source interface{ Next() (*Delivery, error) }

// A Stock is a Source of deliveries that were made beforehand: sending them costs no more than that.
type Stock struct{ deliveries []*Delivery }

// NewStock takes the next deliveries of traffic, of at least so many events.
func NewStock(traffic Source, events int) (*Stock, error) {
	s := new(Stock)
	for n := 0; n < events; {
		d, err := traffic.Next()
		if err != nil {
			return nil, err
		}
		s.deliveries, n = append(s.deliveries, d), n+len(d.Events)
	}
	return s, nil
}

// Next lets a delivery go.
func (s *Stock) Next() (*Delivery, error) {
	if len(s.deliveries) == 0 {
		return nil, io.EOF
	}
	d := s.deliveries[0]
	s.deliveries[0], s.deliveries = nil, s.deliveries[1:]
	return d, nil
}

// Drive sends traffic through the edge until plan.Events are sent, there are no more, or ctx ends, and returns nil each time. A visitor's
// deliveries go over one connection, one after the other. A slow edge slows the traffic down; nothing is left out.
func Drive(ctx context.Context, traffic Source, s *Sender, plan Plan, counts *Counts) error {
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
		return deal(ctx, traffic, plan, clients)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// deal hands each delivery, when it is due, to its visitor's client.
func deal(ctx context.Context, traffic Source, plan Plan, clients []chan *Delivery) error {
	seed := maphash.MakeSeed()
	for sent := 0; plan.Events == 0 || sent < plan.Events; {
		d, err := traffic.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
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
