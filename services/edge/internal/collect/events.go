package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// eventsEndpoint takes events in the recorder's format.
var eventsEndpoint = endpoint{
	path: "/v1/events", methods: []string{http.MethodPost}, format: event.FormatRecorder, read: (*Handler).readBody, split: (*Handler).split,
	key: func(_ *Handler, r *http.Request) string { return keyFromHeader(r) }, page: originOf,
	answer: writeResults, refuse: write, tooLarge: http.StatusRequestEntityTooLarge,
}

// split finds the events in data: one, an array, an envelope, or one after the other. It reads the outer syntax only: what is wrong within
// an event is that event's own fault, and recorder.Decode finds it. It ends at the first event too many, so that what a request costs before
// anybody is asked for a key is one look at its bytes.
func (h *Handler) split(data []byte, contentType string) (batch, *intake.Refusal) {
	return h.splitInto(readings.Get().(*reading), data, contentType)
}

// splitInto is split, and without a memory as it would be if no event could be read in brief.
func (h *Handler) splitInto(memory *reading, data []byte, contentType string) (batch, *intake.Refusal) {
	c := &cursor{data: data, limit: h.limits.BatchEvents, reading: memory}
	c.space()
	out := batch{reading: memory}
	if memory != nil {
		out.events = memory.pieces[:0]
	}
	var refused *intake.Refusal
	switch {
	case c.at == len(data):
		return out, intake.Refuse(http.StatusBadRequest, "no_events", "the body is empty")
	case strings.HasPrefix(strings.ToLower(contentType), "application/x-ndjson"):
		out.events, _ = c.lines(out.events, true)
	case c.next() == '[':
		if out.events, refused = c.array(out.events); refused == nil && !c.end() {
			refused = c.malformed()
		}
	case c.next() == '{':
		refused = c.objects(&out)
	default:
		refused = c.malformed()
	}
	switch {
	case len(out.events) > h.limits.BatchEvents:
		return out, intake.Refuse(http.StatusRequestEntityTooLarge, "too_many_events", fmt.Sprintf("a request has at most %d events", h.limits.BatchEvents))
	case refused != nil:
		return out, refused
	case len(out.events) == 0:
		return out, intake.Refuse(http.StatusBadRequest, "no_events", "the body holds no events")
	}
	return out, nil
}

// objects reads an envelope, or a body that is one event, or several, into out.
func (c *cursor) objects(out *batch) *intake.Refusal {
	start := *c
	events := out.events
	if first, ok := c.brief(); ok && c.end() {
		out.events = append(events, first)
		return nil
	}
	*c = start
	isEnvelope, refused := c.envelope(out)
	if isEnvelope {
		if refused == nil && len(out.events) <= c.limit && !c.end() && c.next() != '{' {
			refused = c.malformed()
		}
		if refused != nil || c.next() != '{' || len(out.events) > c.limit {
			return refused
		}
	}
	// No envelope, or the first of several: then each is told that it is no event.
	*c, *out = start, batch{events: events, reading: out.reading}
	if first, ok := c.value(); ok && c.end() {
		out.events = append(events, first)
		return nil
	}
	*c = start
	var sound int
	if out.events, sound = c.lines(events, false); sound == 0 {
		return c.malformed()
	}
	return nil
}

// envelope reads {"key", "sentAt", "events"}, and says whether it was one. Of "events" there may be several: all are taken.
func (c *cursor) envelope(out *batch) (isEnvelope bool, refused *intake.Refusal) {
	c.at++
	isEvent, keys := 0, 0
	for comma := false; ; comma = true {
		if c.space(); c.next() == '}' && !comma {
			break
		}
		name, ok := c.name()
		if !ok {
			return isEnvelope, c.malformed()
		}
		if string(name) == "events" && c.next() == '[' {
			isEnvelope = true
			if out.events, refused = c.array(out.events); refused != nil || len(out.events) > c.limit {
				return isEnvelope, refused
			}
		} else {
			value, ok := c.value()
			if !ok {
				return isEnvelope, c.malformed()
			}
			switch string(name) {
			case "key":
				keys++
				out.key = string(c.unquote(value.Value))
			case "sentAt":
				out.sentAt = parseMoment(value.Value)
			case "time", "type", "data":
				isEvent++
			}
		}
		if c.space(); c.next() == '}' {
			break
		}
		if !c.skip(',') {
			return isEnvelope, c.malformed()
		}
	}
	c.at++
	switch {
	case isEnvelope && keys > 1:
		refused = intake.Refuse(http.StatusBadRequest, "ambiguous", "the body names its key twice")
	case isEnvelope && isEvent >= 3:
		refused = intake.Refuse(http.StatusBadRequest, "ambiguous", "the body is an event and has a list of events: send one or the other")
	}
	return isEnvelope, refused
}

// array appends the array's values to events, until there is one too many.
func (c *cursor) array(events []intake.Piece) ([]intake.Piece, *intake.Refusal) {
	c.at++
	if c.space(); c.skip(']') {
		return events, nil
	}
	for len(events) <= c.limit {
		value, ok := c.event()
		if !ok {
			return events, c.malformed()
		}
		events = append(events, value)
		c.space()
		if c.skip(']') {
			return events, nil
		}
		if !c.skip(',') {
			return events, c.malformed()
		}
	}
	return events, nil
}

// lines takes the objects that stand one after the other, until there is one too many, and counts those that are sound from outside. A line
// that is not is one event, to be refused alone. Unless each event has a line of its own, an object may go on over several: they are only
// taken for broken lines if it never ends.
func (c *cursor) lines(events []intake.Piece, ownLine bool) (_ []intake.Piece, sound int) {
	end := 0 // of the line: looked for once, however many objects stand on it
	for c.sequenceSpace(); c.at < len(c.data) && len(events) <= c.limit; c.sequenceSpace() {
		start := c.at
		if start >= end {
			end = start + len(c.line())
		}
		line := c.data[start:end]
		within := cursor{data: line, reading: c.reading}
		found, ok := within.event()
		if ok = ok && within.another(); ok {
			c.at = start + within.at
		} else if !ownLine && c.next() == '{' && within.at == len(line) {
			found, ok = c.value()
			ok = ok && c.another()
			ownLine = !ok // once is enough: no second look at all the bytes
		}
		if ok {
			sound++
		} else {
			c.at = end
			line = bytes.TrimRight(line, " \t\r")
			found = intake.Piece{Value: line, Depth: depth(line)}
		}
		events = append(events, found)
	}
	return events, sound
}

// parseMoment reads Unix milliseconds or RFC 3339; what is neither counts as not sent.
func parseMoment(value []byte) int64 {
	if millis, plain := plainMoment(value); plain {
		return millis
	}
	if len(value) > longestText {
		return 0
	}
	var s string
	if json.Unmarshal(value, &s) == nil {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.UnixMilli()
		}
		value = []byte(s)
	}
	var millis float64
	if json.Unmarshal(value, &millis) != nil || millis < 1 || millis > 1e14 {
		return 0
	}
	return int64(millis)
}

// plainMoment reads a moment in digits alone, as mostly all are sent.
func plainMoment(value []byte) (millis int64, plain bool) {
	if len(value) == 0 || len(value) > len("100000000000000") || value[0] == '0' {
		return 0, false
	}
	for _, digit := range value {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		millis = 10*millis + int64(digit-'0')
	}
	if millis > 1e14 {
		return 0, true
	}
	return millis, true
}
