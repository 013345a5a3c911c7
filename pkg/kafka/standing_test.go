package kafka

import (
	"errors"
	"testing"
	"time"
)

func TestAClaimedPartitionThatIsNotAnsweredIsNotReady(t *testing.T) {
	var f fetches
	start := time.Unix(1_700_000_000, 0)
	f.asked("other", 3, start) // not claimed: nobody waits for it
	f.expect("t", 3)
	if err := f.check(start.Add(time.Hour)); err != nil {
		t.Errorf("before the first fetch: %v", err)
	}
	f.asked("t", 3, start)
	f.asked("t", 3, start.Add(fetchSilence)) // asking again is no answer
	if err := f.check(start.Add(fetchSilence)); err != nil {
		t.Error(err)
	}
	if f.check(start.Add(fetchSilence+1)) == nil {
		t.Error("ready though no fetch was answered")
	}
	f.touch("t", 3, start.Add(fetchSilence))
	if err := f.check(start.Add(fetchSilence + 1)); err != nil {
		t.Error(err)
	}
	f.forget("t", 3)
	if err := f.check(start.Add(time.Hour)); err != nil {
		t.Errorf("a partition that went to another member: %v", err)
	}
}

func TestAMembersStanding(t *testing.T) {
	var all standings
	now := time.Now()
	s := all.open(GroupConfig{ID: "g", RebalanceTimeout: 30 * time.Second})
	check := func(what string, at time.Duration, ready bool) {
		t.Helper()
		if err := all.check(now.Add(at)); (err == nil) != ready {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("not joined", 0, false)
	s.heard(now)
	check("joined", 0, true)
	check("a rebalance", 39*time.Second, true)
	check("a rebalance without end", 41*time.Second, false)
	s.failed(errors.New("connection refused"))
	check("an election", 9*time.Second, true)
	check("no coordinator", 11*time.Second, false)
	s.heard(now.Add(11 * time.Second))
	check("a coordinator again", 11*time.Second, true)
	s.lacks([]string{"t"})
	check("a missing topic", 11*time.Second, false)
	all.close(s)
	check("left", 11*time.Second, true)
}
