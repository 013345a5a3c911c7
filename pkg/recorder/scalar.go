package recorder

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

// Limits of the wire format, the same as in schemas/events/event.schema.json. Lengths are in characters (Unicode code
// points, as JSON Schema counts them).
const (
	MaxWord   = 128  // codes, versions, language, time zone
	MaxID     = 256  // identifiers
	MaxPlayID = 512  // data.pId: it has data.oId within
	MaxName   = 1024 // names, titles, what was searched for
	MaxURL    = 8192 // page.url, page.referrer

	// MaxTime bounds time on both sides, Unix milliseconds: what an ECMAScript Date can hold (ECMA-262 §21.4.1.1).
	MaxTime = 8_640_000_000_000_000
	// MaxWholeID bounds an id sent as a number: beyond it numbers lose digits on their way (RFC 8259 §6).
	MaxWholeID = 1<<53 - 1
	// MaxStepIndex bounds data.step.index.
	MaxStepIndex = math.MaxInt32
	// MaxPixels bounds the sides of a screen.
	MaxPixels = math.MaxUint16
)

// millis reads a number of milliseconds and cuts its fraction; sent becomes true unless the value is null.
func (r *reader) millis(path string, out *Millis, sent *bool) error {
	v, ok, err := r.scalar()
	if err != nil || !ok {
		return err
	}
	if v.Kind() != '0' {
		return wrongType(path, "a number of Unix milliseconds", v.Kind())
	}
	n, ok := number(v)
	if !ok || n < -MaxTime || n > MaxTime {
		return reject(event.ReasonOutOfRange, path, "%s: want at most ±%d Unix milliseconds", path[len("$."):], int64(MaxTime))
	}
	*out, *sent = Millis(n), true
	return nil
}

// id reads a string, or a whole number as the string of its digits.
func (r *reader) id(path string, out *ID) error {
	v, ok, err := r.scalar()
	if err != nil || !ok {
		return err
	}
	switch v.Kind() {
	case '"':
		text := r.unquote(v)
		*out = ID(text)
		return atMost(path, MaxID, text)
	case '0':
		if plainDigits(v) {
			*out = ID(r.text[r.dec.InputOffset()-int64(len(v)) : r.dec.InputOffset()])
			return nil
		}
		n, ok := number(v)
		switch {
		case !ok || n < -MaxWholeID || n > MaxWholeID:
			return reject(event.ReasonOutOfRange, path, "%s: want a number of at most ±%d, or a string", path[len("$."):], int64(MaxWholeID))
		case n != math.Trunc(n):
			return reject(event.ReasonWrongType, path, "%s: want a string or a whole number, got a fraction", path[len("$."):])
		}
		*out = ID(strconv.FormatInt(int64(n), 10))
		return nil
	}
	return wrongType(path, "a string or a whole number", v.Kind())
}

// whole reads a whole number from 0 to limit; sent is false when the value is null.
func (r *reader) whole(path string, limit uint32, out *uint32) (sent bool, err error) {
	v, ok, err := r.scalar()
	if err != nil || !ok {
		return false, err
	}
	if v.Kind() != '0' {
		return false, wrongType(path, "a whole number", v.Kind())
	}
	n, ok := number(v)
	switch {
	case !ok || n < 0 || n > float64(limit):
		return false, reject(event.ReasonOutOfRange, path, "%s: want 0 to %d", path[len("$."):], limit)
	case n != math.Trunc(n):
		return false, reject(event.ReasonWrongType, path, "%s: want a whole number, got a fraction", path[len("$."):])
	}
	*out = uint32(n)
	return true, nil
}

// number is the float64 nearest to a JSON number, as every ECMAScript client reads it; exact for whole numbers within
// ±2^53, which holds for all ranges above. ok is false when it is beyond float64's range.
func number(v jsontext.Value) (n float64, ok bool) {
	if plainDigits(v) {
		var whole int64
		for _, digit := range v {
			whole = 10*whole + int64(digit-'0')
		}
		return float64(whole), true
	}
	n, err := strconv.ParseFloat(string(v), 64)
	return n, err == nil
}

// plainDigits tells whether v is a whole number without sign, fraction or exponent, small enough for any range above.
func plainDigits(v jsontext.Value) bool {
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(v) <= 15
}

// atMost checks a length in characters; bytes are counted first, since there are never fewer.
func atMost(path string, limit int, text string) error {
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		return reject(event.ReasonOutOfRange, path, "%s: want at most %d characters", path[len("$."):], limit)
	}
	return nil
}
