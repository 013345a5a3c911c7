package collect

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// A cursor reads the outer syntax of a body. It allocates nothing for what it passes.
type cursor struct {
	data  []byte
	at    int
	limit int // of events
	plain []byte
	// reading, unless nil, reads events in the pass that finds their end.
	reading *reading
}

// brief reads an event; false where it cannot be read in brief.
func (c *cursor) brief() (p intake.Piece, ok bool) {
	if c.reading == nil || c.next() != '{' {
		return p, false
	}
	brief, size, depth := c.reading.read(c.data[c.at:])
	if brief == nil {
		return p, false
	}
	p = intake.Piece{Value: c.data[c.at : c.at+size], Depth: depth, Brief: brief}
	c.at += size
	return p, true
}

// event is value, read in brief where it can be.
func (c *cursor) event() (p intake.Piece, ok bool) {
	c.space()
	if p, ok = c.brief(); ok {
		return p, true
	}
	return c.value()
}

// next is the byte at the cursor; 0 at the end.
func (c *cursor) next() byte {
	if c.at < len(c.data) {
		return c.data[c.at]
	}
	return 0
}

// skip passes b if it is next.
func (c *cursor) skip(b byte) bool {
	if c.next() != b {
		return false
	}
	c.at++
	return true
}

const bom = "\xef\xbb\xbf"

// space passes white space (RFC 8259 §2), and at the beginning a byte order mark.
func (c *cursor) space() {
	if c.at == 0 && bytes.HasPrefix(c.data, []byte(bom)) {
		c.at = len(bom)
	}
	for c.at < len(c.data) {
		switch c.data[c.at] {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return
		}
	}
}

// sequenceSpace passes what may stand between objects in a row: white space, record separators (RFC 7464), and the byte order marks of
// files put together.
func (c *cursor) sequenceSpace() {
	for {
		c.space()
		switch {
		case bytes.HasPrefix(c.data[c.at:], []byte(bom)):
			c.at += len(bom)
		case c.next() == 0x1e:
			c.at++
		default:
			return
		}
	}
}

// end passes white space and tells whether nothing follows.
func (c *cursor) end() bool {
	c.space()
	return c.at == len(c.data)
}

// another passes white space and tells whether nothing follows but another object.
func (c *cursor) another() bool {
	c.sequenceSpace()
	return c.at == len(c.data) || c.next() == '{'
}

// line is the rest of the line at the cursor, without its end.
func (c *cursor) line() []byte {
	rest := c.data[c.at:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// name passes a member's name, and the colon and the white space after it.
func (c *cursor) name() (name []byte, ok bool) {
	if c.next() != '"' {
		return nil, false
	}
	quoted, ok := c.value()
	if !ok {
		return nil, false
	}
	if c.space(); !c.skip(':') {
		return nil, false
	}
	c.space()
	return c.unquote(quoted.Value), true
}

// longestText bounds what is read of an envelope's own members, in bytes: nothing that it may hold is longer.
const longestText = 1024

// unquote is a JSON string's text, until the next; nothing when it is too long or no string.
func (c *cursor) unquote(quoted []byte) []byte {
	switch {
	case len(quoted) < 2 || len(quoted) > longestText || quoted[0] != '"':
		return nil
	case bytes.IndexByte(quoted, '\\') < 0:
		return quoted[1 : len(quoted)-1]
	}
	plain, err := jsontext.AppendUnquote(c.plain[:0], quoted)
	if c.plain = plain; err != nil {
		return nil
	}
	return plain
}

// value passes white space and the value after it: up to the bracket that closes its first, the quote that ends it, or, of any other, what
// ends a value. Whether it is JSON is not its concern.
func (c *cursor) value() (p intake.Piece, ok bool) {
	c.space()
	start, deep := c.at, 0
	for c.at < len(c.data) {
		switch c.data[c.at] {
		case '"':
			if !c.string() {
				return intake.Piece{}, false
			}
			c.at--
		case '{', '[':
			deep++
			p.Depth = max(p.Depth, deep)
		case '}', ']':
			if deep--; deep < 0 {
				return intake.Piece{Value: c.data[start:c.at]}, c.at > start
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if deep == 0 {
				return intake.Piece{Value: c.data[start:c.at]}, c.at > start
			}
			c.at++
			continue
		default:
			c.at++
			continue
		}
		if c.at++; deep == 0 {
			p.Value = c.data[start:c.at]
			return p, true
		}
	}
	p.Value = c.data[start:]
	return p, deep == 0 && c.at > start
}

// string passes a string; false when it does not end.
func (c *cursor) string() bool {
	for c.at++; c.at < len(c.data); c.at++ {
		switch c.data[c.at] {
		case '\\':
			c.at++
		case '"':
			c.at++
			return true
		}
	}
	c.at = len(c.data)
	return false
}

// depth is how deep objects and arrays nest in a text. It need not be valid.
func depth(text []byte) int {
	c := &cursor{data: text}
	p, _ := c.value()
	return p.Depth
}

// malformed says how far the syntax was right, never what stands there.
func (c *cursor) malformed() *intake.Refusal {
	return intake.Refuse(http.StatusBadRequest, "malformed_json", fmt.Sprintf("the body is not JSON: it is broken after byte %d", c.at))
}
