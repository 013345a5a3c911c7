package enrich

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/recorder"
)

func TestAppendDetail(t *testing.T) {
	raw := func(s string) jsontext.Value { return jsontext.Value(s) }
	for name, c := range map[string]struct {
		data recorder.Data
		want string
	}{
		"nothing":                   {recorder.Data{Type: "wt"}, ``},
		"one":                       {recorder.Data{Init: raw(`{"type": "launcher"}`)}, `{"init":{"type": "launcher"}}`},
		"a search without a result": {recorder.Data{Query: raw(`"fax"`), Result: raw(`null`)}, `{"query":"fax","result":null}`},
		"a custom event's name":     {recorder.Data{Event: raw(`"Order placed"`)}, `{"name":"Order placed"}`},
		"all": {
			recorder.Data{Init: raw(`{}`), Error: raw(`{}`), Goal: raw(`{}`), Lesson: raw(`{}`), Quiz: raw(`{}`), Answers: raw(`[]`), Query: raw(`"q"`), Result: raw(`{}`), Action: raw(`{}`), Rule: raw(`{}`), Event: raw(`"e"`)},
			`{"init":{},"error":{},"goal":{},"lesson":{},"quiz":{},"answers":[],"query":"q","result":{},"action":{},"rule":{},"name":"e"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := string(appendDetail([]byte("before"), &c.data))
			if got != "before"+c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if c.want != "" && !jsontext.Value(c.want).IsValid() {
				t.Error("the wanted detail is no JSON")
			}
		})
	}
}
