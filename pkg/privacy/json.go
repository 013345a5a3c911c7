package privacy

import (
	"bytes"
	"strings"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// ScrubJSON scrubs the strings of a JSON value, however deep, those that are web addresses as ScrubURL does, and masks numbers that are a card's.
// Names stay: two that are masked alike would be one. It allocates only where there may be something to take out.
func ScrubJSON(value []byte, keep []string) (clean []byte, taken bool) {
	if len(value) == 0 || harmless(unsafe.String(unsafe.SliceData(value), len(value))) {
		return value, false
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true)) // the event's decoder has looked for repeated names
	done := 0
	for kind := dec.PeekKind(); kind != 0; kind = dec.PeekKind() {
		if kind != '"' && kind != '0' {
			if _, err := dec.ReadToken(); err != nil {
				return value, false
			}
			continue
		}
		raw, err := dec.ReadValue()
		if err != nil {
			return value, false
		}
		if in, n := dec.StackIndex(dec.StackDepth()); in == '{' && n%2 == 1 {
			continue // a name
		}
		text, changed := scrubScalar(raw, keep)
		if !changed {
			continue
		}
		end := int(dec.InputOffset())
		clean = append(clean, value[done:end-len(raw)]...)
		clean, _ = jsontext.AppendQuote(clean, text) // U+FFFD stands for what is no Unicode
		done, taken = end, true
	}
	if !taken {
		return value, false
	}
	return append(clean, value[done:]...), true
}

// scrubScalar scrubs a JSON string or number.
func scrubScalar(raw jsontext.Value, keep []string) (clean string, taken bool) {
	if raw.Kind() == '0' {
		if end := card(string(raw), "", 0); end == len(raw) {
			return maskCard, true
		}
		return "", false
	}
	plain, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return "", false
	}
	text := string(plain)
	if isWebAddress(text) {
		return ScrubURL(text, keep)
	}
	return Scrub(text)
}

func isWebAddress(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n")
	return hasFold(text, "http://") || hasFold(text, "https://")
}

func hasFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// harmless tells whether a look at the JSON text as it stands is enough: it has no escapes, no other spelling, no web address, and nothing to find.
func harmless(text string) bool {
	if strings.IndexByte(text, '\\') >= 0 || strings.Contains(text, "://") {
		return false
	}
	if quiet(text) {
		return true
	}
	if spelledOddly(text) {
		return false
	}
	f := finder{text: text}
	return !f.next()
}
