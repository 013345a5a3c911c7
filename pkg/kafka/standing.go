package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// trouble is how long a group, or a leader, may be away before that is worth a word: elections and rebalances take less.
	trouble = 10 * time.Second
	// fetchSilence is how long a claimed partition may go without an answer to a fetch, one without records included. It lies above
	// every timeout of a request, so that only what hangs or fails again and again counts.
	fetchSilence = time.Minute
)

// CheckGroups is a readiness check: it returns nil while every group that RunGroup runs for this client gets on, and otherwise one
// sentence. A group gets on while its coordinator answers, its topics are there, and every claimed partition is fetched from.
// Before the first generation is joined nothing is known to work.
func (c *Client) CheckGroups(context.Context) error {
	if err := c.standings.check(time.Now()); err != nil {
		return err
	}
	return c.fetches.check(time.Now())
}

// standings are the memberships of a client that run now.
type standings struct {
	mu  sync.Mutex
	all []*standing
}

func (s *standings) open(cfg GroupConfig) *standing {
	st := &standing{group: cfg.ID, patience: trouble + cfg.RebalanceTimeout, since: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, st)
	return st
}

func (s *standings) close(st *standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(other *standing) bool { return other == st })
}

func (s *standings) check(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.all {
		if err := st.check(now); err != nil {
			return err
		}
	}
	return nil
}

// A standing is how a membership gets on.
type standing struct {
	group string
	// patience is how long joining may take while nothing fails: as long as the slowest member's batch in hand.
	patience time.Duration

	mu sync.Mutex
	// since is when the coordinator last answered, or the membership began; member is false until the first generation.
	since  time.Time
	member bool
	// err is what failed since.
	err     error
	missing []string
}

// heard notes that the coordinator counted this member in at that time.
func (s *standing) heard(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since, s.member, s.err = at, true, nil
}

func (s *standing) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *standing) lacks(topics []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missing = topics
}

func (s *standing) check(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	silent := now.Sub(s.since)
	switch {
	case len(s.missing) > 0:
		return fmt.Errorf("the topic %s does not exist, or this user may not see it", strings.Join(s.missing, " and "))
	case !s.member && s.err != nil:
		return fmt.Errorf("the group %s is not joined yet: %w", s.group, s.err)
	case !s.member:
		return fmt.Errorf("the group %s is not joined yet", s.group)
	case s.err != nil && silent > trouble:
		return fmt.Errorf("the group %s has no coordinator since %s: %w", s.group, silent.Round(time.Second), s.err)
	case silent > s.patience:
		return fmt.Errorf("the group %s rebalances since %s", s.group, silent.Round(time.Second))
	}
	return nil
}

// fetches remembers when each claimed partition last answered. Heartbeats keep a stuck member in its group for ever; a probe that looks
// here does not.
type fetches struct {
	mu       sync.Mutex
	answered map[topicPartition]time.Time
}

// A topicPartition names a partition.
type topicPartition struct {
	topic     string
	partition int32
}

// expect watches a partition from its first fetch on: what its handler does before is its own to report.
func (f *fetches) expect(topic string, partition int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answered == nil {
		f.answered = make(map[topicPartition]time.Time)
	}
	f.answered[topicPartition{topic, partition}] = time.Time{}
}

func (f *fetches) forget(topic string, partition int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.answered, topicPartition{topic, partition})
}

// asked notes the first fetch of a partition, if it is watched.
func (f *fetches) asked(topic string, partition int32, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := topicPartition{topic, partition}
	if at, watched := f.answered[key]; watched && at.IsZero() {
		f.answered[key] = now
	}
}

// touch notes an answer of a partition, if it is watched.
func (f *fetches) touch(topic string, partition int32, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := topicPartition{topic, partition}
	if _, watched := f.answered[key]; watched {
		f.answered[key] = now
	}
}

func (f *fetches) check(now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, at := range f.answered {
		if silent := now.Sub(at); silent > fetchSilence && !at.IsZero() {
			return fmt.Errorf("no fetch from partition %d of %s was answered for %s", key.partition, key.topic, silent.Round(time.Second))
		}
	}
	return nil
}
