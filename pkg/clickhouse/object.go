package clickhouse

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// A JSON column takes almost every JSON object. What it would refuse, and the whole row with it, stands in it as a string of the
// characters that were sent:
//
//   - an integer beyond 64 bits, and, so that it is not one type here and another there, each beyond an Int64;
//   - a number that a Float64 makes infinite or zero;
//   - what is nested deeper than deepest.
//
// The column of text beside it has what was sent.

// deepest is how many objects and arrays may stand around a value. ClickHouse names the type of an array in an array in words, and
// reads no type of more than some 140 levels.
const deepest = 64

// Object returns a JSON object as ClickHouse's JSON column takes it. It aliases sent where nothing had to change, and is never empty.
func Object(sent []byte) string {
	if len(sent) == 0 {
		return "{}"
	}
	var out []byte // what is written so far, once something had to change
	done := 0      // sent up to here is in out
	depth := 0
	for i := 0; i < len(sent); {
		end, fits := i+1, true
		switch c := sent[i]; {
		case c == '"':
			end = afterString(sent, i)
		case c == '-' || c >= '0' && c <= '9':
			end = afterNumber(sent, i)
			fits = numberFits(text(sent[i:end]))
		case (c == '{' || c == '[') && depth == deepest:
			end, fits = afterContainer(sent, i), false
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if !fits {
			out = append(out, sent[done:i]...)
			out, _ = jsontext.AppendQuote(out, sent[i:end]) // its one error is of bytes that are not UTF-8: they are replaced
			done = end
		}
		i = end
	}
	if out == nil {
		return text(sent)
	}
	return string(append(out, sent[done:]...))
}

// text is b as a string that aliases it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// afterString returns the index after the string that begins at sent[i].
func afterString(sent []byte, i int) int {
	for i++; i < len(sent) && sent[i] != '"'; i++ {
		if sent[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(sent))
}

// afterNumber returns the index after the number that begins at sent[i].
func afterNumber(sent []byte, i int) int {
	for i++; i < len(sent); i++ {
		switch c := sent[i]; {
		case c >= '0' && c <= '9', c == '.', c == 'e', c == 'E', c == '+', c == '-':
		default:
			return i
		}
	}
	return i
}

// afterContainer returns the index after the object or array that begins at sent[i].
func afterContainer(sent []byte, i int) int {
	for depth := 0; i < len(sent); i++ {
		switch sent[i] {
		case '"':
			i = afterString(sent, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(sent)
}

// numberFits tells whether a JSON column keeps a number as one.
func numberFits(number string) bool {
	const surelyInt64 = 18 // characters, sign included; neither do so few make an exponent of a fraction's digits
	whole, power := true, false
	for i := range len(number) {
		switch number[i] {
		case 'e', 'E':
			whole, power = false, true
		case '.':
			whole = false
		}
	}
	switch {
	case whole && len(number) <= surelyInt64:
		return true
	case whole:
		_, err := strconv.ParseInt(number, 10, 64)
		return err == nil
	case !power && len(number) < 300:
		return true
	}
	f, err := strconv.ParseFloat(number, 64)
	return err == nil && !math.IsInf(f, 0) && (f != 0 || isZero(number))
}

// isZero tells whether a number has no digit but 0 before its exponent.
func isZero(number string) bool {
	for i := range len(number) {
		switch c := number[i]; {
		case c == 'e' || c == 'E':
			return true
		case c >= '1' && c <= '9':
			return false
		}
	}
	return true
}
