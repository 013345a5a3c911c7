// Package terminal keeps what clients and servers wrote from commanding the terminal that it is printed on.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// A Writer passes text on and writes characters that command terminals, or turn the order of what is shown, as \u and four hexadecimal digits,
// which is what they are in JSON too: lines of JSON say the same as before. Tabs and ends of lines stay. It is for one goroutine at a time.
type Writer struct {
	out  io.Writer
	rest []byte // the beginning of a character that the last Write ended in
	safe []byte
}

// New returns a writer to out.
func New(out io.Writer) *Writer { return &Writer{out: out} }

// Write never says that less than all of text was written, unless out fails.
func (w *Writer) Write(text []byte) (int, error) {
	w.safe = w.safe[:0]
	todo := text
	if len(w.rest) > 0 {
		todo = append(w.rest, text...)
		w.rest = nil
	}
	for len(todo) > 0 {
		if !utf8.FullRune(todo) {
			w.rest = append([]byte(nil), todo...)
			break
		}
		r, size := utf8.DecodeRune(todo)
		switch {
		case r == utf8.RuneError && size == 1: // a byte that is no UTF-8 may be a command where the terminal's text is not either
			w.safe = append(w.safe, "\uFFFD"...)
		case Commands(r):
			w.safe = fmt.Appendf(w.safe, `\u%04x`, r)
		default:
			w.safe = append(w.safe, todo[:size]...)
		}
		todo = todo[size:]
	}
	if _, err := w.out.Write(w.safe); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Commands tells whether a character does something to a terminal other than being shown: C0 and C1 (ECMA-48), DEL, and what reorders
// (UAX #9).
func Commands(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	}
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Line makes one line, in one column, of a text: what it says must not look like another line of the program's.
func Line(text string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(text)
}

// Is tells whether a writer is a terminal, or another device.
func Is(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
