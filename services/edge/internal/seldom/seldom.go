// Package seldom counts what happens again and again for one reason, so that it is logged once a minute.
package seldom

import (
	"sync"
	"time"
)

// every is how often the same thing is logged: an outage fails thousands of requests for one reason.
const every = time.Minute

// A Counter counts what happens for one reason, and says when to log it: at first, then once a minute. The zero value is ready.
type Counter struct {
	mu    sync.Mutex
	since map[string]time.Time
	held  map[string]int
}

// Add counts n of key. When it is time, it returns how many came since the last time, and true.
func (s *Counter) Add(key string, n int, now time.Time) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since == nil {
		s.since, s.held = make(map[string]time.Time), make(map[string]int)
	}
	s.held[key] += n
	if last, before := s.since[key]; before && now.Sub(last) < every {
		return 0, false
	}
	n = s.held[key]
	s.since[key], s.held[key] = now, 0
	return n, true
}
