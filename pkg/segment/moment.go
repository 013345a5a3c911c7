package segment

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/lenient"
)

// moment reads a point in time and hands it to set, in Unix milliseconds. What is none is left out.
func (r *reader) moment(path string, set func(int64)) error {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok {
		return err
	}
	switch v.Kind() {
	case '"':
		text := strings.TrimSpace(r.Unquote(v))
		if text == "" {
			return nil
		}
		if at, ok := Moment(text); ok {
			set(at)
			return nil
		}
	case '0':
		if at, ok := fromNumber(string(v)); ok {
			set(at)
			return nil
		}
	}
	r.Warn(event.WarnDropped, path)
	return nil
}

// layouts are ISO 8601 as clients write it: with any fraction, an offset with or without colon, a space for the T; without an offset it is UTC.
// Segment's older SDKs for Python and .NET left the offset out.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02"}

// longestMoment bounds a time's text, in bytes.
const longestMoment = 64

// Moment is a time of the text that a client wrote, in Unix milliseconds: ISO 8601, or a number.
func Moment(text string) (at int64, ok bool) {
	if len(text) > longestMoment {
		return 0, false
	}
	if at, ok := fromNumber(text); ok {
		return at, true
	}
	text = strings.ToUpper(text)
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + strings.TrimLeft(text[11:], " ")
	}
	text = strings.Replace(text, " ", "", 1) // before the offset
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			at = t.UnixMilli()
			return at, at >= -lenient.MaxTime && at <= lenient.MaxTime
		}
	}
	return 0, false
}

// leastMillis is where numbers begin to be milliseconds: as such it is March 1973, and in seconds the year 5138.
const leastMillis = 1e11

// fromNumber takes Unix milliseconds, or seconds where the number is too small for them.
func fromNumber(text string) (at int64, ok bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) {
		return 0, false
	}
	if math.Abs(n) < leastMillis {
		n *= 1000
	}
	if math.Abs(n) > lenient.MaxTime {
		return 0, false
	}
	return int64(n), true
}
