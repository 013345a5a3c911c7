// Package formats knows the wire formats that events come in, by the names that raw records have for them in their header.
package formats

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/recorder"
	"github.com/waymark-events/waymark/pkg/segment"
)

// A Decoder reads one event of a format into out, which it overwrites; out.Details keeps its memory. Strings of out alias raw.Value, which must
// not change while they are in use. The error is a *event.Rejection whose sentence quotes no value.
type Decoder func(raw *event.Raw, out *event.Sent) error

// decoders are all formats. One that was ever written to a raw topic must stay readable.
var decoders = func() map[string]Decoder {
	all := map[string]Decoder{
		event.FormatRecorder: func(raw *event.Raw, out *event.Sent) error { return recorder.DecodeSent(raw.Value, out) },
		event.FormatSegment:  func(raw *event.Raw, out *event.Sent) error { return segment.Decode(raw.Value, raw.Context, "", out) },
	}
	for _, method := range segment.Methods {
		all[segment.Format(method)] = func(raw *event.Raw, out *event.Sent) error {
			return segment.Decode(raw.Value, raw.Context, method, out)
		}
	}
	return all
}()

// Decode reads one event in its raw record's format. A format that this version does not know is a *event.Rejection: a newer edge wrote it. An event
// that does not say when it happened did so when it was sent, or else received.
func Decode(raw *event.Raw, out *event.Sent) error {
	decode, known := decoders[raw.Format]
	if !known {
		return event.Reject(event.ReasonBadHeaders, fmt.Errorf("header %q names a format that this version does not know", event.HeaderFormat))
	}
	err := decode(raw, out)
	if out.Untimed {
		out.Time = cmp.Or(out.SentAt, raw.SentAt, raw.ReceivedAt)
	}
	return err
}

// Names are the formats' names.
func Names() []string { return slices.Sorted(maps.Keys(decoders)) }
