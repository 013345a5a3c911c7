package filter

import (
	"regexp"
	"slices"
	"testing"
)

var expressions = []string{
	`(Chrome)/(\d+)\.(\d+)`,
	`(?i)kiosk`,
	`aab+|c{2,3}d?`,
	`^$`,
	`(?:iPhone|Android).{0,9}(?:Bot|Spider)`,
	`[xyz]{2}(?:foo)?bar$`,
	`(?i)[k-s]ss`,
	`é{2}`,
	`(?:abc|)(?:def|gh)`,
	`\bword\b.*tail`,
}

func TestCandidateLeavesOutWhatLacksALiteral(t *testing.T) {
	f, err := New(expressions)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int{
		"CHROME/1.0":             {0, 3, 7},
		"a kIOsk":                {1, 3, 7},
		"a \u212aio\u017f\u212a": {1, 3, 7},
		"iphone":                 {3, 7},
		"iPhone with Spider":     {3, 4, 7},
		"the word":               {3, 7},
		"tail":                   {3, 7},
		"tail of a word":         {3, 7, 9},
	} {
		hits := f.Scan(text)
		var got []int
		for i := range expressions {
			if hits.Candidate(i) {
				got = append(got, i)
			}
		}
		hits.Release()
		if !slices.Equal(got, want) {
			t.Errorf("%q: candidates %v, want %v", text, got, want)
		}
	}
}

func TestNewRefusesWhatIsNoExpression(t *testing.T) {
	if _, err := New([]string{"("}); err == nil {
		t.Error("no error")
	}
}

// FuzzMatchIsCandidate: a filter may let too much pass, never too little.
func FuzzMatchIsCandidate(f *testing.F) {
	for _, text := range []string{"Chrome/1.2", "KIOSK", "\u212aio\u017f\u212a", "aab", "ccd", "", "xybar", "kss", "éé", "gh", "word tail", "\xff\xe2\x84bot"} {
		for _, e := range expressions {
			f.Add(e, text)
		}
	}
	f.Fuzz(func(t *testing.T, expression, text string) {
		if len(expression) > 100 || len(text) > 200 {
			return
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return
		}
		filter, err := New([]string{"decoy", expression})
		if err != nil {
			return // too many literals
		}
		hits := filter.Scan(text)
		defer hits.Release()
		if re.MatchString(text) && !hits.Candidate(1) {
			t.Errorf("%q matches %q, and is no candidate", expression, text)
		}
	})
}
