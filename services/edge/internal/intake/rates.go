package intake

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates holds a token bucket an account.
type rates struct {
	perSecond int
	mu        sync.Mutex
	buckets   map[string]*rate.Limiter
}

func newRates(perSecond int) *rates {
	return &rates{perSecond: perSecond, buckets: make(map[string]*rate.Limiter)}
}

// take takes events tokens of the account and returns 0, or how long until there are enough.
func (r *rates) take(accountID string, events int, now time.Time) time.Duration {
	if r.perSecond == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	bucket := r.buckets[accountID]
	if bucket == nil {
		bucket = rate.NewLimiter(rate.Limit(r.perSecond), 2*r.perSecond)
		r.buckets[accountID] = bucket
	}
	// A batch larger than the bucket is let through when the bucket is full.
	reservation := bucket.ReserveN(now, min(events, bucket.Burst()))
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return wait
	}
	return 0
}
