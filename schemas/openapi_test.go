package schemas

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var rewrite = flag.Bool("rewrite", false, "write the event's schema in openapi.yaml anew")

// eventMarker begins the last lines before the event's schema in openapi.yaml.
const eventMarker = "    # What follows is events/event.schema.json: "

// A single file is what tools can read from an address, so the event's schema is in it once more. They cannot part.
func TestTheEventOfOpenAPIIsTheEventSchema(t *testing.T) {
	text := string(OpenAPI)
	at := strings.Index(text, eventMarker)
	if at < 0 {
		t.Fatal("openapi.yaml has no line that says where the event's schema begins")
	}
	begins := at + strings.IndexByte(text[at:], '\n') + 1
	want := eventComponents(t)
	if *rewrite {
		if err := os.WriteFile("openapi.yaml", []byte(text[:begins]+want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text[begins:] != want {
		t.Error("openapi.yaml has another schema of an event than events/event.schema.json: go test ./schemas -run OpenAPI -rewrite writes it anew")
	}
}

// eventComponents are EventSchema and its definitions as components of an OpenAPI document: Event, and EventWord for #/$defs/word.
func eventComponents(t *testing.T) string {
	t.Helper()
	var doc yaml.Node // JSON is YAML; its order stays
	if err := yaml.Unmarshal(EventSchema, &doc); err != nil {
		t.Fatal(err)
	}
	event := doc.Content[0]
	components := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "Event"}, event}}
	var kept []*yaml.Node
	for i := 0; i < len(event.Content); i += 2 {
		name, value := event.Content[i], event.Content[i+1]
		switch name.Value {
		case "$schema", "$id":
		case "$defs":
			for j := 0; j < len(value.Content); j += 2 {
				components.Content = append(components.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: definition(value.Content[j].Value)}, value.Content[j+1])
			}
		default:
			kept = append(kept, name, value)
		}
	}
	event.Content = kept
	asComponent(components)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(components); err != nil {
		t.Fatal(err)
	}
	return "    " + strings.ReplaceAll(strings.TrimSuffix(out.String(), "\n"), "\n", "\n    ") + "\n"
}

// asComponent makes references of a schema those of an OpenAPI document, and its text that of YAML.
func asComponent(n *yaml.Node) {
	n.Style = 0
	if name, ok := strings.CutPrefix(n.Value, "#/$defs/"); ok && n.Kind == yaml.ScalarNode {
		n.Value = "#/components/schemas/" + definition(name)
	}
	if n.Kind == yaml.SequenceNode {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		asComponent(c)
	}
}

func definition(name string) string { return "Event" + strings.ToUpper(name[:1]) + name[1:] }
