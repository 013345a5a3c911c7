package lenient

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

// Limits of what is read, the same as in schemas/events/event.schema.json, which names the recorder's members. Lengths are in characters (Unicode code
// points, as JSON Schema counts them).
const (
	MaxWord   = 128          // codes, versions, language, time zone
	MaxID     = 256          // identifiers, but the event's own: only its hash is stored
	MaxPlayID = 512          // data.pId: it has data.oId within
	MaxName   = 1024         // names, titles, what was searched for
	MaxURL    = event.MaxURL // page.url, page.referrer

	// MaxPurposes is how many purposes a consent names.
	MaxPurposes = 64

	// MaxTime bounds time on both sides, Unix milliseconds: what an ECMAScript Date can hold (ECMA-262 §21.4.1.1).
	MaxTime = 8_640_000_000_000_000
	// MaxWholeID bounds an id sent as a number: beyond it numbers lose digits on their way (RFC 8259 §6).
	MaxWholeID = 1<<53 - 1
	// MaxStepIndex bounds data.step.index.
	MaxStepIndex = math.MaxInt32
	// MaxPixels bounds the sides of a screen.
	MaxPixels = math.MaxUint16

	// AnyLength is no limit.
	AnyLength = math.MaxInt
)

// Millis reads a number of milliseconds, strictly, and cuts its fraction; sent becomes true unless the value is null.
func (r *Reader) Millis(path string, out *int64, sent *bool) error {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok {
		return err
	}
	if v.Kind() != '0' {
		return wrongType(path, "a number of Unix milliseconds", v.Kind())
	}
	n, ok := number(v)
	if !ok || n < -MaxTime || n > MaxTime {
		return Reject(event.ReasonOutOfRange, path, "%s: want at most ±%d Unix milliseconds", path[len("$."):], int64(MaxTime))
	}
	*out, *sent = int64(n), true
	return nil
}

// Word reads a string of at most MaxWord characters, strictly.
func (r *Reader) Word(path string, out *string) error {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok {
		return err
	}
	if v.Kind() != '"' {
		return wrongType(path, "a string", v.Kind())
	}
	*out = r.Unquote(v)
	switch {
	case len(event.Cut(*out, MaxWord)) < len(*out):
		return Reject(event.ReasonOutOfRange, path, "%s: want at most %d characters", path[len("$."):], MaxWord)
	case slices.Contains(r.warnings, event.Warning{Code: event.WarnReplaced, Path: path}):
		return Reject(event.ReasonInvalidUTF8, path, "%s: want Unicode text", path[len("$."):])
	}
	return nil
}

// String reads a text of at most limit characters. A number or a boolean becomes the text that it was sent as.
func (r *Reader) String(path string, limit int, out *string) error {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok {
		return err
	}
	switch v.Kind() {
	case '"':
		*out = r.Unquote(v)
	case '0', 't', 'f':
		*out = r.source(len(v))
		r.Warn(event.WarnConverted, path)
	default:
		r.Warn(event.WarnDropped, path)
		return nil
	}
	if short := event.Cut(*out, limit); len(short) < len(*out) {
		*out = short
		r.Warn(event.WarnCut, path)
	}
	return nil
}

// URL reads a URL whole; a warning says that it will be cut where it is stored.
func (r *Reader) URL(path string, out *string) error {
	if err := r.String(path, AnyLength, out); err != nil {
		return err
	}
	if len(event.Cut(*out, MaxURL)) < len(*out) {
		r.Warn(event.WarnCut, path)
	}
	return nil
}

// Quoted reads a text as string does, of at most MaxName characters, and keeps it as a JSON string.
func (r *Reader) Quoted(path string, out *jsontext.Value) error {
	if r.dec.PeekKind() != '"' {
		var text string
		err := r.String(path, MaxName, &text)
		if text != "" {
			*out, _ = jsontext.AppendQuote(nil, text)
		}
		return err
	}
	v, _, err := r.Scalar(path)
	if err != nil {
		return err
	}
	*out = r.Bytes(len(v))
	text := r.Unquote(v)
	if short := event.Cut(text, MaxName); len(short) < len(text) {
		*out, _ = jsontext.AppendQuote(nil, short) // it is Unicode
		r.Warn(event.WarnCut, path)
	}
	return nil
}

// ID reads an identifier of at most limit characters. A whole number is the string of its digits: so items' ids are sent as often as not.
func (r *Reader) ID(path string, limit int, kind IDKind, out *string) error {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok {
		return err
	}
	var text string
	switch v.Kind() {
	case '"':
		text = r.Unquote(v)
	case '0':
		var exact bool
		if text, exact = r.digits(v); !exact || kind != AnItem {
			r.Warn(event.WarnConverted, path)
		}
	case 't', 'f':
		r.Warn(event.WarnNoID, path)
		return nil
	default:
		r.Warn(event.WarnDropped, path)
		return nil
	}
	if kind.isNone(text) {
		if text != "" {
			r.Warn(event.WarnNoID, path)
		}
		return nil
	}
	if *out = shortened(text, limit); len(*out) != len(text) {
		r.Warn(event.WarnShortened, path)
	}
	return nil
}

// digits are a number's as an identifier: those of a whole number within ±MaxWholeID, else the text that was sent, which is not exact.
func (r *Reader) digits(v jsontext.Value) (text string, exact bool) {
	if plainDigits(v) {
		return r.source(len(v)), true
	}
	if n, ok := number(v); ok && n == math.Trunc(n) && math.Abs(n) <= MaxWholeID {
		return strconv.FormatInt(int64(n), 10), true
	}
	return r.source(len(v)), false
}

// Boolean reads true or false, or makes one of 1, 0 and the words.
func (r *Reader) Boolean(path string, out *bool) error {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok {
		return err
	}
	switch text := string(v); {
	case v.Kind() == 't' || v.Kind() == 'f':
		*out = v.Kind() == 't'
	case text == "1", text == "0", v.Kind() == '"' && (strings.EqualFold(text, `"true"`) || strings.EqualFold(text, `"false"`)):
		*out = text == "1" || strings.EqualFold(text, `"true"`)
		r.Warn(event.WarnConverted, path)
	default:
		r.Warn(event.WarnDropped, path)
	}
	return nil
}

// Count reads a whole number from 0 to limit; of a fraction it is the part before the point.
func (r *Reader) Count(path string, limit uint32, out *uint32) error {
	n, ok, err := r.Whole(path, limit, math.Floor)
	if ok {
		*out = n
	}
	return err
}

// Pixels reads a side of a screen.
func (r *Reader) Pixels(path string, out *uint32) error {
	n, ok, err := r.Whole(path, MaxPixels, math.Round)
	if ok {
		*out = n
	}
	return err
}

// Whole reads a whole number from 0 to limit, or makes one of a fraction or of a number in a string; ok is false when there is none.
func (r *Reader) Whole(path string, limit uint32, round func(float64) float64) (out uint32, ok bool, err error) {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok {
		return 0, false, err
	}
	n := math.NaN()
	switch v.Kind() {
	case '0':
		n, _ = number(v)
	case '"':
		text := strings.TrimSuffix(strings.TrimSpace(r.Unquote(v)), "px")
		if parsed, err := strconv.ParseFloat(text, 64); err == nil {
			n = parsed
		}
	}
	whole := round(n)
	switch {
	case !(n >= 0 && whole <= float64(limit)): // NaN is neither
		r.Warn(event.WarnDropped, path)
		return 0, false, nil
	case whole != n || v.Kind() == '"':
		r.Warn(event.WarnConverted, path)
	}
	return uint32(whole), true, nil
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
