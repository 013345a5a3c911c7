package lenient

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// A Glance reads JSON that is exactly as a wire format has it: once, from left to right, without memory of its own. What a Reader would read
// with an error, a warning or a change is too much for it, and so is what is rare: it breaks off, and a Reader has to decide. What it reads to
// the end, a Reader reads to the same. Strings alias the data, which must not change while they are in use.
//
// Once it broke off, everything it returns is empty. It may be used again after Reset.
type Glance struct {
	data   []byte
	at     int
	broken bool

	deep, deepest int
	names         []span // of the objects around the cursor, the innermost last
	compared      int    // names with others
	counted       int    // names since Raw began
	odd           bool   // since Raw began: a number that may be none of 64 bits, or a long name
}

// A span is a place in the data.
type span struct{ from, to int }

// Bounds of what a Glance looks at.
const (
	glanceDepth = 64
	glanceNames = 64 // of one object
	// glanceCompares bounds how often two names are compared: names may be chosen so that all have the same hash.
	glanceCompares = 2048
)

// Reset makes g read the value that data begins with.
func (g *Glance) Reset(data []byte) { *g = Glance{data: data, names: g.names[:0]} }

// Done ends reading. It tells how many bytes were read, how deep objects and arrays nest in them, and whether g never broke off.
func (g *Glance) Done() (size, depth int, ok bool) {
	g.data = nil
	return g.at, g.deepest, !g.broken
}

// Break makes g break off.
func (g *Glance) Break() { g.at, g.broken = len(g.data), true }

// Kind is the kind of the next value, by its first byte that is no white space; 0 at the end.
func (g *Glance) Kind() jsontext.Kind { return jsontext.Kind(g.peek()) }

// peek is the next byte that is no white space; 0 at the end.
func (g *Glance) peek() byte {
	for ; g.at < len(g.data); g.at++ {
		if c := g.data[g.at]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// pass passes c, which must be next.
func (g *Glance) pass(c byte) {
	if g.peek() != c {
		g.Break()
		return
	}
	g.at++
}

// An ObjectGlance is an object that is being read.
type ObjectGlance struct {
	base int    // of its names
	seen uint64 // a bit for each name, by a hash
	any  bool
	null bool
}

// Object begins an object; null is one without members.
func (g *Glance) Object() ObjectGlance {
	if g.Null() {
		return ObjectGlance{null: true}
	}
	g.pass('{')
	g.down()
	return ObjectGlance{base: len(g.names)}
}

func (g *Glance) down() {
	if g.deep++; g.deep > glanceDepth {
		g.Break()
	}
	g.deepest = max(g.deepest, g.deep)
}

// Next passes a member's name and the colon behind it; false at the object's end. A name that is repeated, or has an escape, breaks g off.
func (g *Glance) Next(o *ObjectGlance) (name string, ok bool) {
	if o.null || g.broken {
		return "", false
	}
	switch c := g.peek(); {
	case c == '}':
		g.at++
		g.deep--
		g.names = g.names[:o.base]
		return "", false
	case o.any && c == ',':
		g.at++
	case o.any:
		g.Break()
		return "", false
	}
	o.any = true
	name, escaped := g.text()
	at := span{g.at - 1 - len(name), g.at - 1}
	if g.at < len(g.data) && g.data[g.at] == ':' {
		g.at++
	} else {
		g.pass(':')
	}
	if escaped || g.broken || len(g.names)-o.base == glanceNames {
		g.Break()
		return "", false
	}
	if bit := uint64(1) << (nameHash(name) & 63); o.seen&bit == 0 {
		o.seen |= bit
	} else if g.repeated(name, o.base) {
		g.Break()
		return "", false
	}
	g.names = append(g.names, at)
	g.counted++
	g.odd = g.odd || len(name) > MaxNameLength
	return name, true
}

// repeated tells whether a name is among those from base on, or there were too many to compare.
func (g *Glance) repeated(name string, base int) bool {
	for _, other := range g.names[base:] {
		if g.compared++; g.compared > glanceCompares || string(g.data[other.from:other.to]) == name {
			return true
		}
	}
	return false
}

func nameHash(name string) int {
	if name == "" {
		return 0
	}
	return len(name)*7 + int(name[0])*3 + int(name[len(name)-1]) + int(name[len(name)/2])*5
}

// Null passes null, if it is next.
func (g *Glance) Null() bool {
	if g.peek() != 'n' {
		return false
	}
	g.word("null")
	return !g.broken
}

func (g *Glance) word(word string) {
	if end := g.at + len(word); end <= len(g.data) && string(g.data[g.at:end]) == word {
		g.at = end
		return
	}
	g.Break()
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// text passes a string and returns what stands between its quotes.
func (g *Glance) text() (text string, escaped bool) {
	if g.at < len(g.data) && g.data[g.at] == '"' {
		g.at++
	} else if g.pass('"'); g.broken {
		return "", false
	}
	start := g.at
	data, at := g.data, g.at
	for at < len(data) {
		// Eight bytes at once, up to the first that is a quote, a backslash, a control character or no ASCII.
		if len(data)-at >= 8 {
			x := binary.LittleEndian.Uint64(data[at:])
			quote, slash := x^(ones*'"'), x^(ones*'\\')
			found := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x | x) & highs
			if found == 0 {
				at += 8
				continue
			}
			at += bits.TrailingZeros64(found) / 8
		}
		switch c := data[at]; {
		case c == '"':
			g.at = at + 1
			return unsafe.String(unsafe.SliceData(data[start:]), at-start), escaped
		case c == '\\':
			size := plainEscape(data[at:])
			if size == 0 {
				g.Break()
				return "", false
			}
			at, escaped = at+size, true
		case c < ' ':
			g.Break()
			return "", false
		case c < utf8.RuneSelf:
			at++
		default:
			r, size := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && size == 1 {
				g.Break()
				return "", false
			}
			at += size
		}
	}
	g.Break()
	return "", false
}

// plainEscape is the size of the escape that text begins with; 0 where it is none, or one of a surrogate.
func plainEscape(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) < 6 || text[2]|0x20 == 'd' && text[3] >= '8' {
			return 0
		}
		for _, c := range text[2:6] {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return 0
			}
		}
		return 6
	}
	return 0
}

