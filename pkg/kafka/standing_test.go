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

func TestTopicsAreJudgedByWhatTheyLose(t *testing.T) {
	use := TopicUse{Topic: "t", BatchBytes: 1_000_000}
	for name, c := range map[string]struct {
		config map[string]string
		loses  bool
		doubts int
	}{
		"as topics.yaml says": {map[string]string{"cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1",
			"message.timestamp.type": "CreateTime", "message.timestamp.before.max.ms": "9223372036854775807", "max.message.bytes": "1048588"}, false, 0},
		"kept for ever":              {map[string]string{"retention.ms": "-1"}, false, 0},
		"a broker that tells little": {nil, false, 0},
		"compacted":                  {map[string]string{"cleanup.policy": "compact"}, true, 0},
		"compacted and deleted":      {map[string]string{"cleanup.policy": "compact,delete"}, true, 0},
		"kept for minutes":           {map[string]string{"retention.ms": "600000"}, false, 1},
		"bounded in bytes":           {map[string]string{"retention.bytes": "1000000"}, false, 1},
		"times of the broker's":      {map[string]string{"message.timestamp.type": "LogAppendTime", "message.timestamp.before.max.ms": "1000"}, false, 1},
		"late records are refused":   {map[string]string{"message.timestamp.before.max.ms": "60000"}, false, 1},
		"so on old brokers":          {map[string]string{"message.timestamp.difference.max.ms": "60000"}, false, 1},
		"small batches only":         {map[string]string{"max.message.bytes": "2000"}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			loss, doubts := judge(use, c.config)
			if (loss != "") != c.loses || len(doubts) != c.doubts {
				t.Errorf("loss %q, doubts %q", loss, doubts)
			}
		})
	}
}
