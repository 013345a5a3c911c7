package lenient

import (
	"bytes"
	"iter"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of what the account's own JSON may cost: each name of it is a column of its own in the table. Names are counted with the names that
// they stand under; in an array of objects each counts once.
const (
	MaxNames       = 256 // names of props
	MaxDetailNames = 32  // names of each member of data that is kept as JSON: it has an item's id and name, or a few values
	MaxNameLength  = 128 // characters of a name
)

// Rest is the name under which JSON beyond the limits is kept, as JSON text: those members of an object with which there would be too many
// names, or with too long ones; or a value of another kind than wanted, whole. JSONExtract of ClickHouse reads it.
const Rest = "_rest"

// withinLimits is value, which is of Shape want, within the limits. asText tells that some of it is under Rest, converted that a number
// that no 64-bit float holds has become text.
func withinLimits(value jsontext.Value, want Shape, limit int) (kept jsontext.Value, asText, converted bool) {
	seen := survey(value)
	kept = value
	if seen.names > limit || seen.longName {
		kept, asText = limitNames(value, want, limit)
	}
	if seen.oddNumber {
		kept, converted = numbersAsText(kept)
	}
	return kept, asText, converted
}

// sight is what a look at a JSON value's bytes can tell, and all that most values need.
type sight struct {
	names     int  // as often as they stand there: there are never more to count
	longName  bool // maybe
	oddNumber bool // maybe
}

func survey(value []byte) (seen sight) {
	text := 0 // bytes of the last string
	for at := 0; at < len(value); at++ {
		switch c := value[at]; {
		case c == '"':
			end := stringEnd(value, at)
			text, at = end-at-2, end-1
		case c == ':':
			seen.names++
			seen.longName = seen.longName || text > MaxNameLength
		case c == '-' || c >= '0' && c <= '9':
			end := numberEnd(value, at)
			seen.oddNumber = seen.oddNumber || end-at > 300 || bytes.ContainsAny(value[at:end], "eE")
			at = end - 1
		}
	}
	return seen
}

// stringEnd is the index after the string that begins at value[at].
func stringEnd(value []byte, at int) int {
	for at++; value[at] != '"'; at++ {
		if value[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// numberEnd is the index after the number that begins at value[at].
func numberEnd(value []byte, at int) int {
	for at++; at < len(value); at++ {
		if c := value[at]; (c < '0' || c > '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-' {
			break
		}
	}
	return at
}

// limitNames moves what has too many or too long names under Rest; moved is false when nothing has.
func limitNames(value jsontext.Value, want Shape, limit int) (kept jsontext.Value, moved bool) {
	names := nameSet{limit: limit, seen: make(map[uint64]bool, limit)}
	if want == AnArray {
		if names.walk(again(value), 0) {
			return value, false
		}
		return want.rest(value), true
	}
	var rest []byte
	for name, member := range Members(value) {
		// A client's own Rest would be a name twice.
		if string(name) != `"`+Rest+`"` && names.add(name, member) {
			kept = AppendMember(kept, name, member)
		} else {
			rest = AppendMember(rest, name, member)
		}
	}
	if rest == nil {
		return value, false
	}
	quoted, _ := jsontext.AppendQuote(nil, append(rest, '}')) // it is Unicode
	return append(AppendMember(kept, []byte(`"`+Rest+`"`), quoted), '}'), true
}

// AppendMember appends a member to an object that is not closed yet; nil is one without members. name is in its quotes.
func AppendMember(object, name, value []byte) []byte {
	if len(object) == 0 {
		object = append(object, '{')
	} else {
		object = append(object, ',')
	}
	return append(append(append(object, name...), ':'), value...)
}

// rest is value, whole, under Rest, in the Shape that is wanted.
func (s Shape) rest(value jsontext.Value) jsontext.Value {
	quoted, _ := jsontext.AppendQuote(nil, value) // it is Unicode
	object := append(AppendMember(nil, []byte(`"`+Rest+`"`), quoted), '}')
	if s == AnArray {
		return append(append([]byte{'['}, object...), ']')
	}
	return object
}

// again reads a value that was read before, and so needs no look for repeated names.
func again(value []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true))
}

// Members iterates over the names, in their quotes, and values of an object that was read before.
func Members(object jsontext.Value) iter.Seq2[[]byte, jsontext.Value] {
	return func(yield func([]byte, jsontext.Value) bool) {
		dec := again(object)
		_, _ = dec.ReadToken()
		for dec.PeekKind() == '"' {
			text, _ := dec.ReadValue() // the value was read before
			name := object[dec.InputOffset()-int64(len(text)) : dec.InputOffset()]
			text, _ = dec.ReadValue()
			if !yield(name, object[dec.InputOffset()-int64(len(text)):dec.InputOffset()]) {
				return
			}
		}
	}
}

// A nameSet holds up to limit names, each as a hash of it and of what it stands under.
type nameSet struct {
	limit int
	seen  map[uint64]bool
	order []uint64
}

// add adds name, in its quotes, and all names within its value; nothing when one is too long or they are too many.
func (s *nameSet) add(name []byte, value jsontext.Value) bool {
	before := len(s.order)
	key, ok := s.note(0, name)
	if ok && (value.Kind() == '{' || value.Kind() == '[') {
		ok = s.walk(again(value), key)
	}
	if !ok {
		for _, key := range s.order[before:] {
			delete(s.seen, key)
		}
		s.order = s.order[:before]
	}
	return ok
}

// walk adds the names within dec's next value, as long as there is room.
func (s *nameSet) walk(dec *jsontext.Decoder, under uint64) bool {
	switch dec.PeekKind() {
	case '{':
		_, _ = dec.ReadToken() // the value was read before
		for dec.PeekKind() == '"' {
			name, _ := dec.ReadValue()
			if key, ok := s.note(under, name); !ok || !s.walk(dec, key) {
				return false
			}
		}
		_, _ = dec.ReadToken()
	case '[':
		_, _ = dec.ReadToken()
		for kind := dec.PeekKind(); kind != ']' && kind != 0; kind = dec.PeekKind() {
			if !s.walk(dec, under) {
				return false
			}
		}
		_, _ = dec.ReadToken()
	default:
		return dec.SkipValue() == nil
	}
	return true
}

// note adds one name; false when it is too long or there is no room.
func (s *nameSet) note(under uint64, name []byte) (key uint64, ok bool) {
	plain := name[1 : len(name)-1]
	if bytes.IndexByte(plain, '\\') >= 0 {
		plain, _ = jsontext.AppendUnquote(nil, name)
	}
	if len(plain) > MaxNameLength && utf8.RuneCount(plain) > MaxNameLength {
		return 0, false
	}
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	key = under ^ offset
	for _, c := range plain {
		key = (key ^ uint64(c)) * prime
	}
	if s.seen[key] {
		return key, true
	}
	if len(s.seen) == s.limit {
		return 0, false
	}
	s.seen[key] = true
	s.order = append(s.order, key)
	return key, true
}

// numbersAsText puts numbers that overflow or vanish as 64-bit floats into quotes.
func numbersAsText(value jsontext.Value) (out jsontext.Value, changed bool) {
	done := 0
	for at := 0; at < len(value); at++ {
		switch c := value[at]; {
		case c == '"':
			at = stringEnd(value, at) - 1
		case c == '-' || c >= '0' && c <= '9':
			end := numberEnd(value, at)
			if !isFloat(value[at:end]) {
				out = append(append(append(append(out, value[done:at]...), '"'), value[at:end]...), '"')
				done, changed = end, true
			}
			at = end - 1
		}
	}
	if !changed {
		return value, false
	}
	return append(out, value[done:]...), true
}

// isFloat tells whether a JSON number is one of a 64-bit float's range: not beyond it, and not so small that it would become zero.
func isFloat(number []byte) bool {
	n, err := strconv.ParseFloat(string(number), 64)
	if err != nil || n != 0 {
		return err == nil
	}
	mantissa, _, _ := bytes.Cut(bytes.ToLower(number), []byte("e"))
	return !bytes.ContainsAny(mantissa, "123456789")
}
