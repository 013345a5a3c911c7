package clickhouse

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestObjectQuotesOnlyWhatAJSONColumnDoesNotKeep(t *testing.T) {
	nested := func(n int, middle string) string {
		return `{"a":` + strings.Repeat("[", n) + middle + strings.Repeat("]", n) + "}"
	}
	for name, c := range map[string]struct{ sent, want string }{
		"nothing":                      {"", "{}"},
		"small numbers":                {`{"a":1,"b":-2.5e3}`, `{"a":1,"b":-2.5e3}`},
		"integers beyond 64 bits":      {`{"a":123456789012345678901,"b":[-1234567890123456789012]}`, `{"a":"123456789012345678901","b":["-1234567890123456789012"]}`},
		"the largest Int64":            {`{"a":9223372036854775807}`, `{"a":9223372036854775807}`},
		"the least Int64":              {`{"a":-9223372036854775808}`, `{"a":-9223372036854775808}`},
		"one more":                     {`{"a":9223372036854775808}`, `{"a":"9223372036854775808"}`},
		"one less":                     {`{"a":-9223372036854775809}`, `{"a":"-9223372036854775809"}`},
		"digits in a string":           {`{"a":"\"123456789012345678901"}`, `{"a":"\"123456789012345678901"}`},
		"digits in a name":             {`{"123456789012345678901":1}`, `{"123456789012345678901":1}`},
		"many decimals":                {`{"a":0.123456789012345678901}`, `{"a":0.123456789012345678901}`},
		"the largest Float64":          {`{"a":1.7976931348623157e308}`, `{"a":1.7976931348623157e308}`},
		"beyond it":                    {`{"a":[1e309,-1E+309]}`, `{"a":["1e309","-1E+309"]}`},
		"beyond it without a power":    {`{"a":1` + strings.Repeat("0", 309) + `.5}`, `{"a":"1` + strings.Repeat("0", 309) + `.5"}`},
		"below the least Float64":      {`{"a":1e-400}`, `{"a":"1e-400"}`},
		"zero with a power":            {`{"a":0e-400,"b":-0.0E5}`, `{"a":0e-400,"b":-0.0E5}`},
		"as deep as may be":            {nested(63, `"]"`), nested(63, `"]"`)},
		"deeper":                       {nested(64, `{"b":"}\n"}`), nested(63, `"[{\"b\":\"}\\n\"}]"`)},
		"deep and then something more": {`{"a":` + nested(63, "1") + `,"b":1e400}`, `{"a":` + nested(62, `"[1]"`) + `,"b":"1e400"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Object([]byte(c.sent)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":123456789012345678901,"b":"\\\"1"}`))
	f.Add([]byte(`{"a":[1e999,-0.0e-999,{"b":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}]}`))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if got := Object(sent); json.Valid(sent) && !json.Valid([]byte(got)) {
			t.Errorf("%s becomes %s", sent, got)
		}
	})
}
