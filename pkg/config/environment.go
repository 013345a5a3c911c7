package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// applyEnvironment writes every variable of environ that starts with prefix into doc, at the place its name says.
func applyEnvironment(doc *yaml.Node, dst any, prefix string, environ []string) error {
	var wrong []string
	for _, line := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(line, "=")
		path, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		keys, leaf := resolve(reflect.TypeOf(dst).Elem(), path)
		if leaf == nil {
			wrong = append(wrong, name)
			continue
		}
		if err := set(doc, keys, scalar(leaf, value)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if wrong != nil {
		return fmt.Errorf("environment: no setting is named %s", strings.Join(wrong, ", "))
	}
	return nil
}

// resolve walks t along path (FIELD_FIELD, where a field's own name may hold underscores) and returns the YAML keys and
// the type of the setting, or a nil type when there is none.
func resolve(t reflect.Type, path string) ([]string, reflect.Type) {
	switch {
	case path == "":
		if t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() || t.Kind() == reflect.Map {
			return nil, nil
		}
		return []string{}, t
	case t.Kind() == reflect.Map:
		key, rest, _ := strings.Cut(path, "_")
		if keys, leaf := resolve(t.Elem(), rest); leaf != nil {
			return append([]string{strings.ToLower(key)}, keys...), leaf
		}
	case t.Kind() == reflect.Struct:
		for _, f := range fields(t) {
			name := strings.ToUpper(f.key)
			if path != name && !strings.HasPrefix(path, name+"_") {
				continue
			}
			rest := strings.TrimPrefix(strings.TrimPrefix(path, name), "_")
			if keys, leaf := resolve(f.typ, rest); leaf != nil {
				return append([]string{f.key}, keys...), leaf
			}
		}
	}
	return nil, nil
}

type field struct {
	key   string
	typ   reflect.Type
	index []int // as reflect.Value.FieldByIndex takes it
}

// fields lists the settings of struct t: exported fields with a yaml name, those of inlined structs among them.
func fields(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			for _, inner := range fields(f.Type) {
				out = append(out, field{inner.key, inner.typ, append([]int{i}, inner.index...)})
			}
		case key != "" && key != "-":
			out = append(out, field{key, f.Type, []int{i}})
		}
	}
	return out
}

// Variables returns the names of every environment variable that cfg, of the named service, understands. Keys of maps
// appear as "*".
func Variables(cfg any, service string) []string {
	t := reflect.TypeOf(cfg)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var names []string
	collect(t, strings.TrimSuffix(prefix(service), "_"), &names)
	return names
}

func collect(t reflect.Type, name string, names *[]string) {
	switch t.Kind() {
	case reflect.Struct:
		for _, f := range fields(t) {
			collect(f.typ, name+"_"+strings.ToUpper(f.key), names)
		}
	case reflect.Map:
		collect(t.Elem(), name+"_*", names)
	default:
		*names = append(*names, name)
	}
}

// scalar renders an environment value as YAML of type t. Strings are taken literally, never as YAML.
func scalar(t reflect.Type, value string) *yaml.Node {
	switch t.Kind() {
	case reflect.Slice:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range strings.Split(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list.Content = append(list.Content, scalar(t.Elem(), item))
			}
		}
		return list
	case reflect.String:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: value}
}

// set puts value at keys below node, making mappings on the way.
func set(node *yaml.Node, keys []string, value *yaml.Node) error {
	for i, key := range keys {
		last := i == len(keys)-1
		child := lookup(node, key)
		if child == nil {
			child = &yaml.Node{Kind: yaml.MappingNode}
			node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, child)
		}
		if last {
			*child = *value
			return nil
		}
		if child.Kind == yaml.ScalarNode && child.Tag == "!!null" {
			*child = yaml.Node{Kind: yaml.MappingNode}
		}
		if child.Kind != yaml.MappingNode {
			return fmt.Errorf("%s is not a mapping in the file", strings.Join(keys[:i+1], "."))
		}
		node = child
	}
	return nil
}

func lookup(node *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// ReadSecrets replaces every Secret in dst, a pointer, that names a file by what the file holds; Load has done so. Secrets of lists are not seen.
func ReadSecrets(dst any) error {
	return walkSecrets(reflect.ValueOf(dst).Elem())
}

func walkSecrets(v reflect.Value) error {
	switch {
	case v.Type() == reflect.TypeFor[Secret]():
		file, found := strings.CutPrefix(v.String(), "file:")
		if !found {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read secret: %w", err)
		}
		v.SetString(strings.TrimRight(string(text), "\r\n"))
	case v.Kind() == reflect.Struct:
		for _, f := range fields(v.Type()) {
			if err := walkSecrets(v.FieldByIndex(f.index)); err != nil {
				return err
			}
		}
	case v.Kind() == reflect.Map:
		for _, key := range v.MapKeys() {
			// Map values cannot be set in place.
			elem := reflect.New(v.Type().Elem()).Elem()
			elem.Set(v.MapIndex(key))
			if err := walkSecrets(elem); err != nil {
				return err
			}
			v.SetMapIndex(key, elem)
		}
	}
	return nil
}
