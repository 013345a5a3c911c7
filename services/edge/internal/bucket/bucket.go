// Package bucket limits rates by token buckets, one a key, in a table that does not grow beyond its size.
package bucket

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A Rate is how many tokens come back in a second, and how many a bucket holds.
type Rate struct{ PerSecond, Burst float64 }

// PerSecond is a rate of n a second, with bursts of twice as many.
func PerSecond(n int) Rate { return Rate{float64(n), 2 * float64(n)} }

// PerMinute is a rate of n a minute, with bursts of as many.
func PerMinute(n int) Rate { return Rate{float64(n) / 60, float64(n)} }

// A Table has the buckets. The one that was not asked for longest makes room for a new key's, and is full when it comes back: whoever sends
// from many addresses gains a burst for each, and takes no memory. It is safe for concurrent use.
type Table[K comparable] struct {
	mu  sync.Mutex
	lru *simplelru.LRU[K, level]
}

// A level is what a bucket held at a moment.
type level struct {
	tokens float64
	at     time.Time
}

// NewTable makes a table of at most so many buckets, at least one.
func NewTable[K comparable](most int) *Table[K] {
	lru, err := simplelru.NewLRU[K, level](most, nil)
	if err != nil { // only for a size that is none
		panic(err)
	}
	return &Table[K]{lru: lru}
}

// Take takes n tokens of a key's bucket and returns 0, or takes none and returns how long until there are enough. More than a bucket holds are
// taken from a full one: a large batch is late, never refused for ever.
func (t *Table[K]) Take(key K, n int, rate Rate, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	held := t.filled(key, rate, now)
	want := min(float64(n), rate.Burst)
	// What comes back in fractions may lack the last bit of a whole token.
	if missing := want - held.tokens; missing > 1e-9 {
		t.lru.Add(key, held)
		return time.Duration(missing / rate.PerSecond * float64(time.Second))
	}
	held.tokens -= want
	t.lru.Add(key, held)
	return 0
}

// Give puts back what Take took: another limit refused.
func (t *Table[K]) Give(key K, n int, rate Rate, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	held := t.filled(key, rate, now)
	held.tokens = min(rate.Burst, held.tokens+min(float64(n), rate.Burst))
	t.lru.Add(key, held)
}

// filled is a bucket's level now. A clock that goes back fills nothing.
func (t *Table[K]) filled(key K, rate Rate, now time.Time) level {
	held, known := t.lru.Get(key)
	if !known {
		return level{rate.Burst, now}
	}
	if passed := now.Sub(held.at); passed > 0 {
		held.tokens, held.at = held.tokens+passed.Seconds()*rate.PerSecond, now
	}
	held.tokens = min(held.tokens, rate.Burst) // a new accounts file may have lowered it
	return held
}

// Len is how many buckets there are.
func (t *Table[K]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lru.Len()
}
