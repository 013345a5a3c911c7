package collect

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/segment"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// Limits of a request of Segment's API, as Segment has them.
const (
	segmentEvents = 2500
	segmentBytes  = 500 << 10 // decompressed
	// maxContext bounds what a batch says of all its events, in bytes: each of their records has it in a header.
	maxContext = 4096
)

// segmentEndpoints are Segment's HTTP tracking API, and what RudderStack's and Jitsu's SDKs made of its paths. Paths with one letter are those of
// analytics.js. One message's endpoint says its type; the messages of a batch say theirs.
//
// All SDKs drop a request that is answered 400, and none sends a single event of a batch again: so 400 is for what can never be taken, and an event
// that cannot be used costs its batch nothing, but is stored to become a dead letter. No answer is a redirection, which counts as delivered.
var segmentEndpoints = func() (all []endpoint) {
	for _, path := range []string{"/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"} {
		at := segmentEndpoint(path, event.FormatSegment, (*Handler).splitSegmentBatch)
		if strings.HasPrefix(path, "/beacon/") { // navigator.sendBeacon has no headers
			at.key = func(h *Handler, r *http.Request) string { return r.URL.Query().Get("writeKey") }
		}
		all = append(all, at)
	}
	for _, method := range segment.Methods {
		for _, path := range []string{"/v1/" + method, "/v1/" + method[:1], "/api/s/" + method, "/api/s/s2s/" + method} {
			all = append(all, segmentEndpoint(path, segment.Format(method), (*Handler).splitSegmentMessage))
		}
	}
	return all
}()

func segmentEndpoint(path, format string, split func(*Handler, []byte, string) (batch, *intake.Refusal)) endpoint {
	return endpoint{
		path: path, methods: []string{http.MethodPost}, format: format, read: (*Handler).readBody, split: split, key: (*Handler).segmentKey, page: originOf,
		answer: writeSegmentResults, refuse: write,
		tooLarge: http.StatusBadRequest, relayed: true, keep: true,
	}
}

// segmentKey is the write key of the header. Jitsu's SDK takes none but key:secret, so what follows a colon does not count. A Bearer token that is
// no key is an OAuth token: then the body has the key.
func (h *Handler) segmentKey(r *http.Request) string {
	key, _, _ := strings.Cut(keyFromHeader(r), ":")
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") && r.Header.Get("X-Write-Key") == "" && !h.intake.Knows(key) {
		return ""
	}
	return key
}

// splitSegmentBatch finds the messages in {"writeKey", "sentAt", "context", "batch": […]}.
func (h *Handler) splitSegmentBatch(data []byte, _ string) (batch, *intake.Refusal) {
	out, refused := segmentBody(data)
	switch {
	case refused != nil:
		return out, refused
	case len(out.events) > segmentEvents:
		return out, intake.Refuse(http.StatusRequestEntityTooLarge, "too_many_events", fmt.Sprintf("a batch has at most %d events", segmentEvents))
	case out.events == nil:
		return out, intake.Refuse(http.StatusBadRequest, "no_events", "the body has no list batch")
	}
	return out, nil
}

// splitSegmentMessage takes the body as one message, which is its own envelope.
func (h *Handler) splitSegmentMessage(data []byte, _ string) (batch, *intake.Refusal) {
	out, refused := segmentBody(data)
	if refused != nil {
		return out, refused
	}
	c := &cursor{data: data}
	message, _ := c.value()
	out.events, out.context = []intake.Piece{{Value: message.Value, Depth: message.Depth}}, nil
	return out, nil
}

// segmentBody reads the outer syntax of a body, after a look whether all of it is JSON: a dead letter always is. It ends at the first event too many.
func segmentBody(data []byte) (out batch, refused *intake.Refusal) {
	c := &cursor{data: data, limit: segmentEvents}
	c.space()
	switch {
	case len(data) > segmentBytes:
		return out, intake.Refuse(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("a request has at most %d bytes", segmentBytes))
	case c.at == len(data):
		return out, intake.Refuse(http.StatusBadRequest, "no_events", "the body is empty")
	case !jsontext.Value(data[c.at:]).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)):
		return out, intake.Refuse(http.StatusBadRequest, "malformed_json", "the body is not JSON")
	case !c.skip('{'):
		return out, intake.Refuse(http.StatusBadRequest, "no_events", "the body is no JSON object")
	}
	for c.space(); c.next() != '}' && len(out.events) <= segmentEvents; c.space() {
		name, _ := c.name()
		if string(name) == "batch" && c.next() == '[' {
			if out.events == nil {
				out.events = []intake.Piece{}
			}
			if out.events, refused = c.array(out.events); refused != nil {
				return out, refused
			}
		} else {
			value, _ := c.value()
			switch string(name) {
			case "writeKey":
				out.key = string(c.unquote(value.Value))
			case "sentAt":
				out.sentAt, _ = segment.Moment(string(bytes.Trim(value.Value[:min(len(value.Value), longestText)], `"`)))
			case "context":
				if len(value.Value) <= maxContext && value.Value[0] == '{' {
					out.context = value.Value
				}
			}
		}
		c.space()
		c.skip(',')
	}
	return out, nil
}

// writeSegmentResults says success, which is all that SDKs look for, and beside it what /v1/events says. Jitsu's wants JSON even so.
func writeSegmentResults(w http.ResponseWriter, results []intake.Result) {
	writeCounts(w, `{"success":true,`, count(results))
}
