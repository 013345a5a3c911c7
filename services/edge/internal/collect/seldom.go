package collect

import (
	"sync"
	"time"
)

// seldomEvery is how often the same thing is logged: an outage fails thousands of requests for one reason.
const seldomEvery = time.Minute

// A seldom counts what happens for one reason, and says when to log it: at first, then once a minute. The zero value is ready.
type seldom struct {
	mu    sync.Mutex
	since map[string]time.Time
	held  map[string]int
}

// add counts n of key. When it is time, it returns how many came since the last time, and true.
func (s *seldom) add(key string, n int, now time.Time) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since == nil {
		s.since, s.held = make(map[string]time.Time), make(map[string]int)
	}
	s.held[key] += n
	if last, before := s.since[key]; before && now.Sub(last) < seldomEvery {
		return 0, false
	}
	n = s.held[key]
	s.since[key], s.held[key] = now, 0
	return n, true
}
