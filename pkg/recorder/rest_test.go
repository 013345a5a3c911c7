package recorder

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/event"
)

// object is a JSON object of n names, the first of them called first.
func object(n int, first string) string {
	var out strings.Builder
	out.WriteString(`{"` + first + `":0`)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&out, `,"p%d":%d`, i, i)
	}
	return out.String() + "}"
}

func decodeProps(t *testing.T, props string) (jsontext.Value, []event.Warning) {
	t.Helper()
	var e Event
	if err := Decode([]byte(around(`"props": `+props, "")), &e); err != nil {
		t.Fatal(err)
	}
	return e.Props, e.Warnings
}

func TestPropertiesWithinTheLimitsStayAsTheyAre(t *testing.T) {
	for name, props := range map[string]string{
		"as many names as may be":          object(MaxNames, "first"),
		"the longest name":                 object(2, strings.Repeat("é", MaxNameLength)),
		"the longest name, escaped":        object(2, strings.Repeat(`\u00e9`, MaxNameLength)),
		"a list of objects of two names":   `{"list":[` + strings.Repeat(`{"a":1,"b":":"},`, MaxNames) + `{}]}`,
		"a name called " + Rest:            `{"` + Rest + `":1}`,
		"colons and braces within strings": `{"a":"` + strings.Repeat(`\":{`, MaxNames) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, warnings := decodeProps(t, props); string(got) != props || warnings != nil {
				t.Errorf("became %.200s, %v", got, warnings)
			}
		})
	}
}

func TestPropertiesBeyondTheLimitsAreKeptAsText(t *testing.T) {
	for name, c := range map[string]struct{ props, want string }{
		"a name too many":               {object(MaxNames+2, "first"), strings.TrimSuffix(object(MaxNames, "first"), "}") + `,"_rest":"{\"p256\":256,\"p257\":257}"}`},
		"a name too long":               {`{"a":1,"` + strings.Repeat("n", MaxNameLength+1) + `":{"b":2},"c":3}`, `{"a":1,"c":3,"_rest":"{\"` + strings.Repeat("n", MaxNameLength+1) + `\":{\"b\":2}}"}`},
		"a long name below":             {`{"a":{"` + strings.Repeat("n", MaxNameLength+1) + `":2},"c":3}`, `{"c":3,"_rest":"{\"a\":{\"` + strings.Repeat("n", MaxNameLength+1) + `\":2}}"}`},
		"an object too large, in front": {`{"big":` + object(MaxNames, "x") + `,"c":3}`, `{"c":3,"_rest":` + quote(`{"big":`+object(MaxNames, "x")+`}`) + `}`},
		"a client's own " + Rest:        {`{"_rest":1,"c":3,"` + strings.Repeat("n", MaxNameLength+1) + `":1e400}`, `{"c":3,"_rest":"{\"_rest\":1,\"` + strings.Repeat("n", MaxNameLength+1) + `\":1e400}"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, warnings := decodeProps(t, c.props)
			if string(got) != c.want || len(warnings) != 1 || warnings[0] != (event.Warning{Code: event.WarnAsText, Path: "$.props"}) {
				t.Errorf("got  %s, %v\nwant %s", got, warnings, c.want)
			}
		})
	}
	var e Event
	answers := `[` + object(MaxDetailNames+1, "q") + `]`
	if err := Decode([]byte(around("", `"answers": `+answers+`, "goal": `+object(MaxDetailNames, "id"))), &e); err != nil {
		t.Fatal(err)
	}
	if string(e.Data.Answers) != `[{"_rest":`+quote(answers)+`}]` || string(e.Data.Goal) != object(MaxDetailNames, "id") {
		t.Errorf("answers %s, goal %s", e.Data.Answers, e.Data.Goal)
	}
}

func quote(text string) string {
	out, _ := jsontext.AppendQuote(nil, text)
	return string(out)
}

// Whatever properties are sent, those that are kept and those in the rest are together what was sent, and the names that are left are few.
func TestNothingOfThePropertiesIsLost(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) any { return drawValue(t, 3) })
	rapid.Check(t, func(rt *rapid.T) {
		sent := rapid.MapOfN(rapid.StringMatching(`[a-c"\\é]{0,3}|[xy]{100,140}`), value, 0, 6).Draw(rt, "props")
		delete(sent, Rest)
		if rapid.Bool().Draw(rt, "many") {
			for i := range rapid.IntRange(200, 400).Draw(rt, "names") {
				sent[fmt.Sprint("many", i)] = i
			}
		}
		text, err := json.Marshal(sent)
		if err != nil {
			rt.Fatal(err)
		}
		var e Event
		if err := Decode([]byte(around(`"props": `+string(text), "")), &e); err != nil {
			rt.Fatal(err)
		}
		got := map[string]any{}
		if err := json.Unmarshal(e.Props, &got); err != nil {
			rt.Fatalf("%s: %v", e.Props, err)
		}
		if rest, moved := got[Rest].(string); moved {
			delete(got, Rest)
			if err := json.Unmarshal([]byte(rest), &got); err != nil {
				rt.Fatalf("%s: %v", rest, err)
			}
		}
		want := map[string]any{}
		if err := json.Unmarshal(text, &want); err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("sent %s\ngot %s", text, e.Props)
		}
		if n := len(distinct(e.Props)); n > MaxNames+1 {
			rt.Fatalf("%d names are left", n)
		}
	})
}

// distinct are the names of a JSON value with what they stand under.
func distinct(value []byte) map[string]bool {
	out := map[string]bool{}
	var walk func(under string, v any)
	walk = func(under string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				out[under+"\x00"+name] = true
				walk(under+"\x00"+name, member)
			}
		case []any:
			for _, element := range v {
				walk(under, element)
			}
		}
	}
	var doc any
	if json.Unmarshal(value, &doc) == nil {
		walk("", doc)
	}
	return out
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 4
	if depth == 0 {
		kinds = 2
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.StringN(0, 5, -1).Draw(t, "text")
	case 1:
		return rapid.SampledFrom([]any{nil, true, 0, -1.5, 1e300}).Draw(t, "scalar")
	case 2:
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return drawValue(t, depth-1) }), 0, 4).Draw(t, "list")
	}
	names := rapid.StringMatching(`[a-f]{1,2}|[xy]{120,135}`)
	return rapid.MapOfN(names, rapid.Custom(func(t *rapid.T) any { return drawValue(t, depth-1) }), 0, 5).Draw(t, "object")
}
