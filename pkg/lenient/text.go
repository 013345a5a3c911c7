package lenient

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/waymark-events/waymark/pkg/event"
)

// shortened is an identifier of at most limit characters: one that is longer keeps its beginning, and a hash of the whole keeps it apart
// from others that begin alike, as tokens do.
func shortened(id string, limit int) string {
	if len(event.Cut(id, limit)) == len(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	hash := "~" + hex.EncodeToString(sum[:8])
	return event.Cut(id, limit-len(hash)) + hash
}

// wellFormed returns value with U+FFFD in place of each escape of half a surrogate pair and of each byte that is not UTF-8, and where it put
// them; nil when there is nothing to replace. ECMAScript's JSON.stringify writes such an escape for a string that was cut within an emoji
// (RFC 8259 §8.2); U+FFFD is what the Unicode standard puts there (§3.9).
func wellFormed(value []byte) (fixed []byte, replaced []int) {
	if !hasSurrogates(value) && utf8.Valid(value) {
		return nil, nil
	}
	done := 0
	replace := func(at, size int, by string) {
		fixed = append(fixed, value[done:at]...)
		if at > done || replaced == nil { // one after the other are in one string
			replaced = append(replaced, len(fixed))
		}
		fixed = append(fixed, by...)
		done = at + size
	}
	for at := 0; at < len(value); {
		switch c := value[at]; {
		case c == '\\':
			size, lone := escape(value[at:])
			if lone {
				replace(at, size, `\ufffd`)
			}
			at += size
		case c < utf8.RuneSelf:
			at++
		default:
			r, size := utf8.DecodeRune(value[at:])
			if r == utf8.RuneError && size == 1 {
				replace(at, size, "\ufffd")
			}
			at += size
		}
	}
	if replaced == nil {
		return nil, nil
	}
	return append(fixed, value[done:]...), replaced
}

// hasSurrogates tells whether value may have escapes of surrogates in it, paired or not.
func hasSurrogates(value []byte) bool {
	for {
		at := bytes.IndexByte(value, '\\')
		if at < 0 || at+2 >= len(value) {
			return false
		}
		if value[at+1] == 'u' && value[at+2]|0x20 == 'd' {
			return true
		}
		value = value[at+2:]
	}
}

// escape is the size of the escape that text begins with, two escapes where they are a surrogate pair, and whether it is half of a pair.
func escape(text []byte) (size int, lone bool) {
	const unit = len(`\ud83d`)
	first, ok := codeUnit(text)
	switch {
	case !ok:
		return min(2, len(text)), false
	case !utf16.IsSurrogate(first):
		return unit, false
	}
	second, _ := codeUnit(text[unit:])
	if utf16.DecodeRune(first, second) == utf8.RuneError {
		return unit, true
	}
	return 2 * unit, false
}

// codeUnit reads a \u escape of four hexadecimal digits, one UTF-16 code unit, from the start of text.
func codeUnit(text []byte) (r rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
