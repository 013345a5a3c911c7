package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"
)

// Formats 1 and 2 knew logs by their names alone: what they say is no memory of this one. Format 4 is written only while a joint intent is open, and
// once a joint batch was given up: a sink that knows format 3 goes on from everything else, and stops before what it would complete as if the batch were
// alone, or would forget.
const (
	sinkVersion      = 3
	jointSinkVersion = 4
)

// ErrForeign means that an offset was committed without metadata of ours: by a tool such as kafka-consumer-groups, or by a version that
// knew logs by their names alone. Of what is stored it says nothing.
var ErrForeign = errors.New("the offset was committed without Waymark's metadata")

// A Sink is what the sink commits beside an offset: its write-ahead log.
//
// Before a batch of offsets [C, E) is inserted, offset C is committed with the intent "next E". Whoever owns the partition
// after a crash finds it, reads exactly [C, E) again, makes the same rows in the same order, and inserts them under the same
// token: if they had landed, ClickHouse drops them. The commit of E carries the next batch's intent, so that in the steady
// state a batch costs one commit.
type Sink struct {
	// Log is the id of the topic that the offset is of, LeaderEpoch that of the record before the offset, -1 where there is none. If the
	// log is another one by now, or was cut off below the offset, the offset means nothing on it.
	Log         uuid.UUID
	LeaderEpoch int32
	// Era is another one, in Unix milliseconds, each time that the sink could not simply go on from its memory. Inserts of different eras have
	// different tokens: what was stored once, and deleted since, must not be taken for a repetition when it is read again.
	Era int64
	// Next ends the batch whose insert is under way: it begins at the committed offset. 0 when there is none. NextLeaderEpoch is that of
	// the record before Next: it tells whether the batch can still be read.
	Next            int64
	NextLeaderEpoch int32
	// Halved says that a part of the batch may have been inserted under a token of its own, since ClickHouse refused the whole: the whole must
	// not be sent again then.
	Halved bool
	// Replaces says that rows of earlier epochs are deleted before the batch is inserted: if it cannot be read again, they may be missing.
	Replaces bool
	// Joint is what the batch is inserted together with; nil when it is alone. Halved says then that it was given up: parts of it may have been
	// inserted under the joint token, and under the batch's own.
	Joint *Joint
	// Fenced ends the last joint batch of the partition that was given up, 0 where none was in this era that anybody needs to know of: what comes
	// before it may be stored otherwise than by the block of its joint batch, and what comes after it is not, of what was in one.
	Fenced int64
	// Marks are how far the raw logs are stored that the partition was fed from. Enriched records that are not above their log's mark are an
	// enricher's repetition after a crash. The dead topic's partitions have none.
	Marks Marks
}

// NewSink is the state of a partition of which nothing is known.
func NewSink(log uuid.UUID) Sink { return Sink{Log: log, LeaderEpoch: -1, NextLeaderEpoch: -1} }

type sinkWire struct {
	Version     int        `json:"v"`
	Log         string     `json:"log"`
	LeaderEpoch int32      `json:"le"`
	Era         int64      `json:"era,omitempty"`
	Next        int64      `json:"next,omitempty"`
	NextEpoch   int32      `json:"nle,omitempty"`
	Halved      bool       `json:"h,omitempty"`
	Replaces    bool       `json:"r,omitempty"`
	Joint       *jointWire `json:"j,omitempty"`
	Fenced      int64      `json:"fe,omitempty"`
	Marks       []markWire `json:"src,omitempty"`
}

type markWire struct {
	Topic       string `json:"t"`
	Epoch       uint32 `json:"e,omitempty"`
	LeaderEpoch int32  `json:"l"`
	Offset      int64  `json:"o"`
	Superseded  int64  `json:"old,omitempty"`
	Fed         int32  `json:"f"`
	// Doubt holds epoch, leader epoch and offset.
	Doubt *[3]int64 `json:"d,omitempty"`
}

