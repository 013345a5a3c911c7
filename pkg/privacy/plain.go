package privacy

import (
	"strings"
	"sync"
	"unsafe"
)

// spelledOddly tells whether a text may stand for another one: percent-encoded, with HTML entities, or full-width letters.
func spelledOddly(text string) bool {
	return strings.IndexByte(text, '%') >= 0 || strings.IndexByte(text, '&') >= 0 || strings.Contains(text, "\xef\xbc") || strings.Contains(text, "\xef\xbd")
}

var plains = sync.Pool{New: func() any { return new(plain) }}

// A plain text is what a text stands for, each byte with its place in the text.
type plain struct {
	bytes []byte
	at    []int // one more than bytes: where each begins, and the text's end
}

// text is valid until the next read.
func (p *plain) text() string { return unsafe.String(unsafe.SliceData(p.bytes), len(p.bytes)) }

func (p *plain) read(text string) {
	p.bytes, p.at = p.bytes[:0], p.at[:0]
	for i := 0; i < len(text); {
		c, n := text[i], 1
		switch c {
		case '%':
			c, n = percent(text, i)
		case '&':
			c, n = entity(text, i)
		}
		p.bytes, p.at = append(p.bytes, c), append(p.at, i)
		p.narrow()
		i += n
	}
	p.at = append(p.at, len(text))
}

// narrow makes a full-width form (U+FF01 to U+FF5E) at the end the letter that it is one of.
func (p *plain) narrow() {
	n := len(p.bytes) - 3
	if n < 0 || p.bytes[n] != 0xef {
		return
	}
	var c byte
	switch second, third := p.bytes[n+1], p.bytes[n+2]; {
	case second == 0xbc && third >= 0x81 && third <= 0xbf:
		c = third - 0x81 + '!'
	case second == 0xbd && third >= 0x80 && third <= 0x9e:
		c = third - 0x80 + '`'
	default:
		return
	}
	p.bytes, p.at = append(p.bytes[:n], c), p.at[:n+1]
}

// percent is the byte at text[at], a percent sign, and how many bytes stand for it: %40, and as often as it was encoded again, %2540.
func percent(text string, at int) (c byte, n int) {
	digits := at + 1
	for strings.HasPrefix(text[digits:], "25") && digits-at < 20 {
		digits += 2
	}
	if digits+2 <= len(text) && isHex(text[digits]) && isHex(text[digits+1]) {
		return unhex(text[digits])<<4 | unhex(text[digits+1]), digits + 2 - at
	}
	return '%', 1
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// entities are the names of what addresses and numbers have in them (HTML §13.5).
var entities = [...]struct {
	name string
	c    byte
}{{"commat;", '@'}, {"period;", '.'}, {"plus;", '+'}, {"lowbar;", '_'}, {"hyphen;", '-'}, {"nbsp;", ' '}}

// entity is the ASCII character at text[at], an ampersand, and how many bytes stand for it.
func entity(text string, at int) (c byte, n int) {
	rest := text[at+1:]
	for _, e := range entities {
		if strings.HasPrefix(rest, e.name) {
			return e.c, 1 + len(e.name)
		}
	}
	if !strings.HasPrefix(rest, "#") {
		return '&', 1
	}
	i, base, code := 1, 10, 0
	if len(rest) > 1 && rest[1]|0x20 == 'x' {
		i, base = 2, 16
	}
	first := i
	for ; i < len(rest) && i-first < 6; i++ {
		d := rest[i]
		if kinds[d]&digit == 0 && (base == 10 || !isHex(d)) {
			break
		}
		code = code*base + int(unhex(d))
	}
	if i == first || i >= len(rest) || rest[i] != ';' || code < ' ' || code > '~' {
		return '&', 1
	}
	return byte(code), 1 + i + 1
}
