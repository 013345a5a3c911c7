package chaos

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/retry"
)

// Clients retry as real SDKs do: the same events under the same ids, at another edge perhaps, after what Retry-After says or a
// growing pause, until the edge answers for good.
const (
	clientCount = 24
	// maxBatch bounds the events of one request.
	maxBatch = 60
	// patience is how long a client waits for an answer; the impatient wait for hasty.
	patience = 8 * time.Second
	hasty    = 60 * time.Millisecond
	// Shares of requests: with an impatient client; whose events are sent again although they were answered; with an event
	// that nobody can use.
	hastyShare, repeatShare, poisonShare = 0.01, 0.02, 0.02
)

// clients are the load: so many events at a rate, through any of the edges.
type clients struct {
	edges    []string // host:port
	writeKey string
	events   int64
	rate     float64 // events a second, of all clients
	seed     uint64
	ledger   *ledger
	// skew is added to the clients' clocks, milliseconds.
	skew *atomic.Int64
	// quiet is locked while nobody may send; slowed is how long each client waits before a request.
	quiet  *sync.RWMutex
	slowed func() time.Duration
	// answered, unless nil, hears how long each answer took: only those for good count.
	answered func(took time.Duration)
	// taken counts events that clients have begun to send.
	taken atomic.Int64
}

// run sends until every event is answered for good, or ctx ends.
func (c *clients) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for i := range clientCount {
		one := &client{
			clients: c, number: i, edge: i, random: rand.New(rand.NewPCG(c.seed, uint64(i))),
			http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 10 * time.Second, DisableCompression: true}},
		}
		group.Go(func() error {
			defer one.http.CloseIdleConnections()
			return one.run(ctx, begin)
		})
	}
	return group.Wait()
}

// A client is a handful of visitors, whose requests follow each other.
type client struct {
	*clients
	number   int
	random   *rand.Rand
	http     *http.Client
	sequence int64
	edge     int
	last     []sent // a batch that was answered, to be sent again
}

func (c *client) run(ctx context.Context, begin time.Time) error {
	var least time.Time
	for ctx.Err() == nil {
		n := 1 + c.random.Int64N(maxBatch)
		first := c.taken.Add(n) - n
		if first >= c.events {
			return nil
		}
		due := begin.Add(time.Duration(float64(first) / c.rate * float64(time.Second)))
		if due.Before(least) { // what was missed is made up for, but not all at once
			due = least
		}
		if err := retry.Pause(ctx, time.Until(due)); err != nil {
			return err
		}
		least = time.Now().Add(time.Duration(float64(n) * clientCount / c.rate / 2 * float64(time.Second)))
		if err := retry.Pause(ctx, c.slowed()); err != nil {
			return err
		}
		batch := c.batch(int(min(n, c.events-first)))
		if err := c.deliver(ctx, batch, true); err != nil {
			return err
		}
		if c.random.Float64() < repeatShare {
			c.last = batch
		} else if c.last != nil && c.random.Float64() < 0.2 {
			if err := c.deliver(ctx, c.last, false); err != nil {
				return err
			}
			c.last = nil
		}
	}
	return ctx.Err()
}

var kinds = []struct {
	wire, itemType string
	events         []string
}{
	{"wt", "walkthru", []string{"play", "step", "complete"}},
	{"so", "shoutout", []string{"show", "click"}},
	{"sv", "survey", []string{"show", "dismiss"}},
	{"tk", "task", []string{"click", "complete"}},
}

