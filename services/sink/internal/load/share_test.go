package load

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A joint block is sent again only while no other partition of it has stored, or may store, its rows otherwise; that one has is forgotten when nobody can ask any more.
func TestWhoAgreesToSendAJointBlockAgain(t *testing.T) {
	log := kafka.Log{Topic: "enriched", ID: uuid.New()}
	at := func(partition int32, from, to int64) extent {
		of := log
		of.Partition = partition
		return extent{log: of, era: 7, from: kafka.Position{Offset: from}, to: kafka.Position{Offset: to, LeaderEpoch: 3}}
	}
	own, other := at(0, 10, 20), at(1, 40, 50)
	joint := &checkpoint.Joint{Digest: digestOf([]extent{own, other}), Members: []checkpoint.Member{{Partition: 0, From: 10, To: 20, LeaderEpoch: 3}, {Partition: 1, From: 40, To: 50, LeaderEpoch: 3}}}
	another := &checkpoint.Joint{Digest: "another", Members: joint.Members}
	state := func(change func(*checkpoint.Sink)) checkpoint.Sink {
		s := checkpoint.NewSink(log.ID)
		s.Era = 7
		if change != nil {
			change(&s)
		}
		return s
	}
	for name, c := range map[string]struct {
		offset  int64
		state   checkpoint.Sink
		agrees  bool
		forgets bool // the other one, that it gave up what ended at 50
	}{
		"its intent is open":                {40, state(func(s *checkpoint.Sink) { s.Next, s.Joint = 50, joint }), true, false},
		"… and given up":                    {40, state(func(s *checkpoint.Sink) { s.Next, s.Joint, s.Halved = 50, joint, true }), false, false},
		"… of another joint batch":          {40, state(func(s *checkpoint.Sink) { s.Next, s.Joint = 50, another }), false, false},
		"… of its own":                      {40, state(func(s *checkpoint.Sink) { s.Next = 50 }), false, true},
		"it has gone on":                    {50, state(nil), true, true},
		"… with another intent":             {60, state(func(s *checkpoint.Sink) { s.Next = 70 }), true, true},
		"… and gave up one before":          {60, state(func(s *checkpoint.Sink) { s.Fenced = 40 }), true, true},
		"… and gave it up":                  {60, state(func(s *checkpoint.Sink) { s.Fenced = 50 }), false, true},
		"… and gave up one since":           {90, state(func(s *checkpoint.Sink) { s.Fenced = 90 }), false, true},
		"… in another era":                  {60, state(func(s *checkpoint.Sink) { s.Era = 8 }), false, true},
		"… on another log":                  {60, state(func(s *checkpoint.Sink) { s.Log = uuid.New() }), false, true},
		"it has gone back":                  {30, state(nil), false, true},
		"its intent is open in another era": {40, state(func(s *checkpoint.Sink) { s.Next, s.Joint, s.Era = 50, joint, 9 }), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			committed := answers{{Partition: 0, Offset: 10, Metadata: state(nil).String()}, {Partition: 1, Offset: c.offset, Metadata: c.state.String()}}
			s := siblings{&reader{fetcher: committed, log: other.log}, "sink"}
			beyond, err := s.agree(t.Context(), joint, own)
			if err != nil || (beyond != nil) != c.agrees || beyond[1] != (c.agrees && c.offset >= 50) {
				t.Errorf("agrees: %v, %v; want %t", beyond, err, c.agrees)
			}
			if forgets := s.forget(t.Context(), 50); forgets != c.forgets {
				t.Errorf("forgets: %t, want %t", forgets, c.forgets)
			}
		})
	}
	for name, committed := range map[string]answers{
		"nothing is committed": {}, "an offset without memory": {{Partition: 1, Offset: 60}}, "one that a newer sink wrote": {{Partition: 1, Offset: 60, Metadata: `{"v":99}`}},
	} {
		s := siblings{&reader{fetcher: committed, log: other.log}, "sink"}
		if beyond, err := s.agree(t.Context(), joint, own); err != nil || beyond != nil {
			t.Errorf("%s: agrees: %v, %v", name, beyond, err)
		}
		if forgets := s.forget(t.Context(), 50); forgets == strings.Contains(name, "newer") {
			t.Errorf("%s: forgets: %t", name, forgets)
		}
	}
}

// answers is what is committed.
type answers []kafka.Commitment

func (a answers) Committed(context.Context, string, string) ([]kafka.Commitment, error) {
	return a, nil
}

func (answers) Log(context.Context, string, int32) (kafka.Log, error) { return kafka.Log{}, nil }

func (answers) Bounds(context.Context, kafka.Log) (start, end int64, err error) { return 0, 0, nil }

func (answers) Verify(context.Context, kafka.Log, kafka.Position) error { return nil }

func (answers) Fetch(context.Context, kafka.Log, int64, kafka.FetchOptions) (*kafka.Batch, error) {
	return nil, kafka.ErrLogGone
}
