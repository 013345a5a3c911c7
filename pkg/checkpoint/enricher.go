package checkpoint

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// enricherVersion is the format's. Format 1 knew logs by their names alone, and said nothing but the epoch.
const enricherVersion = 2

// An Enricher is what the enricher commits beside an offset of the raw topic.
type Enricher struct {
	// Epoch is stored with every event. A deliberate re-enrichment sets the offset back and raises it by one: what is then
	// enriched again comes after what is stored.
	Epoch uint32
	// Log is the raw topic's id, LeaderEpoch that of the record before the offset, -1 where there is none. If the log is another one by now,
	// or was cut off below the offset, the offset means nothing on it. Log is uuid.Nil where only the epoch is known.
	Log         uuid.UUID
	LeaderEpoch int32
	// Enriched is the id of the enriched topic that was written to, and Written the offset there after the last record written, 0 before
	// the first: if that log is another one by now, or ends before, records are gone that the offset calls enriched.
	Enriched uuid.UUID
	Written  int64
	// Stored is the raw offset below which the sink had stored everything when it was last asked, and so where enriching begins again
	// when the enriched log is gone; -1 when it could not be asked.
	Stored int64
}

// NewEnricher is the state of a partition of which only the epoch is known.
func NewEnricher(epoch uint32) Enricher { return Enricher{Epoch: epoch, LeaderEpoch: -1, Stored: -1} }

type enricherWire struct {
	Version     int    `json:"v"`
	Epoch       uint32 `json:"epoch"`
	Log         string `json:"log,omitempty"`
	LeaderEpoch int32  `json:"le"`
	Enriched    string `json:"enr,omitempty"`
	Written     int64  `json:"w,omitempty"`
	Stored      int64  `json:"st"`
}

// String renders e as metadata.
func (e Enricher) String() string {
	text, err := json.Marshal(enricherWire{enricherVersion, e.Epoch, shortID(e.Log), e.LeaderEpoch, shortID(e.Enriched), e.Written, e.Stored})
	if err != nil { // numbers and text always marshal
		return ""
	}
	return string(text)
}

// ParseEnricher reads the metadata committed with an offset. ErrForeign means that nothing of ours is there; any other error that a newer
// enricher wrote it, or that it contradicts itself. Format 1 gives the epoch alone.
func ParseEnricher(metadata string) (Enricher, error) {
	version := formatOf(metadata)
	switch {
	case version < 1:
		return NewEnricher(0), ErrForeign
	case version > enricherVersion:
		return Enricher{}, fmt.Errorf("the offset's metadata has format %d, this enricher knows %d: run the newer enricher", version, enricherVersion)
	}
	var w enricherWire
	if err := json.Unmarshal([]byte(metadata), &w); err != nil {
		return Enricher{}, fmt.Errorf("the offset's metadata contradicts itself: %s", metadata)
	}
	if version == 1 {
		return NewEnricher(w.Epoch), nil
	}
	e := Enricher{Epoch: w.Epoch, LeaderEpoch: w.LeaderEpoch, Written: w.Written, Stored: w.Stored}
	var err error
	if e.Log, err = parseID(w.Log); err == nil {
		e.Enriched, err = parseID(w.Enriched)
	}
	if err != nil || e.LeaderEpoch < -1 || e.Written < 0 || e.Stored < -1 {
		return Enricher{}, fmt.Errorf("the offset's metadata contradicts itself: %s", metadata)
	}
	return e, nil
}
