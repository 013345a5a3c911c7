package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
)

// Reach returns a readiness check: nil while a broker of the settings answers, the topics exist, and the leader of every partition of
// theirs can be connected to at the address it advertises. Clients go there, not to the addresses of the settings, and a name that
// does not resolve where this runs leaves them with nothing. A leader that is away for less than ten seconds is being replaced; that
// is not reported, except before all have been reached once. The check looks at most once a second.
func (c *Client) Reach(topics ...string) func(context.Context) error {
	r := &reach{client: c, topics: topics}
	return r.check
}

type reach struct {
	client *Client
	topics []string

	mu      sync.Mutex
	until   time.Time // last is the answer until then
	last    error
	reached time.Time // when all leaders were last connected to
}

// remembered is how long an answer stands for further probes: each look is some connections.
const remembered = time.Second

func (r *reach) check(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return r.last
	}
	r.last = r.look(ctx)
	if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) { // otherwise the probe went away, which says nothing
		r.until = time.Now().Add(remembered)
	}
	return r.last
}

func (r *reach) look(ctx context.Context) error {
	if err := r.client.Ping(ctx); err != nil {
		return err
	}
	leaders, err := r.leaders(ctx)
	if errors.Is(err, ErrUnknownTopic) {
		return err
	}
	if err == nil {
		err = r.dial(ctx, leaders)
	}
	switch {
	case err == nil:
		r.reached = time.Now()
	case time.Since(r.reached) < trouble:
		return nil
	}
	return err
}

// leaders returns the addresses that lead partitions of the topics, each with one of the topics.
func (r *reach) leaders(ctx context.Context) (map[string]string, error) {
	out := make(map[string]string)
	for _, topic := range r.topics {
		t, err := r.client.cluster.Topic(ctx, topic)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
		for _, p := range t.Partitions {
			if p.Leader.Host == "" {
				return nil, fmt.Errorf("partition %d of %s has no leader", p.ID, topic)
			}
			out[net.JoinHostPort(p.Leader.Host, strconv.Itoa(p.Leader.Port))] = topic
		}
	}
	return out, nil
}

// dial connects to every address, TLS and SASL included, all at once.
func (r *reach) dial(ctx context.Context, leaders map[string]string) error {
	errs := make([]error, len(leaders))
	var all sync.WaitGroup
	for i, address := range slices.Sorted(maps.Keys(leaders)) {
		all.Go(func() {
			conn, err := r.client.connect(ctx, address)
			if err != nil {
				errs[i] = fmt.Errorf("a broker that leads %s cannot be reached at %s, the address it advertises: %w", leaders[address], address, cluster.Explain(err))
				return
			}
			_ = conn.Close() // nothing was sent
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // one sentence is enough
		}
	}
	return nil
}

// connect dials address, TLS and SASL included, before ctx and DialTimeout end. kafka-go's dialer alone would wait for ever for a
// broker that takes the connection and is silent about SASL.
func (c *Client) connect(ctx context.Context, address string) (*kafkago.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	dialer := *c.dialer
	inTime := func() bool { return true }
	dialer.DialFunc = func(dialCtx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{KeepAlive: dialer.KeepAlive}).DialContext(dialCtx, network, address)
		if err == nil {
			inTime = context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	switch {
	case err == nil && inTime():
		return conn, nil
	case err == nil:
		_ = conn.Close() // it is closed already
		return nil, ctx.Err()
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return nil, err
}
