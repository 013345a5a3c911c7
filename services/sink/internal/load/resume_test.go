package load

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
)

func TestResume(t *testing.T) {
	log, before, raw := uuid.New(), uuid.New(), uuid.New()
	marks := checkpoint.Marks{{Source: checkpoint.Source{Topic: raw, Offset: 40}, Fed: 3, Doubt: checkpoint.Nowhere(raw)}}
	unfed := marks.OfAnotherLog()
	memory := func(change func(*checkpoint.Sink)) *checkpoint.Sink {
		s := checkpoint.Sink{Log: log, LeaderEpoch: 3, Era: 7, NextLeaderEpoch: -1, Marks: marks}
		if change != nil {
			change(&s)
		}
		return &s
	}
	open := func(s *checkpoint.Sink) { s.Next, s.NextLeaderEpoch = 90, 3 }
	state := func(change func(*checkpoint.Sink)) checkpoint.Sink {
		s := checkpoint.NewSink(log)
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		evidence evidence
		want     course
		says     string
	}{
		"a new group": {
			evidence{offset: -1, log: log, start: 5, end: 100, cut: -1},
			course{next: 5, state: checkpoint.NewSink(log), fresh: true}, "",
		},
		"as it was left": {
			evidence{offset: 80, memory: memory(nil), log: log, end: 100, cut: -1},
			course{next: 80, state: *memory(nil)}, "",
		},
		"an open intent": {
			evidence{offset: 80, memory: memory(open), log: log, end: 100, cut: -1},
			course{next: 80, state: *memory(open)}, "",
		},
		"another tool set the offset": {
			evidence{offset: 80, log: log, start: 5, end: 100, cut: -1},
			course{next: 80, state: checkpoint.NewSink(log)}, "set the offset to 5",
		},
		"another tool set it to the start": {
			evidence{offset: 5, log: log, start: 5, end: 100, cut: -1},
			course{next: 5, state: checkpoint.NewSink(log)}, "leaving out what is stored",
		},
		"another tool set it beyond the end": {
			evidence{offset: 101, log: log, start: 5, end: 100, cut: -1},
			course{next: 5, state: checkpoint.NewSink(log), fresh: true}, "beyond the log's end 100",
		},
		"another tool set it before the start": {
			evidence{offset: 4, log: log, start: 5, end: 100, cut: -1},
			course{next: 5, state: checkpoint.NewSink(log), fresh: true}, "before the log's start",
		},
		"the topic was made anew": {
			evidence{offset: 80, memory: memory(func(s *checkpoint.Sink) { s.Log = before }), log: log, end: 900, cut: -1},
			course{next: 0, state: state(func(s *checkpoint.Sink) { s.Marks = unfed }), fresh: true}, "deleted and made anew",
		},
		"the topic was made anew, with an intent open": {
			evidence{offset: 80, memory: memory(func(s *checkpoint.Sink) { open(s); s.Log = before }), log: log, end: 900, cut: -1},
			course{next: 0, state: state(func(s *checkpoint.Sink) { s.Marks = unfed }), fresh: true, doubt: true}, "views may lack",
		},
		"cut off below the offset": {
			evidence{offset: 80, memory: memory(nil), log: log, end: 100, cut: 60, cutEpoch: 2},
			course{next: 60, state: *memory(func(s *checkpoint.Sink) { s.LeaderEpoch, s.Era = 2, 0 })}, "cut off at offset 60",
		},
		"cut off inside an intent": {
			evidence{offset: 80, memory: memory(open), log: log, end: 100, cut: 85, cutEpoch: 3},
			course{next: 80, state: *memory(func(s *checkpoint.Sink) { s.Era = 0 }), doubt: true}, "views may lack",
		},
		"cut off inside an intent that replaces": {
			evidence{offset: 80, memory: memory(func(s *checkpoint.Sink) { open(s); s.Replaces = true }), log: log, start: 5, end: 100, cut: 85, cutEpoch: 3},
			course{next: 5, state: *memory(func(s *checkpoint.Sink) { s.LeaderEpoch, s.Era, s.Marks = -1, 0, nil })}, "going on at 5",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := resume(c.evidence)
			if !strings.Contains(got.say, c.says) || (c.says == "") != (got.say == "") {
				t.Errorf("says %q, want %q", got.say, c.says)
			}
			got.say = ""
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
		})
	}
}
