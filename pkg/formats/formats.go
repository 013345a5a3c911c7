// Package formats knows the wire formats that events come in, by the names that raw records have for them in their header.
package formats

import (
	"fmt"
	"maps"
	"slices"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/recorder"
)

// A Decoder reads one event of a format into out, which it overwrites; out.Details keeps its memory. Strings of out alias value, which must not change
// while they are in use. The error is a *event.Rejection whose sentence quotes no value.
type Decoder func(value []byte, out *event.Sent) error

// decoders are all formats. One that was ever written to a raw topic must stay readable.
var decoders = map[string]Decoder{
	event.FormatRecorder: recorder.DecodeSent,
}

// Decode reads one event of a format. A format that this version does not know is a *event.Rejection: a newer edge wrote it.
func Decode(format string, value []byte, out *event.Sent) error {
	decode, known := decoders[format]
	if !known {
		return event.Reject(event.ReasonBadHeaders, fmt.Errorf("header %q names a format that this version does not know", event.HeaderFormat))
	}
	return decode(value, out)
}

// Names are the formats' names.
func Names() []string { return slices.Sorted(maps.Keys(decoders)) }
