package enrich

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/recorder"
)

// appendDetail appends to dst the JSON object of what the item's kind adds to an event, or nothing when it adds nothing. The
// values stand as the client sent them; Decode has checked them.
func appendDetail(dst []byte, d *recorder.Data) []byte {
	start := len(dst)
	dst = appendMember(dst, start, "init", d.Init)
	dst = appendMember(dst, start, "error", d.Error)
	dst = appendMember(dst, start, "goal", d.Goal)
	dst = appendMember(dst, start, "lesson", d.Lesson)
	dst = appendMember(dst, start, "quiz", d.Quiz)
	dst = appendMember(dst, start, "answers", d.Answers)
	dst = appendMember(dst, start, "query", d.Query)
	dst = appendMember(dst, start, "result", d.Result)
	dst = appendMember(dst, start, "action", d.Action)
	dst = appendMember(dst, start, "rule", d.Rule)
	dst = appendMember(dst, start, "name", d.Event)
	if len(dst) > start {
		dst = append(dst, '}')
	}
	return dst
}

func appendMember(dst []byte, start int, name string, value jsontext.Value) []byte {
	if value == nil {
		return dst
	}
	if len(dst) == start {
		dst = append(dst, `{"`...)
	} else {
		dst = append(dst, `,"`...)
	}
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return append(dst, value...)
}

// word returns a member of an object that a client sent, when that is a string of at most MaxWord characters; "" otherwise.
func word(object jsontext.Value, name string) string {
	if object == nil {
		return ""
	}
	dec := jsontext.NewDecoder(bytes.NewReader(object))
	if _, err := dec.ReadToken(); err != nil {
		return ""
	}
	for dec.PeekKind() == '"' {
		key, err := dec.ReadToken()
		if err != nil {
			return ""
		}
		if key.String() != name || dec.PeekKind() != '"' {
			if dec.SkipValue() != nil {
				return ""
			}
			continue
		}
		value, err := dec.ReadToken()
		if err != nil {
			return ""
		}
		return recorder.Cut(value.String(), recorder.MaxWord)
	}
	return ""
}
