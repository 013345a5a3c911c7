package telemetry

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Health collects what makes a service ready. The zero value is ready.
type Health struct {
	mu     sync.Mutex
	checks []check
	failed error
}

type check struct {
	name string
	ok   func(context.Context) error
}

// Check adds a readiness check. It is run at each look, so it must be cheap and heed its context.
func (h *Health) Check(name string, ok func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, check{name, ok})
}

// Fail makes the service not ready until Recover: an error that only an operator can mend.
func (h *Health) Fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = err
}

// Recover takes back Fail.
func (h *Health) Recover() { h.Fail(nil) }

// Ready returns nil when every check passes, otherwise the first that does not, by name.
func (h *Health) Ready(ctx context.Context) error {
	h.mu.Lock()
	checks, failed := slices.Clone(h.checks), h.failed
	h.mu.Unlock()
	if failed != nil {
		return failed
	}
	for _, c := range checks {
		if err := c.ok(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}
