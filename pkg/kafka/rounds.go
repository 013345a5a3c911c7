package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
)

// Rounds fetch for many partitions by one request to each leader, and no more often than every so often: what a reader asks for waits for its
// round, and what comes meanwhile is gathered. So a trickle costs by the round, whatever the number of partitions. A reader that knows that more
// waits for it uses Client.Fetch. It is safe for concurrent use.
type Rounds struct {
	client *Client
	every  time.Duration
	began  time.Time

	mu   sync.Mutex
	next map[party]*round // those to come
}

// A party is what shares a request.
type party struct {
	leader int32
	topic  string
	id     uuid.UUID
	opts   FetchOptions
}

// A round is one request.
type round struct {
	asking []*asking
	// waiting counts those whose callers have not gone; stop ends the request when it comes to 0.
	waiting int
	stop    context.CancelFunc // nil before it begins
}

// asking is a call of Fetch.
type asking struct {
	log    Log
	offset int64
	until  time.Time // an answer without records is none before
	round  *round    // nil once it is answered, or nobody waits

	done chan struct{}
	part wire.FetchedPartition
	most int // bytes that it may bring
	err  error
}

// ofRound is what the partitions of a round may bring together at least, in bytes.
const ofRound = 1 << 20

// NewRounds makes rounds that begin every so often, 0 for at once.
func (c *Client) NewRounds(every time.Duration) *Rounds {
	return &Rounds{client: c, every: every, began: time.Now(), next: make(map[party]*round)}
}

// Fetch is Client.Fetch, except that it waits for the next round, and that an empty batch may take twice MaxWait. opts.MinBytes are of all partitions
// of the round, and where they are few, each may bring more than opts.MaxBytes: a megabyte together. A record batch larger than MaxBytes is read whole in one partition of a round only: the others may get an empty batch whose
// HighWatermark says that there is more, which Client.Fetch reads.
func (r *Rounds) Fetch(ctx context.Context, log Log, offset int64, opts FetchOptions) (*Batch, error) {
	c := r.client
	leader, known := c.leader(ctx, log.Topic, log.Partition)
	if !known {
		return c.Fetch(ctx, log, offset, opts)
	}
	now := time.Now()
	c.fetches.asked(log.Topic, log.Partition, now)
	a := &asking{log: log, offset: offset, until: now.Add(opts.MaxWait), done: make(chan struct{})}
	r.mu.Lock()
	r.join(party{leader, log.Topic, log.ID, opts}, a)
	r.mu.Unlock()
	select {
	case <-a.done:
	case <-ctx.Done():
		r.leave(a)
		return nil, c.fetchFailed(ctx, log, offset, ctx.Err())
	}
	if a.err != nil {
		return nil, c.fetchFailed(ctx, log, offset, a.err)
	}
	opts.MaxBytes = a.most
	return c.fetched(ctx, log, offset, &a.part, wire.NewBatch(), opts)
}

// join has a wait for its party's next round, and sees to it that there is one. mu is held.
func (r *Rounds) join(of party, a *asking) {
	next := r.next[of]
	if next == nil {
		next = new(round)
		r.next[of] = next
		pause := time.Duration(0)
		if r.every > 0 {
			pause = r.every - time.Since(r.began)%r.every
		}
		time.AfterFunc(pause, func() { r.run(of) })
	}
	a.round = next
	next.asking = append(next.asking, a)
	next.waiting++
}

// leave forgets a call that nobody waits for any longer.
func (r *Rounds) leave(a *asking) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := a.round
	if of == nil {
		return
	}
	a.round = nil
	if of.waiting--; of.waiting == 0 && of.stop != nil {
		of.stop()
	}
}

// run makes a round's request and answers its calls. Those for which nothing came wait for the next round, unless they have waited long enough.
func (r *Rounds) run(of party) {
	c := r.client
	ctx, stop := context.WithTimeout(context.Background(), of.opts.MaxWait+c.cfg.RequestTimeout)
	defer stop()
	into := new(wire.Batch) // shared by the batches that come of it, and so nobody's to use again
	req := &wire.FetchRequest{
		ClientID: c.cfg.ClientID, Topic: of.topic, TopicID: of.id, MinBytes: of.opts.MinBytes, MaxWait: of.opts.MaxWait, Into: into,
	}
	r.mu.Lock()
	this := r.next[of]
	delete(r.next, of)
	this.stop = stop
	for _, a := range this.asking {
		if a.round == this {
			req.Partitions = append(req.Partitions, c.fetchFrom(a.log, a.offset))
		}
	}
	r.mu.Unlock()
	if len(req.Partitions) == 0 { // they have all gone
		return
	}
	req.MaxBytes = max(of.opts.MaxBytes, ofRound/len(req.Partitions))
	answer, err := c.transport.RoundTrip(ctx, c.addr, req)
	var parts map[int32]*wire.FetchedPartition
	if err == nil {
		res := answer.(*wire.FetchResponse)
		if res.Code != 0 {
			err = kafkago.Error(res.Code)
		}
		parts = make(map[int32]*wire.FetchedPartition, len(res.Partitions))
		for i := range res.Partitions {
			parts[res.Partitions[i].Partition] = &res.Partitions[i]
		}
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range this.asking {
		if a.round != this {
			continue
		}
		part, answered := parts[a.log.Partition]
		switch {
		case err != nil:
			a.err = cluster.Explain(err)
		case !answered:
			a.err = cluster.ErrNoAnswer
		case part.CaughtUp(a.offset) && now.Before(a.until):
			r.join(of, a)
			continue
		default:
			a.part, a.most = *part, req.MaxBytes
		}
		a.round = nil
		close(a.done)
	}
}
