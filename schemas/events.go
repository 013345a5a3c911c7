package schemas

import (
	"embed"
	"io/fs"
)

// EventSchema is the JSON Schema (2020-12) of one recorder event.
//
//go:embed events/event.schema.json
var EventSchema []byte

// BatchSchema is the JSON Schema (2020-12) of what POST /v1/events takes; it refers to EventSchema as event.schema.json.
//
//go:embed events/batch.schema.json
var BatchSchema []byte

//go:embed events/examples/*.json
var examples embed.FS

// Examples holds one JSON file for every event of every item, named <item>-<event>.json, and the event that the format is
// published with, published.json.
func Examples() fs.FS {
	dir, err := fs.Sub(examples, "events/examples")
	if err != nil {
		return examples // not reached: fs.Sub fails only for an invalid path, and this one is a constant
	}
	return dir
}
