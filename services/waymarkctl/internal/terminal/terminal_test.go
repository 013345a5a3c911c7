package terminal

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWhatCommandsTerminalsIsEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"plain\ttext\n":             "plain\ttext\n",
		"häß 日本 🐊":                  "häß 日本 🐊",
		"\x1b[2J\x1b]0;title\x07":   `\u001b[2J\u001b]0;title\u0007`,
		"over\rwritten\b\b\b":       `over\u000dwritten\u0008\u0008\u0008`,
		"\u009b31m\u007f\u0085":     `\u009b31m\u007f\u0085`,
		"\u202egnp.exe\u2066\u200f": `\u202egnp.exe\u2066\u200f`,
		"\x9b31m \xff":              "\uFFFD31m \uFFFD",
	} {
		for _, whole := range []bool{true, false} { // at once, and byte by byte
			var out strings.Builder
			var err error
			w := New(&out)
			if whole {
				_, err = w.Write([]byte(in))
			} else {
				for i := range len(in) {
					if _, err = w.Write([]byte{in[i]}); err != nil {
						break
					}
				}
			}
			if err != nil || out.String() != want {
				t.Errorf("%q: %q, %v, want %q", in, out.String(), err, want)
			}
		}
	}
}

// What a program reads must be what it was.
func FuzzJSONStaysTheSame(f *testing.F) {
	f.Add("\u009b31m\x1b\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		line, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if _, err := New(&out).Write(line); err != nil {
			t.Fatal(err)
		}
		var before, after string
		if json.Unmarshal(line, &before) != nil || json.Unmarshal([]byte(out.String()), &after) != nil || before != after {
			t.Errorf("%q became %q", line, out.String())
		}
		if strings.ContainsFunc(out.String(), Commands) {
			t.Errorf("%q holds a command", out.String())
		}
	})
}
