// Package statement looks at a SQL statement just as closely as a server must before the engine parses it: does it insert data
// that follows, in which format, and into what.
package statement

import "strings"

// token is a word, a quoted thing, or one other character, outside of comments.
type token struct {
	from, to int
	kind     byte // 'w' word, 'i' quoted identifier, 's' string, else the character itself
}

type lexer struct {
	sql string
	pos int
}

// next gives the next token; ok is false at the end.
func (l *lexer) next() (t token, ok bool) {
	l.skipBlank()
	if l.pos >= len(l.sql) {
		return token{from: len(l.sql), to: len(l.sql)}, false
	}
	t.from = l.pos
	switch c := l.sql[l.pos]; {
	case c == '\'':
		t.kind = 's'
		l.skipQuoted(c)
	case c == '`' || c == '"':
		t.kind = 'i'
		l.skipQuoted(c)
	case isWord(c):
		t.kind = 'w'
		for l.pos < len(l.sql) && isWord(l.sql[l.pos]) {
			l.pos++
		}
	default:
		t.kind = c
		l.pos++
	}
	t.to = l.pos
	return t, true
}

// word is the upper-case form of a word token, else "".
func (l *lexer) word(t token) string {
	if t.kind != 'w' {
		return ""
	}
	return strings.ToUpper(l.sql[t.from:t.to])
}

// skipBlank passes blanks and ClickHouse's comments: "-- ", "#!", "# " to the line's end, and /* */.
func (l *lexer) skipBlank() {
	for l.pos < len(l.sql) {
		rest := l.sql[l.pos:]
		switch c := rest[0]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			l.pos++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
			l.skipTo("\n")
		case strings.HasPrefix(rest, "/*"):
			l.skipTo("*/")
		default:
			return
		}
	}
}

func (l *lexer) skipTo(end string) {
	i := strings.Index(l.sql[l.pos:], end)
	if i < 0 {
		l.pos = len(l.sql)
		return
	}
	l.pos += i + len(end)
}

func (l *lexer) skipQuoted(quote byte) {
	for l.pos++; l.pos < len(l.sql); l.pos++ {
		switch l.sql[l.pos] {
		case '\\':
			l.pos++
		case quote:
			l.pos++
			if l.pos == len(l.sql) || l.sql[l.pos] != quote { // doubled, it stands for itself
				return
			}
		}
	}
	l.pos = min(l.pos, len(l.sql))
}

// skipParens passes everything up to the parenthesis that closes the one just passed.
func (l *lexer) skipParens() {
	for depth := 1; depth > 0; {
		t, ok := l.next()
		switch {
		case !ok:
			return
		case t.kind == '(':
			depth++
		case t.kind == ')':
			depth--
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