// Text reads a string of at most limit bytes, escapes as they stand; null is "".
func (g *Glance) Text(limit int) string {
	text, escaped := g.Sized(limit)
	if escaped {
		plain, err := jsontext.AppendUnquote(nil, g.data[g.at-len(text)-2:g.at])
		if err != nil {
			g.Break()
			return ""
		}
		return string(plain)
	}
	return text
}

// Sized passes a string of at most limit bytes, escapes as they stand, and returns what stands between its quotes; null is "".
func (g *Glance) Sized(limit int) (text string, escaped bool) {
	if g.Null() {
		return "", false
	}
	if text, escaped = g.text(); len(text) > limit {
		g.Break()
		return "", false
	}
	return text, escaped
}

// ID reads an identifier of at most limit bytes; null is "". An item's may be a whole number.
func (g *Glance) ID(limit int, kind IDKind) (id string) {
	if c := g.peek(); kind == AnItem && c >= '0' && c <= '9' {
		start := g.at
		g.Whole(MaxWholeID)
		if !g.broken {
			id = unsafe.String(unsafe.SliceData(g.data[start:]), g.at-start)
		}
	} else {
		id = g.Text(limit)
	}
	if id != "" && kind.isNone(id) {
		g.Break()
		return ""
	}
	return id
}

// Whole reads a whole number of at most 15 digits, from 0 to limit; null is 0.
func (g *Glance) Whole(limit int64) (n int64) {
	if g.Null() {
		return 0
	}
	start := g.at
	for ; g.at < len(g.data) && g.data[g.at] >= '0' && g.data[g.at] <= '9' && g.at-start <= 15; g.at++ {
		n = 10*n + int64(g.data[g.at]-'0')
	}
	if digits := g.at - start; digits == 0 || digits > 15 || digits > 1 && g.data[start] == '0' || n > limit || !g.ended() {
		g.Break()
		return 0
	}
	return n
}

