package checkpoint

import (
	"encoding/json"
	"fmt"
)

// Versions of the format. A sink refuses a newer one: to guess at an intent could lose or double its batch. The second has Superseded
// and is written only while that is set, so that an older sink refuses exactly what it would get wrong.
const (
	sinkVersion           = 1
	sinkVersionSuperseded = 2
)

// A Sink is what the sink commits beside an offset: its write-ahead log.
//
// Before a batch of offsets [C, E) is inserted, offset C is committed with the intent "next E". Whoever owns the partition
// after a crash finds it, reads exactly [C, E) again, makes the same rows in the same order, and inserts them under the same
// token: if they had landed, ClickHouse drops them. The commit of E carries the next batch's intent, so that in the steady
// state a batch costs one commit.
type Sink struct {
	// Next ends the batch whose insert is under way: it begins at the committed offset. 0 when there is none.
	Next int64
	// Source is the highest raw offset stored so far, and the epoch it was enriched under; -1 before the first. Enriched
	// records that are not above it are an enricher's repetition after a crash.
	Source Source
	// Superseded is above 0 while a re-enrichment goes on: raw offsets below it may be stored under an earlier epoch than Source's, and
	// such a row goes when its successor comes.
	Superseded int64
}

// A Source is a place on the raw topic under an epoch of enrichment.
type Source struct {
	Epoch  uint32
	Offset int64
}

// Nowhere is before every source.
var Nowhere = Source{Offset: -1}

// After tells whether s comes after other: epochs first, then offsets.
func (s Source) After(other Source) bool {
	if s.Epoch != other.Epoch {
		return s.Epoch > other.Epoch
	}
	return s.Offset > other.Offset
}

type sinkWire struct {
	Version int    `json:"v"`
	Next    int64  `json:"next,omitempty"`
	Epoch   uint32 `json:"epoch,omitempty"`
	Source  int64  `json:"src"`
	Old     int64  `json:"old,omitempty"`
}

// String renders s as metadata.
func (s Sink) String() string {
	version := sinkVersion
	if s.Superseded > 0 {
		version = sinkVersionSuperseded
	}
	text, err := json.Marshal(sinkWire{version, s.Next, s.Source.Epoch, s.Source.Offset, s.Superseded})
	if err != nil { // numbers always marshal
		return ""
	}
	return string(text)
}

// ParseSink reads the metadata committed with offset. Empty metadata is a first start, or a commit by another tool.
func ParseSink(metadata string, offset int64) (Sink, error) {
	if metadata == "" {
		return Sink{Source: Nowhere}, nil
	}
	var w sinkWire
	if err := json.Unmarshal([]byte(metadata), &w); err != nil {
		return Sink{}, fmt.Errorf("the offset's metadata is not the sink's: %w", err)
	}
	switch {
	case w.Version != sinkVersion && w.Version != sinkVersionSuperseded:
		return Sink{}, fmt.Errorf("the offset's metadata has format %d, this sink knows %d: run the newer sink", w.Version, sinkVersionSuperseded)
	case w.Next != 0 && w.Next <= offset || w.Source < -1, w.Old < 0, (w.Old > 0) != (w.Version == sinkVersionSuperseded):
		return Sink{}, fmt.Errorf("the offset's metadata contradicts itself: offset %d, %s", offset, metadata)
	}
	return Sink{Next: w.Next, Source: Source{w.Epoch, w.Source}, Superseded: w.Old}, nil
}