// String renders s as metadata.
func (s Sink) String() string {
	w := sinkWire{Version: sinkVersion, Log: shortID(s.Log), LeaderEpoch: s.LeaderEpoch, Era: s.Era, Next: s.Next, Fenced: s.Fenced}
	if s.Fenced > 0 {
		w.Version = jointSinkVersion
	}
	if s.Next > 0 {
		w.NextEpoch, w.Halved, w.Replaces = s.NextLeaderEpoch, s.Halved, s.Replaces
		if s.Joint != nil {
			w.Version, w.Joint = jointSinkVersion, s.Joint.wire()
		}
	}
	for _, m := range s.Marks {
		mark := markWire{shortID(m.Topic), m.Epoch, m.LeaderEpoch, m.Offset, m.Superseded, m.Fed, nil}
		// Doubt ends where Source has passed it.
		if m.Doubt.After(m.Source) {
			mark.Doubt = &[3]int64{int64(m.Doubt.Epoch), int64(m.Doubt.LeaderEpoch), m.Doubt.Offset}
		}
		w.Marks = append(w.Marks, mark)
	}
	text, err := json.Marshal(w)
	if err != nil { // numbers and text always marshal
		return ""
	}
	return string(text)
}

// formatOf returns the format of metadata, 0 when it is not ours.
func formatOf(metadata string) int {
	var w struct {
		Version int `json:"v"`
	}
	if json.Unmarshal([]byte(metadata), &w) != nil {
		return 0
	}
	return w.Version
}

// ParseSink reads the metadata committed with offset. ErrForeign means that nothing of ours is there; any other error that a newer sink
// wrote it, or that it contradicts itself: to guess at an intent could lose or double its batch.
func ParseSink(metadata string, offset int64) (Sink, error) {
	switch version := formatOf(metadata); {
	case version < sinkVersion:
		return Sink{}, ErrForeign
	case version > jointSinkVersion:
		return Sink{}, fmt.Errorf("the offset's metadata has format %d, this sink knows %d: run the newer sink", version, jointSinkVersion)
	}
	contradicts := fmt.Errorf("the offset's metadata contradicts itself: offset %d, %s", offset, metadata)
	var w sinkWire
	if json.Unmarshal([]byte(metadata), &w) != nil {
		return Sink{}, contradicts
	}
	s := Sink{LeaderEpoch: w.LeaderEpoch, Era: w.Era, Next: w.Next, NextLeaderEpoch: -1, Fenced: w.Fenced}
	var err error
	if s.Log, err = parseID(w.Log); err != nil || s.Log == uuid.Nil || w.LeaderEpoch < -1 || w.Era < 0 || w.Fenced < 0 || w.Next != 0 && w.Next <= offset {
		return Sink{}, contradicts
	}
	if w.Next > 0 {
		s.NextLeaderEpoch, s.Halved, s.Replaces = w.NextEpoch, w.Halved, w.Replaces
		if w.Joint != nil {
			if s.Joint, err = w.Joint.parse(); err != nil {
				return Sink{}, contradicts
			}
		}
	}
	for _, mark := range w.Marks {
		topic, err := parseID(mark.Topic)
		if _, again := s.Marks.Find(topic); err != nil || topic == uuid.Nil || again || mark.Offset < -1 || mark.LeaderEpoch < -1 || mark.Superseded < 0 || mark.Fed < -1 {
			return Sink{}, contradicts
		}
		m := Mark{Source: Source{topic, mark.Epoch, mark.LeaderEpoch, mark.Offset}, Superseded: mark.Superseded, Fed: mark.Fed, Doubt: Nowhere(topic)}
		if d := mark.Doubt; d != nil {
			if d[0] < 0 || d[0] > math.MaxUint32 || d[1] < -1 || d[1] > math.MaxInt32 || d[2] < -1 {
				return Sink{}, contradicts
			}
			m.Doubt = Source{topic, uint32(d[0]), int32(d[1]), d[2]}
		}
		s.Marks = append(s.Marks, m)
	}
	return s, nil
}
