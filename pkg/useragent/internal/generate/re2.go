package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// lookaround finds (?<!a|b), (?!a|b) and (?!(?:a|b)), the only kinds in the list, always of plain words.
var lookaround = regexp.MustCompile(`\(\?(<?)!(?:\(\?:([^()]*)\)|([^()]*))\)`)

// re2 rewrites a JavaScript pattern, of which only whether it matches is asked, for RE2, which has no lookaround:
// "not before these words" becomes "at the end, or before a character or more that leaves each of them".
func re2(pattern string) (string, error) {
	out := lookaround.ReplaceAllStringFunc(pattern, func(found string) string {
		m := lookaround.FindStringSubmatch(found)
		words := strings.Split(m[2]+m[3], "|")
		if m[1] == "<" {
			for i, w := range words {
				words[i] = reverse(w)
			}
			return unless(words, true)
		}
		return unless(words, false)
	})
	// A class may not hold a range from \d.
	out = strings.ReplaceAll(out, `[\w\d-.]`, `[\w\d.\-]`)
	if _, err := regexp.Compile("(?i)" + out); err != nil {
		return "", fmt.Errorf("rewrite %q: %w", pattern, err)
	}
	return out, nil
}

// unless matches what keeps all words from being read on from here; behind reads to the left, its words reversed.
func unless(words []string, behind bool) string {
	rest := map[byte][]string{}
	var firsts []byte
	for _, w := range words {
		if rest[w[0]] == nil {
			firsts = append(firsts, w[0])
		}
		rest[w[0]] = append(rest[w[0]], w[1:])
	}
	slices.Sort(firsts)
	class := "[^" + regexp.QuoteMeta(string(firsts)) + "]"
	branches := []string{"$", class}
	if behind {
		branches[0] = "^"
	}
	for _, c := range firsts {
		if slices.Contains(rest[c], "") {
			continue // the word is complete: nothing after it helps
		}
		deeper, char := unless(rest[c], behind), regexp.QuoteMeta(string(c))
		if behind {
			branches = append(branches, deeper+char)
		} else {
			branches = append(branches, char+deeper)
		}
	}
	return "(?:" + strings.Join(branches, "|") + ")"
}

func reverse(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
