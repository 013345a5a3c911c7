package rows

// object returns a JSON object as ClickHouse's JSON column takes it: text, never empty, and with an integer that may not fit 64
// bits as a string of its digits. ClickHouse's parser refuses the whole row for such a number, and as a float it would be another.
func object(text []byte) string {
	if len(text) == 0 {
		return "{}"
	}
	var out []byte // what is written so far, once something had to change
	done := 0      // text up to here is in out
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			i = afterString(text, i)
		case c == '-' || c >= '0' && c <= '9':
			end, whole := number(text, i)
			if whole && end-i > longestInteger {
				out = append(append(append(append(out, text[done:i]...), '"'), text[i:end]...), '"')
				done = end
			}
			i = end
		default:
			i++
		}
	}
	if out == nil {
		return string(text)
	}
	return string(append(out, text[done:]...))
}

// longestInteger is how many characters, sign included, surely fit an Int64.
const longestInteger = 18

// afterString returns the index after the string that begins at text[i].
func afterString(text []byte, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(text))
}

// number returns the index after the number that begins at text[i], and whether it is written as an integer.
func number(text []byte, i int) (end int, whole bool) {
	whole = true
	for i++; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
		case c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-':
			whole = false
		default:
			return i, whole
		}
	}
	return i, whole
}
