package erasure

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

const (
	// Lease is how old a view may be for what is judged by it to be stored. What makes a tombstone waits so long before it relies on it.
	Lease = 10 * time.Second
	// missingAgain is how often a topic that is not there is looked for.
	missingAgain = time.Second
)

// readOptions wait long enough to be cheap, and far less than the lease.
var readOptions = kafka.FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second}

// A View is what a service knows of its region's tombstones: all of them as of a moment that moves with the clock. Run must run. A nil View
// has none and is always complete, for those who have no Kafka.
type View struct {
	follower follower
	log      *zap.Logger
	metrics  *metrics
	state    atomic.Pointer[state]

	mu      sync.Mutex
	changed chan struct{} // closed when state changes
}

// A state is the tombstones as of a moment, and what is wrong.
type state struct {
	set  *Set
	asOf time.Time // by the monotonic clock; zero before the first
	err  error     // an operator's, or the last failure
}

// NewView makes a view of a topic, and adds its metrics to reg.
func NewView(client Reader, topic string, keys Keys, log *zap.Logger, reg prometheus.Registerer) (*View, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	return newView(client, topic, keys, log, m), nil
}

func newView(client Reader, topic string, keys Keys, log *zap.Logger, m *metrics) *View {
	v := &View{follower: follower{reader: client, topic: topic, keys: keys}, log: log, metrics: m, changed: make(chan struct{})}
	v.state.Store(&state{err: fmt.Errorf("%s was not read yet", topic)})
	return v
}

// Run follows the topic until ctx ends.
func (v *View) Run(ctx context.Context) {
	pause := retry.Backoff{First: 50 * time.Millisecond, Last: missingAgain}
	said := ""
	for ctx.Err() == nil {
		asked := time.Now()
		err := v.look(ctx, asked)
		if err == nil {
			pause, said = retry.Backoff{First: 50 * time.Millisecond, Last: missingAgain}, ""
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if text := err.Error(); text != said {
			said = text
			v.log.Warn("the erasures cannot be followed; nothing is stored without them", zap.Error(err))
		}
		_ = pause.Wait(ctx)
	}
}

// look reads once and publishes what came out.
func (v *View) look(ctx context.Context, asked time.Time) error {
	before := v.state.Load()
	complete, changed, err := v.follower.read(ctx, readOptions)
	switch {
	case errors.Is(err, kafka.ErrUnknownTopic) && v.follower.unconfigured():
		// Nobody can have erased anything here. Brokers are asked again: the topic may come.
		v.publish(&state{set: nil, asOf: asked})
		return retry.Pause(ctx, missingAgain)
	case errors.Is(err, kafka.ErrUnknownTopic):
		err = fmt.Errorf("%s is missing, which says who was erased: run waymarkctl topics apply, and erase again whom it named: %w", v.follower.topic, err)
	case err == nil && !complete:
		return nil
	}
	if err != nil { // what is known holds until the lease ends
		v.publish(&state{before.set, before.asOf, err})
		return err
	}
	if v.follower.anew {
		v.follower.anew = false
		v.log.Error("the erasures' topic was made anew, or lost something: what this process knew of it stays in force until it ends. Erase again whom it named")
	}
	next := &state{set: before.set, asOf: asked}
	if changed || before.asOf.IsZero() || before.err != nil {
		if next.set, next.err = v.follower.set(); next.err != nil {
			v.publish(&state{before.set, before.asOf, next.err})
			return next.err
		}
		v.metrics.tombstones.Set(float64(len(next.set.All())))
	}
	v.publish(next)
	return nil
}

func (v *View) publish(s *state) {
	v.state.Store(s)
	v.metrics.asOf.Store(s.asOf.UnixMilli())
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.changed)
	v.changed = make(chan struct{})
}

// Await returns the tombstones as soon as they are known as of less than Lease ago, or ctx's error. Two calls return the same *Set when
// nothing changed between them.
func (v *View) Await(ctx context.Context) (*Set, error) {
	if v == nil {
		return nil, nil
	}
	for {
		v.mu.Lock()
		changed := v.changed
		v.mu.Unlock()
		if set, err := v.now(); err == nil {
			return set, nil
		}
		v.metrics.holds.Inc()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// now returns the tombstones, or why they must not be relied on.
func (v *View) now() (*Set, error) {
	s := v.state.Load()
	var operators *OperatorError
	switch {
	case errors.As(s.err, &operators):
		return nil, s.err
	case !s.asOf.IsZero() && time.Since(s.asOf) < Lease:
		return s.set, nil
	case s.err != nil:
		return nil, s.err
	}
	return nil, fmt.Errorf("%s was last read %s ago", v.follower.topic, time.Since(s.asOf).Round(time.Second))
}

// Check is a readiness check: nothing is stored while it fails.
func (v *View) Check(context.Context) error {
	if v == nil {
		return nil
	}
	_, err := v.now()
	return err
}
