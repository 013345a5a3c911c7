package collect

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/waymark-events/waymark/schemas"
)

// documented are the OpenAPI document's paths and their methods, those of enumerated placeholders each by itself, but for the files that the collector
// does not serve. A placeholder without an enumeration stays.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	type parameter struct {
		Name   string
		Schema struct{ Enum []string }
	}
	var doc struct {
		Paths      map[string]map[string]yaml.Node
		Components struct{ Parameters map[string]parameter }
	}
	if err := yaml.Unmarshal(schemas.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	enumerated := map[string][]string{}
	for _, p := range doc.Components.Parameters {
		if len(p.Schema.Enum) > 0 {
			enumerated["{"+p.Name+"}"] = p.Schema.Enum
		}
	}
	out := map[string][]string{}
	for path, item := range doc.Paths {
		if strings.HasPrefix(path, "/recorder.") || path == "/openapi.yaml" {
			continue
		}
		var methods []string
		for name := range item {
			if name != "parameters" {
				methods = append(methods, strings.ToUpper(name))
			}
		}
		slices.Sort(methods)
		paths := []string{path}
		for placeholder, values := range enumerated {
			if strings.Contains(path, placeholder) {
				paths = nil
				for _, value := range values {
					paths = append(paths, strings.Replace(path, placeholder, value, 1))
				}
			}
		}
		for _, p := range paths {
			out[p] = methods
		}
	}
	return out
}

// Every path and method that is served stands in the OpenAPI document, and no other.
func TestTheDocumentHasWhatIsServed(t *testing.T) {
	served := map[string][]string{}
	serve := func(path string, methods []string) {
		served[path] = slices.Sorted(slices.Values(append([]string{"OPTIONS"}, methods...)))
	}
	for path, at := range endpoints {
		serve(path, at.methods)
	}
	for i := range lookups {
		serve(lookups[i].path(), lookups[i].methods)
	}
	said := documented(t)
	for _, path := range slices.Sorted(maps.Keys(served)) {
		if !slices.Equal(served[path], said[path]) {
			t.Errorf("%s takes %v, in the document %v", path, served[path], said[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(said)) {
		if served[path] == nil {
			t.Errorf("%s is in the document, and nobody serves it", path)
		}
	}
}
