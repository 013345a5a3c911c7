package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

// A batch is what one request holds.
type batch struct {
	key    string
	sentAt int64 // Unix milliseconds; 0 when not sent
	events []piece
}

// A piece is one event's bytes, or why they are none.
type piece struct {
	value []byte
	err   error // a *event.Rejection
}

// tolerant reads the outer syntax only: what is wrong within an event is that event's own fault, and recorder.Decode finds it.
var tolerant = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// split finds the events in data: one, an array, an envelope, or one a line.
func (h *Handler) split(data []byte, contentType string) (batch, *refusal) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.TrimLeft(data, " \t\r\n")
	var out batch
	var refused *refusal
	switch {
	case len(data) == 0:
		return out, refuse(http.StatusBadRequest, "no_events", "the body is empty")
	case strings.HasPrefix(strings.ToLower(contentType), "application/x-ndjson"):
		out.events = lines(data)
	case data[0] == '[':
		out.events, refused = elements(data)
	case data[0] == '{' && !severalValues(data):
		out, refused = envelope(data)
	case data[0] == '{':
		out.events = lines(data)
	default:
		return out, malformed("want a JSON object or array")
	}
	switch {
	case refused != nil:
		return out, refused
	case len(out.events) == 0:
		return out, refuse(http.StatusBadRequest, "no_events", "the body holds no events")
	case len(out.events) > h.limits.BatchEvents:
		return out, refuse(http.StatusRequestEntityTooLarge, "too_many_events", fmt.Sprintf("a request has at most %d events", h.limits.BatchEvents))
	}
	return out, nil
}

func malformed(what string) *refusal {
	return refuse(http.StatusBadRequest, "malformed_json", "the body is not JSON: "+what)
}

// severalValues tells whether another object follows the first: then the body is one event a line.
func severalValues(data []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), tolerant...)
	if dec.SkipValue() != nil {
		// A broken first line among several is still lines.
		first, rest, found := bytes.Cut(data, []byte("\n"))
		return found && !jsontext.Value(first).IsValid() && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte("{")) && bytes.HasSuffix(bytes.TrimSpace(first), []byte("}"))
	}
	rest := bytes.TrimLeft(data[dec.InputOffset():], " \t\r\n")
	return len(rest) > 0 && rest[0] == '{'
}

// lines takes one event from each line that is not empty.
func lines(data []byte) []piece {
	var out []piece
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 {
			out = append(out, piece{value: line})
		}
	}
	return out
}

// elements takes the events of an array.
func elements(data []byte) ([]piece, *refusal) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), tolerant...)
	out, err := array(dec, data)
	if err == nil {
		err = end(dec)
	}
	if err != nil {
		return nil, malformed(where(dec))
	}
	return out, nil
}

func array(dec *jsontext.Decoder, data []byte) ([]piece, error) {
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	var out []piece
	for dec.PeekKind() != ']' {
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		to := dec.InputOffset()
		out = append(out, piece{value: data[to-int64(len(value)) : to]})
	}
	_, err := dec.ReadToken()
	return out, err
}

// end returns nil when nothing follows.
func end(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != io.EOF {
		return fmt.Errorf("more follows")
	}
	return nil
}

// where says how far the syntax was right, never what stands there.
func where(dec *jsontext.Decoder) string {
	return fmt.Sprintf("it is broken after byte %d", dec.InputOffset())
}

// envelope reads {"key", "sentAt", "events"}. An object without events is itself the one event.
func envelope(data []byte) (batch, *refusal) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), tolerant...)
	var out batch
	isEnvelope := false
	if _, err := dec.ReadToken(); err != nil {
		return out, malformed(where(dec))
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return out, malformed(where(dec))
		}
		switch {
		case name.String() == "events" && dec.PeekKind() == '[':
			isEnvelope = true
			out.events, err = array(dec, data)
		case name.String() == "key":
			out.key, err = text(dec)
		case name.String() == "sentAt":
			out.sentAt, err = moment(dec)
		default:
			err = dec.SkipValue()
		}
		if err != nil {
			return out, malformed(where(dec))
		}
	}
	if _, err := dec.ReadToken(); err != nil || end(dec) != nil {
		return out, malformed(where(dec))
	}
	if !isEnvelope {
		out.events = []piece{{value: bytes.TrimRight(data, " \t\r\n")}}
	}
	return out, nil
}

// text reads a string; another type counts as none.
func text(dec *jsontext.Decoder) (string, error) {
	if dec.PeekKind() != '"' {
		return "", dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	return token.String(), nil
}

// moment reads Unix milliseconds or RFC 3339; what is neither counts as not sent.
func moment(dec *jsontext.Decoder) (int64, error) {
	value, err := dec.ReadValue()
	if err != nil {
		return 0, err
	}
	return parseMoment(value), nil
}

func parseMoment(value []byte) int64 {
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

// inspect finds what makes a piece no event at all, before it is decoded.
func (h *Handler) inspect(p piece) error {
	switch {
	case p.err != nil:
		return p.err
	case len(p.value) > h.limits.EventBytes:
		return event.Reject(event.ReasonTooLarge, fmt.Errorf("the event has %d bytes, of at most %d", len(p.value), h.limits.EventBytes))
	case !utf8.Valid(p.value):
		return event.Reject(event.ReasonInvalidUTF8, fmt.Errorf("the event is not UTF-8"))
	case p.value[0] != '{' && jsontext.Value(p.value).IsValid():
		return event.Reject(event.ReasonNotAnObject, fmt.Errorf("the event is not a JSON object"))
	case depth(p.value) > h.limits.Depth:
		return event.Reject(event.ReasonTooDeep, fmt.Errorf("objects and arrays are nested deeper than %d", h.limits.Depth))
	}
	return nil
}

// depth is how deep objects and arrays nest in a JSON text. It need not be valid.
func depth(value []byte) int {
	deepest, now := 0, 0
	inString := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