// Millis reads a point in time: a number of at most 15 digits before the point, without sign and exponent. Its fraction is cut.
func (g *Glance) Millis() int64 {
	if c := g.peek(); c < '0' || c > '9' {
		g.Break()
		return 0
	}
	start := g.at
	g.number()
	if g.broken {
		return 0
	}
	text := jsontext.Value(g.data[start:g.at])
	if whole, _, _ := bytes.Cut(text, []byte{'.'}); len(whole) > 15 || bytes.ContainsAny(text, "eE") {
		g.Break()
		return 0
	}
	n, _ := number(text)
	return int64(n)
}

// ended tells whether a number or a word ends at the cursor.
func (g *Glance) ended() bool {
	if g.at == len(g.data) {
		return true
	}
	switch g.data[g.at] {
	case ',', '}', ']', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// Boolean reads true or false; null is false.
func (g *Glance) Boolean() bool {
	switch g.peek() {
	case 't':
		g.word("true")
		return !g.broken
	case 'f':
		g.word("false")
	default:
		if !g.Null() {
			g.Break()
		}
	}
	return false
}

// Raw reads a value of a shape as it stands, with at most so many names, within all limits of Rest; nil where null says nothing.
func (g *Glance) Raw(want Shape, names int) jsontext.Value {
	c := g.peek()
	if c != byte(want.kind()) && c != 'n' {
		g.Break()
		return nil
	}
	start := g.at
	g.counted, g.odd = 0, false
	if g.Skip(); g.counted > names || g.odd {
		g.Break()
	}
	if g.broken || c == 'n' && want != AnObjectOrNull {
		return nil
	}
	return g.data[start:g.at:g.at]
}

// Quoted reads a string of at most limit bytes as it stands, with its quotes; nil where it is null.
func (g *Glance) Quoted(limit int) jsontext.Value {
	if g.Null() {
		return nil
	}
	text, _ := g.Sized(limit)
	if g.broken {
		return nil
	}
	return g.data[g.at-len(text)-2 : g.at : g.at]
}

// Skip passes a value of any kind.
func (g *Glance) Skip() {
	switch c := g.peek(); c {
	case '"':
		g.text()
	case '{':
		object := g.Object()
		for _, ok := g.Next(&object); ok; _, ok = g.Next(&object) {
			g.Skip()
		}
	case '[':
		g.array()
	case 't', 'f', 'n':
		g.Boolean()
	default:
		g.number()
	}
}

func (g *Glance) array() {
	g.at++
	g.down()
	for any := false; !g.broken; any = true {
		c := g.peek()
		if c == ']' {
			if any { // a comma was before it
				break
			}
			g.at++
			g.deep--
			return
		}
		g.Skip()
		switch g.peek() {
		case ',':
			g.at++
		case ']':
			g.at++
			g.deep--
			return
		default:
			g.Break()
		}
	}
	g.Break()
}

// number passes a number (RFC 8259 §6).
func (g *Glance) number() {
	if g.at < len(g.data) && g.data[g.at] == '-' {
		g.at++
	}
	start := g.at
	if g.digits() == 0 || g.data[start] == '0' && g.at > start+1 {
		g.Break()
		return
	}
	if g.at < len(g.data) && g.data[g.at] == '.' {
		if g.at++; g.digits() == 0 {
			g.Break()
			return
		}
	}
	if g.at < len(g.data) && g.data[g.at]|0x20 == 'e' {
		g.odd = true
		if g.at++; g.at < len(g.data) && (g.data[g.at] == '+' || g.data[g.at] == '-') {
			g.at++
		}
		if g.digits() == 0 {
			g.Break()
			return
		}
	}
	g.odd = g.odd || g.at-start > 299
	if !g.ended() {
		g.Break()
	}
}

func (g *Glance) digits() (n int) {
	for ; g.at < len(g.data) && g.data[g.at] >= '0' && g.data[g.at] <= '9'; g.at++ {
		n++
	}
	return n
}
