package rows

import (
	"encoding/json"
	"testing"
)

func TestObjectQuotesOnlyIntegersThatMayNotFit(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "{}",
		`{"a":1,"b":-2.5e3}`: `{"a":1,"b":-2.5e3}`,
		`{"a":123456789012345678901,"b":[-1234567890123456789012]}`: `{"a":"123456789012345678901","b":["-1234567890123456789012"]}`,
		`{"a":999999999999999999}`:                                  `{"a":999999999999999999}`,
		`{"a":"\"123456789012345678901"}`:                           `{"a":"\"123456789012345678901"}`,
		`{"a":0.123456789012345678901}`:                             `{"a":0.123456789012345678901}`,
	} {
		if got := object([]byte(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":123456789012345678901,"b":"\\\"1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got := object(text); json.Valid(text) && !json.Valid([]byte(got)) {
			t.Errorf("%s becomes %s", text, got)
		}
	})
}