// batch makes a visitor's next events.
func (c *client) batch(n int) []sent {
	visitor := fmt.Sprintf("v-%d-%d", c.number, c.random.IntN(50))
	session := visitor + "-s" + strconv.Itoa(c.random.IntN(1000))
	now := time.Now().UnixMilli() + c.skew.Load()
	out := make([]sent, n)
	for i := range out {
		kind := kinds[c.random.IntN(len(kinds))]
		c.sequence++
		e := sent{
			event: kind.events[c.random.IntN(len(kind.events))], wireType: kind.wire, itemType: kind.itemType,
			item: strconv.Itoa(100_000 + c.random.IntN(200)), visitor: visitor, session: session, time: now - int64(n-i), sequence: c.sequence,
		}
		binary.BigEndian.PutUint64(e.id[:], c.random.Uint64())
		binary.BigEndian.PutUint64(e.id[8:], c.random.Uint64())
		e.id[6], e.id[8] = e.id[6]&0x0f|0x40, e.id[8]&0x3f|0x80 // RFC 9562, version 4
		out[i] = e
	}
	if c.random.Float64() < poisonShare {
		bad := &out[c.random.IntN(n)]
		if c.random.IntN(2) == 0 {
			bad.malformed = true // refused at the door
		} else {
			bad.poison, bad.wireType = true, "hologram" // an item that no version knows: accepted, and a dead letter
		}
	}
	return out
}

// deliver sends batch until it is answered for good. The answers go to the ledger when told.
func (c *client) deliver(ctx context.Context, batch []sent, tell bool) error {
	wait := 100 * time.Millisecond
	for {
		limit := patience
		if c.random.Float64() < hastyShare {
			limit = hasty
		}
		begin := time.Now()
		results, retryAfter, err := c.post(ctx, batch, limit)
		if results != nil && c.answered != nil {
			c.answered(time.Since(begin))
		}
		c.ledger.requests.Add(1)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if results != nil {
			if !tell {
				return nil
			}
			for i := range batch {
				c.ledger.record(&batch[i], results[i])
			}
			return nil
		}
		c.ledger.repeats.Add(1)
		if err != nil {
			c.ledger.failures.Add(1)
		}
		c.edge++ // another edge may do better
		next := wait/2 + time.Duration(c.random.Int64N(int64(wait)))
		if err := retry.Pause(ctx, max(next, min(retryAfter, 2*time.Second))); err != nil {
			return err
		}
		wait = min(2*wait, 3*time.Second)
	}
}

// post makes one request. Without results it is to be repeated.
func (c *client) post(ctx context.Context, batch []sent, limit time.Duration) (results []bool, retryAfter time.Duration, err error) {
	c.quiet.RLock()
	defer c.quiet.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	url := "http://" + c.edges[c.edge%len(c.edges)] + "/v1/events"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(c.body(batch)))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Write-Key", c.writeKey)
	req.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		results, err = parse(text, len(batch))
		return results, 0, err
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return nil, time.Duration(seconds) * time.Second, nil
	}
	return nil, 0, fmt.Errorf("the edge answers %s: %.300s", resp.Status, text)
}

// body is the batch on the wire.
func (c *client) body(batch []sent) []byte {
	out := fmt.Appendf(nil, `{"sentAt":%d,"events":[`, time.Now().UnixMilli()+c.skew.Load())
	for i := range batch {
		e := &batch[i]
		if i > 0 {
			out = append(out, ',')
		}
		when := strconv.FormatInt(e.time, 10)
		if e.malformed {
			when = `"yesterday"`
		}
		out = fmt.Appendf(out, `{"id":"%s","time":%s,"type":"%s","data":{"type":"%s","oId":%s,"oName":"Item %[5]s"},"user":{"guid":"%s"},"session":"%s","props":{"seq":%d}}`,
			e.id, when, e.event, e.wireType, e.item, e.visitor, e.session, e.sequence)
	}
	return append(out, "]}"...)
}

// parse reads which events were accepted.
func parse(text []byte, want int) ([]bool, error) {
	var answer struct {
		Results []struct {
			Status string    `json:"status"`
			ID     uuid.UUID `json:"id"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("read the edge's answer: %w", err)
	}
	if len(answer.Results) != want {
		return nil, fmt.Errorf("the edge answers for %d events of %d", len(answer.Results), want)
	}
	out := make([]bool, want)
	for i, r := range answer.Results {
		out[i] = r.Status == "accepted"
	}
	return out, nil
}
