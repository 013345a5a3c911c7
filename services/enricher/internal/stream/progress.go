package stream

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// stallAfter is how long a partition may show no sign of life, a fetch without records among them. It lies above every
// timeout of a request, so that only what hangs or fails again and again counts.
const stallAfter = time.Minute

// progress remembers when each claimed partition last moved. Heartbeats keep a stuck member in its group for ever; a probe that
// looks here does not.
type progress struct {
	mu    sync.Mutex
	moved map[int32]time.Time
}

func (p *progress) touch(partition int32, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.moved == nil {
		p.moved = map[int32]time.Time{}
	}
	p.moved[partition] = now
}

func (p *progress) forget(partition int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.moved, partition)
}

// check is a readiness check.
func (p *progress) check(context.Context) error { return p.stalled(time.Now()) }

func (p *progress) stalled(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for partition, at := range p.moved {
		if still := now.Sub(at); still > stallAfter {
			return fmt.Errorf("partition %d has not moved for %s", partition, still.Round(time.Second))
		}
	}
	return nil
}
