package recorder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/schemas"
)

func compileSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	for name, text := range map[string][]byte{"event": schemas.EventSchema, "batch": schemas.BatchSchema} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("https://waymark.events/schemas/events/"+name+".schema.json", doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("https://waymark.events/schemas/events/" + name + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func readExamples(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := fs.Glob(schemas.Examples(), "*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		if out[strings.TrimSuffix(name, ".json")], err = fs.ReadFile(schemas.Examples(), name); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestExamplesPassSchemaAndDecoder(t *testing.T) {
	schema := compileSchema(t, "event")
	examples := readExamples(t)
	for name, text := range examples {
		if err := verdict(schema, text); err != nil {
			t.Errorf("%s: schema: %v", name, err)
		}
		var e Event
		if err := Decode(text, &e); err != nil {
			t.Errorf("%s: decoder: %v", name, err)
		}
		itemType, _ := e.ItemType()
		if !event.Known(itemType, e.Type) || name != "published" && !strings.HasPrefix(name, itemType+"-"+e.Type) {
			t.Errorf("%s: is a %s of a %q", name, e.Type, itemType)
		}
	}
	for _, itemType := range event.ItemTypes() {
		events := event.ItemEvents(itemType)
		if itemType == event.UserItem {
			continue // the recorder says those things of every event
		}
		for _, e := range events {
			if examples[itemType+"-"+e] == nil {
				t.Errorf("no example of %s %s", itemType, e)
			}
		}
	}
}

func TestBatchSchema(t *testing.T) {
	schema := compileSchema(t, "batch")
	event := string(readExamples(t)["published"])
	for body, good := range map[string]bool{
		event:                           true,
		"[" + event + "]":               true,
		"[" + event + "," + event + "]": true,
		`{"events": [` + event + `]}`:   true,
		`{"key": "wk_demo_us", "sentAt": 1551784023000, "events": [` + event + `]}`:          true,
		`{"key": "wk_demo_us", "sentAt": "2019-03-05T11:07:03Z", "events": [` + event + `]}`: true,
		"[]":                        false,
		"[1]":                       false,
		`{"events": []}`:            false,
		`{"events": ` + event + `}`: false,
		`{"key": "wk_demo_us"}`:     false,
		`{"events": [{"time": 1}]}`: false,
		"[" + strings.Repeat(event+",", 500) + event + "]": false,
	} {
		if err := verdict(schema, []byte(body)); (err == nil) != good {
			t.Errorf("%.100s: %v", body, err)
		}
	}
}

func TestSchemaNamesEveryItemAndEvent(t *testing.T) {
	for wire, itemType := range wireItems {
		if !bytes.Contains(schemas.EventSchema, []byte(wire)) {
			t.Errorf("data.type %s is not described", wire)
		}
		for _, e := range event.ItemEvents(itemType) {
			if !bytes.Contains(schemas.EventSchema, []byte(e)) {
				t.Errorf("event %s is not described", e)
			}
		}
	}
}

// replacements are values on and around every limit, and of every type.
var replacements = func() []any {
	out := []any{nil, true, false, "", "x", "1", 0, -1, 1, 1.5, 1e15, json.Number("-0"), json.Number("1e3"), json.Number("2.0"), json.Number("1e400"), map[string]any{}, []any{}, map[string]any{"type": 1}, []any{nil}}
	for _, n := range []int64{MaxTime, MaxWholeID, MaxStepIndex, MaxPixels} {
		out = append(out, n, n+1, -n, -n-1)
	}
	for _, n := range []int{MaxWord, MaxID, MaxPlayID, MaxName, MaxURL} {
		out = append(out, strings.Repeat("é", n), strings.Repeat("é", n+1), strings.Repeat("\u0001", n), strings.Repeat("\u0001", n+1))
	}
	return out
}()

// Each member of the wire format, replaced by each value: what the published schema accepts Decode takes as it is, and what it does not accept
// Decode refuses or warns of.
func TestSchemaAndDecoderAgreeOnEveryMember(t *testing.T) {
	schema := compileSchema(t, "event")
	for _, path := range memberPaths(t) {
		t.Run(strings.Join(path, "."), func(t *testing.T) {
			for _, value := range replacements {
				doc := parse(t, []byte(full))
				put(doc, path, value)
				compare(t, schema, doc)
			}
			doc := parse(t, []byte(full))
			remove(doc, path)
			compare(t, schema, doc)
		})
	}
}

func TestSchemaAndDecoderAgreeOnMutatedExamples(t *testing.T) {
	schema := compileSchema(t, "event")
	paths := memberPaths(t)
	examples := readExamples(t)
	names := slices.Sorted(maps.Keys(examples))
	rapid.Check(t, func(rt *rapid.T) {
		doc := parse(t, examples[rapid.SampledFrom(names).Draw(rt, "example")])
		for range rapid.IntRange(1, 4).Draw(rt, "changes") {
			path := rapid.SampledFrom(paths).Draw(rt, "path")
			if rapid.Bool().Draw(rt, "remove") {
				remove(doc, path)
			} else {
				put(doc, path, replacements[rapid.IntRange(0, len(replacements)-1).Draw(rt, "value")])
			}
		}
		compare(rt, schema, doc)
	})
}

func compare(t interface{ Errorf(string, ...any) }, schema *jsonschema.Schema, doc map[string]any) {
	text, err := json.Marshal(doc)
	if err != nil {
		t.Errorf("marshal: %v", err)
		return
	}
	var e Event
	bySchema, byDecoder := verdict(schema, text), Decode(text, &e)
	asItIs := byDecoder == nil && !slices.ContainsFunc(e.Warnings, func(w event.Warning) bool { return w != oddNumber })
	if (bySchema == nil) != asItIs {
		t.Errorf("%.300s\nschema: %v\ndecoder: %v, %v", text, bySchema, byDecoder, e.Warnings)
	}
	if byDecoder == nil {
		return
	}
	if r := event.AsRejection(byDecoder); r == nil || r.Path == "" {
		t.Errorf("a rejection without a path: %v", byDecoder)
	}
}

// oddNumber is what 1e400 makes of data.pInit.type, of which the schema says nothing.
var oddNumber = event.Warning{Code: event.WarnConverted, Path: "$.data.pInit"}

func verdict(schema *jsonschema.Schema, text []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	return schema.Validate(doc)
}

// memberPaths lists the members of full that the schema describes. full has each of them; TestDecodeReadsEveryMember shows it.
func memberPaths(t *testing.T) [][]string {
	t.Helper()
	var root struct {
		Properties map[string]any `json:"properties"`
		Defs       map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(schemas.EventSchema, &root); err != nil {
		t.Fatal(err)
	}
	var out [][]string
	var walk func(prefix []string, properties map[string]any)
	walk = func(prefix []string, properties map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			path := append(slices.Clone(prefix), name)
			out = append(out, path)
			node := properties[name].(map[string]any)
			if ref, ok := node["$ref"].(string); ok {
				node = root.Defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
			}
			if below, ok := node["properties"].(map[string]any); ok {
				walk(path, below)
			}
		}
	}
	walk(nil, root.Properties)
	if len(out) < 50 {
		t.Fatalf("found only %d members", len(out))
	}
	return out
}

func parse(t *testing.T, text []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func put(doc map[string]any, path []string, value any) {
	for _, name := range path[:len(path)-1] {
		below, ok := doc[name].(map[string]any)
		if !ok {
			below = map[string]any{}
			doc[name] = below
		}
		doc = below
	}
	doc[path[len(path)-1]] = value
}

func remove(doc map[string]any, path []string) {
	for _, name := range path[:len(path)-1] {
		below, ok := doc[name].(map[string]any)
		if !ok {
			return
		}
		doc = below
	}
	delete(doc, path[len(path)-1])
}
