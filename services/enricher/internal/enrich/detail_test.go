package enrich

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

func TestAppendDetail(t *testing.T) {
	detail := func(name, value string) event.Detail { return event.Detail{Name: name, Value: []byte(value)} }
	for name, c := range map[string]struct {
		details []event.Detail
		want    string
	}{
		"nothing":                   {nil, ``},
		"one":                       {[]event.Detail{detail("init", `{"type": "launcher"}`)}, `{"init":{"type": "launcher"}}`},
		"a search without a result": {[]event.Detail{detail("query", `"fax"`), detail("result", `null`)}, `{"query":"fax","result":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := string(appendDetail([]byte("before"), c.details))
			if got != "before"+c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if c.want != "" && !jsontext.Value(c.want).IsValid() {
				t.Error("the wanted detail is no JSON")
			}
		})
	}
}
