package checkpoint

import (
	"encoding/json"
	"fmt"
)

// enricherVersion is the format's.
const enricherVersion = 1

// An Enricher is what the enricher commits beside an offset of the raw topic.
type Enricher struct {
	// Epoch is stored with every event. A deliberate re-enrichment sets the offset back and raises it by one: what is then
	// enriched again comes after what is stored.
	Epoch uint32
}

type enricherWire struct {
	Version int    `json:"v"`
	Epoch   uint32 `json:"epoch"`
}

// String renders e as metadata.
func (e Enricher) String() string {
	text, err := json.Marshal(enricherWire{enricherVersion, e.Epoch})
	if err != nil { // numbers always marshal
		return ""
	}
	return string(text)
}

// ParseEnricher reads the metadata committed with an offset. Empty metadata is a first start, or a commit by another tool:
// epoch 0.
func ParseEnricher(metadata string) (Enricher, error) {
	if metadata == "" {
		return Enricher{}, nil
	}
	var w enricherWire
	if err := json.Unmarshal([]byte(metadata), &w); err != nil {
		return Enricher{}, fmt.Errorf("the offset's metadata is not the enricher's: %w", err)
	}
	if w.Version != enricherVersion {
		return Enricher{}, fmt.Errorf("the offset's metadata has format %d, this enricher knows %d: run the newer enricher", w.Version, enricherVersion)
	}
	return Enricher{w.Epoch}, nil
}
