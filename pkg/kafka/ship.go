package kafka

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
)

// A shipper sends the batches that are ready at one time for one leader in one request: what a request costs a client and a broker, whatever it holds, is
// then paid by the leader, and not by the partition. While a request is under way batches gather for the next, for no longer than gathering. Each batch has
// its own answer, but all come together, when the slowest replicas have the last of them: a partition whose last answer was slow goes by itself.
// One batch of a partition is shipped at a time.
type shipper struct {
	client *Client

	mu    sync.Mutex
	docks map[int32]*dock // by leader
}

// A dock is what waits for, and is on its way to, one leader.
type dock struct {
	waiting  []*parcel
	underWay int
}

// A parcel is a batch on its way.
type parcel struct {
	batch *wire.ProduceBatch
	in    *shipment // nil while it waits
	done  chan struct{}
	// produced and err are what became of it, once done is closed.
	produced wire.Produced
	err      error
}

// A shipment is one request.
type shipment struct {
	parcels []*parcel
	// awaited counts those whose callers have not gone; stop ends the request when it comes to 0.
	awaited int
	stop    context.CancelFunc
}

const (
	// boarding is how long a batch waits for those that are encoded at the same time.
	boarding = time.Millisecond
	// gathering bounds how long a batch waits for a request that is under way.
	gathering = 5 * time.Millisecond
	// mostUnderWay bounds the requests to one leader at a time, as Kafka's own producer does (max.in.flight.requests.per.connection).
	mostUnderWay = 5
	// slow is an answer after which a partition's next batch goes by itself.
	slow = 100 * time.Millisecond
	// mostTogether bounds the batches of a request that has several, in bytes, as that producer's max.request.size does.
	mostTogether = 1 << 20
)

func newShipper(c *Client) *shipper { return &shipper{client: c, docks: make(map[int32]*dock)} }

// A lateError is a request's that ended, or whose caller has gone, while it may still be written: kafka-go queues it for a connection.
type lateError struct{ error }

func (e *lateError) Unwrap() error { return e.error }

// ship sends a batch once, alone or with others, and returns what its leader says of it. After an error it may be stored if batch.Written says so, and still be
// written if the error is a *lateError.
func (s *shipper) ship(ctx context.Context, to topicPartition, batch *wire.ProduceBatch, alone bool) (wire.Produced, error) {
	leader, known := s.client.leader(ctx, to.topic, to.partition)
	p := &parcel{batch: batch, done: make(chan struct{})}
	s.mu.Lock()
	d := new(dock) // of its own, also where kafka-go is to find the leader or to say why there is none
	if known && !alone {
		d = s.dock(leader)
	}
	d.waiting = append(d.waiting, p)
	switch {
	case len(d.waiting) > 1: // which sees to it
	case d.underWay == 0:
		time.AfterFunc(boarding, func() { s.depart(d) })
	default:
		time.AfterFunc(gathering, func() { s.depart(d) })
	}
	s.mu.Unlock()
	select {
	case <-p.done:
		return p.produced, p.err
	case <-ctx.Done():
		return wire.Produced{}, s.abandon(d, p, ctx.Err())
	}
}

// dock is the leader's. mu is held.
func (s *shipper) dock(leader int32) *dock {
	if s.docks[leader] == nil {
		s.docks[leader] = new(dock)
	}
	return s.docks[leader]
}

// abandon forgets a parcel whose caller goes, and returns its error.
func (s *shipper) abandon(d *dock, p *parcel, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.in == nil {
		d.waiting = slices.DeleteFunc(d.waiting, func(other *parcel) bool { return other == p })
		return err
	}
	if p.in.awaited--; p.in.awaited == 0 {
		p.in.stop()
	}
	return &lateError{err}
}

// depart sends what waits, as far as no more requests are under way than may be.
func (s *shipper) depart(d *dock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(d.waiting) > 0 && d.underWay < mostUnderWay {
		ctx, stop := context.WithTimeout(context.Background(), s.client.cfg.RequestTimeout+time.Second)
		of := d.load()
		of.stop = stop
		d.underWay++
		go func() {
			defer s.depart(d)
			s.carry(ctx, of)
			stop()
			s.mu.Lock()
			defer s.mu.Unlock()
			d.underWay--
		}()
	}
}

// load takes what goes in the next request: what waits longest, and as much beside it as may be.
func (d *dock) load() *shipment {
	of, bytes := new(shipment), 0
	for _, p := range d.waiting {
		if bytes += p.batch.Bytes(); bytes > mostTogether && len(of.parcels) > 0 {
			break
		}
		p.in = of
		of.parcels = append(of.parcels, p)
	}
	of.awaited = len(of.parcels)
	d.waiting = slices.Delete(d.waiting, 0, len(of.parcels))
	return of
}

// carry makes the request and hands out its answers.
func (s *shipper) carry(ctx context.Context, of *shipment) {
	c := s.client
	req := &wire.ProduceRequest{ClientID: c.cfg.ClientID, Timeout: int32(c.cfg.RequestTimeout.Milliseconds())}
	for _, p := range of.parcels {
		req.Batches = append(req.Batches, p.batch)
	}
	answer, err := c.transport.RoundTrip(ctx, c.addr, req)
	if err != nil && ctx.Err() != nil {
		err = &lateError{err}
	}
	for _, p := range of.parcels {
		p.err = err
		if err == nil {
			var answered bool
			if p.produced, answered = answer.(*wire.ProduceResponse).Of(p.batch); !answered {
				p.err = cluster.ErrNoAnswer
			}
		}
		close(p.done)
	}
}
