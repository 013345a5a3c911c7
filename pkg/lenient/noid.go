package lenient

import "strings"

// An IDKind says what an identifier names, and so which words are none.
type IDKind int

const (
	AnItem  IDKind = iota // an item or a step: 0 may be one
	APlay                 // one play of an item
	APerson               // a visitor, a user, a session, an event: what all of them would share merges strangers, or loses all but one
)

// nobody are words that programs write where they have no identifier, in small letters. Each was met in other products' data, where it had
// merged thousands of people into one.
var nobody = words(`undefined null nil none nan unset undef n/a - -- (null) (nil) (none) {} [] () %s %d %@ #n/a (unknown)
	(not-set) not_set (not_set) undefined-undefined null-null`, "not set", "(not set)", "undefined undefined", "null null", "<null>", "<nil>")

// nobodyInPerson are more of them, where no person, session or event can be meant.
var nobodyInPerson = words(`0 -1 true false anonymous guest unknown id user_id userid distinct_id distinctid email visitor_id
	not_authenticated unauthenticated anonymoususer logged_out`)

func words(text string, more ...string) map[string]bool {
	out := map[string]bool{}
	for _, word := range append(strings.Fields(text), more...) {
		out[word] = true
	}
	return out
}

// longestWord bounds the words above, with room for quotes around them.
const longestWord = 24

// initials are the letters that a word begins with, small and capital.
var initials = func() (out [256]bool) {
	for _, set := range []map[string]bool{nobody, nobodyInPerson} {
		for word := range set {
			out[word[0]], out[strings.ToUpper(word)[0]] = true, true
		}
	}
	return out
}()

// isNone tells whether text names nothing: it is empty, a word for it in any letters, a template that nobody filled in, an object that
// became a string, or a UUID of zeros or ones.
func (k IDKind) isNone(text string) bool {
	if text == "" {
		return true
	}
	plain := text
	if text[0] <= '\'' || text[len(text)-1] <= '\'' {
		if plain = strings.Trim(text, " \t\r\n\"'"); plain == "" {
			return true
		}
	}
	if len(plain) <= longestWord && initials[plain[0]] {
		if small := strings.ToLower(plain); nobody[small] || k == APerson && nobodyInPerson[small] {
			return true
		}
	}
	switch plain[0] {
	case '[', '{', '$', '<':
		return enclosed(plain, "[object ", "]") || enclosed(plain, "{{", "}}") || enclosed(plain, "{%", "%}") || enclosed(plain, "${", "}") ||
			enclosed(plain, "<%", "%>") || k == APerson && isUniform(strings.Trim(plain, "{}"))
	case '0', 'f', 'F':
		return k == APerson && isUniform(plain)
	}
	return false
}

func enclosed(s, before, after string) bool {
	return len(s) >= len(before)+len(after) && strings.EqualFold(s[:len(before)], before) && strings.HasSuffix(s, after)
}

// isUniform tells whether s is a UUID, with hyphens or without, of nothing but zeros or nothing but ones (RFC 9562 §5.9, §5.10).
func isUniform(s string) bool {
	if len(s) != 36 && len(s) != 32 {
		return false
	}
	return strings.Trim(s, "0-") == "" || strings.Trim(s, "fF-") == ""
}
