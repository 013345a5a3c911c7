package columns

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/recorder"
)

// Any props that the edge accepts come back: as text to the last character, and as JSON equal to the text but for what the type cannot say.
// What beside them is stored in the same block is no matter.
func TestPropsComeBackEqual(t *testing.T) {
	table := newTable(t)
	rapid.Check(t, func(t *rapid.T) {
		var sent []string
		for range rapid.SampledFrom([]int{1, 1, 2, 30}).Draw(t, "rows") {
			sent = append(sent, object(4).Draw(t, "props"))
		}
		comeBack(t, table, sent)
	})
}

func FuzzPropsComeBackEqual(f *testing.F) {
	table := newTable(f)
	for _, s := range strangers {
		f.Add(s, `{"v":[null,{"a":null}]}`)
	}
	f.Fuzz(func(t *testing.T, one, other string) { comeBack(t, table, []string{one, other}) })
}

type tb interface {
	Helper()
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// comeBack stores those of sent that the edge accepts as one block, and compares.
func comeBack(t tb, table *table, sent []string) {
	t.Helper()
	var accepted []string
	for _, props := range sent {
		var e recorder.Event
		if recorder.Decode([]byte(`{"time":1,"type":"track","data":{"type":"custom"},"props":`+props+`}`), &e) == nil && e.Props != nil {
			accepted = append(accepted, string(e.Props))
		}
	}
	if len(accepted) == 0 {
		return
	}
	session, err := table.store(accepted...)
	if err != nil {
		t.Fatalf("the table refuses one of %q: %v", accepted, err)
	}
	found, err := table.find(session, "1")
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, props := range accepted {
		got, ok := found[props]
		if !ok {
			t.Errorf("%q: its text did not come back", props)
			continue
		}
		if strings.Contains(props, "%2E") { // such a name may be the same path as another's
			continue
		}
		want := asColumn(decode(t, clickhouse.Object([]byte(props))))
		if !equal(want, asColumn(decode(t, got.json)), false) {
			t.Errorf("%q came back as %q", props, got.json)
		}
	}
}

// asColumn is a value without what a JSON column cannot say: that a member is null or an empty object, and, of an array in which there is
// an array, whether an element is null or empty.
func asColumn(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			member = asColumn(member)
			if below, isObject := member.(map[string]any); member != nil && (!isObject || len(below) > 0) {
				out[name] = member
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			if out[i] = asColumn(element); out[i] == nil {
				if hasArray(v) {
					out[i] = []any{}
				}
			}
		}
		return out
	}
	return value
}

// equal compares what was sent with what came back. An integer is the same to its last digit, unless rounded says that a fraction stands
// beside it in an array, however deep; any other number is the same as a Float64.
func equal(want, got any, rounded bool) bool {
	switch want := want.(type) {
	case map[string]any:
		got, is := got.(map[string]any)
		if !is || len(got) != len(want) {
			return false
		}
		for name, member := range want {
			if there, ok := got[name]; !ok || !equal(member, there, false) {
				return false
			}
		}
		return true
	case []any:
		got, is := got.([]any)
		return is && slices.EqualFunc(want, got, func(a, b any) bool { return equal(a, b, rounded || hasFraction(want)) })
	case json.Number:
		got, is := got.(json.Number)
		if !is {
			return false
		}
		if isInteger(want) && !rounded {
			return want == got || want == "-0" && got == "0"
		}
		a, err := want.Float64()
		b, errOfGot := got.Float64()
		return err == nil && errOfGot == nil && a == b
	}
	return want == got
}

func isInteger(n json.Number) bool { return !strings.ContainsAny(n.String(), ".eE") }

func hasFraction(elements []any) bool {
	for _, e := range elements {
		switch e := e.(type) {
		case json.Number:
			if !isInteger(e) {
				return true
			}
		case []any:
			if hasFraction(e) {
				return true
			}
		}
	}
	return false
}

func hasArray(elements []any) bool {
	for _, e := range elements {
		if _, is := e.([]any); is {
			return true
		}
	}
	return false
}

func decode(t tb, text string) (value any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return value
}

// canonical is a JSON text with its names in order.
func canonical(t tb, text string) string {
	t.Helper()
	out, err := json.Marshal(decode(t, text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return string(out)
}

// names collide with each other as paths, dotted and nested.
var names = []string{"a", "b", "a.b", "b.a", "a.b.a", "", ".", "a.", "v", "é", "\u0000", "a b", "^a", ":Int64", "a[]", "`", `"`, `\`, "2024-01-01", "0"}

// object draws the text of an object.
func object(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		drawn := rapid.SliceOfNDistinct(rapid.OneOf(rapid.SampledFrom(names), rapid.String()), 0, 6, rapid.ID[string]).Draw(t, "names")
		members := make([]string, len(drawn))
		for i, name := range drawn {
			members[i] = quoted(name) + ":" + value(depth-1).Draw(t, "value")
		}
		return "{" + strings.Join(members, ",") + "}"
	})
}

func array(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return "[" + strings.Join(rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "elements"), ",") + "]"
	})
}

func value(depth int) *rapid.Generator[string] {
	kinds := []*rapid.Generator[string]{
		rapid.SampledFrom([]string{"null", "true", "false", "{}", "[]", `""`, "0", "-0", "1", "1.0", "-1.5", "1e3", "1E400", "1e-400", "0e999"}),
		rapid.Custom(func(t *rapid.T) string { return quoted(rapid.String().Draw(t, "text")) }),
		rapid.SampledFrom([]string{`"2024-01-01"`, `"10/12/2024"`, `"1945-05-08"`, `"2024-01-15T10:00:00+05:30"`, `"2024-01-15 10:00:00.123456789"`, `"12"`, `"1.50"`, `"true"`, `"null"`, `"{}"`, `"nan"`, `"inf"`}),
		rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.Int64().Draw(t, "integer")) }),
		rapid.Custom(func(t *rapid.T) string { return rapid.StringMatching(`-?[1-9][0-9]{15,40}`).Draw(t, "digits") }),
		rapid.Custom(func(t *rapid.T) string {
			return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})\.[0-9]{1,25}([eE][+-]?[0-9]{1,3})?`).Draw(t, "decimal")
		}),
	}
	if depth > 0 {
		kinds = append(kinds, object(depth), array(depth))
	}
	return rapid.OneOf(kinds...)
}

func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}
