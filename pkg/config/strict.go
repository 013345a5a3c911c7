package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decode fills dst from doc, strictly: what names no setting, stands twice or has another type is an error. Errors name lines and paths,
// never what stands there, since that may be a secret in the wrong place.
func decode(doc *yaml.Node, dst any) error {
	c := checker{seen: make(map[visit]bool)}
	c.check(doc, reflect.TypeOf(dst).Elem(), "")
	if len(c.wrong) > 0 {
		return errors.New(strings.Join(c.wrong, "; "))
	}
	if err := doc.Decode(dst); err != nil { // the checker has missed something
		return errors.New("a value does not fit its setting" + lines(err))
	}
	return nil
}

// A checker finds what does not fit in a tree of YAML.
type checker struct {
	wrong []string
	seen  map[visit]bool // aliases that were followed: a document may name one node very often
}

type visit struct {
	node *yaml.Node
	as   reflect.Type
}

// maxWrong bounds how much is said of one file.
const maxWrong = 10

func (c *checker) say(at *yaml.Node, path, what string, args ...any) {
	text := fmt.Sprintf(what, args...)
	if path != "" {
		text = path + ": " + text
	}
	if at.Line > 0 { // what came from the environment has none
		text = fmt.Sprintf("line %d: %s", at.Line, text)
	}
	if len(c.wrong) < maxWrong {
		c.wrong = append(c.wrong, text)
	}
}

func (c *checker) check(node *yaml.Node, t reflect.Type, path string) {
	if node.Kind == yaml.AliasNode {
		at := visit{node.Alias, t}
		if c.seen[at] {
			return
		}
		c.seen[at] = true
		node = node.Alias
	}
	switch {
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null":
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		c.structure(node, t, path)
	case t.Kind() == reflect.Map:
		if node.Kind != yaml.MappingNode {
			c.say(node, path, "want a mapping")
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			c.check(node.Content[i+1], t.Elem(), join(path, nameOf(node.Content[i])))
		}
	case t.Kind() == reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			c.say(node, path, "want a list")
			return
		}
		for i, item := range node.Content {
			c.check(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case node.Kind != yaml.ScalarNode || node.Decode(reflect.New(t).Interface()) != nil:
		c.say(node, path, "want %s", kindOf(t))
	}
}

// structure checks the settings of a struct; a merge (<<) has the same ones.
func (c *checker) structure(node *yaml.Node, t reflect.Type, path string) {
	if node.Kind != yaml.MappingNode {
		c.say(node, path, "want a mapping of settings")
		return
	}
	known := fields(t)
	first := make(map[string]int)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.ShortTag() == "!!merge" {
			c.merge(value, t, path)
			continue
		}
		at := slices.IndexFunc(known, func(f field) bool { return key.Kind == yaml.ScalarNode && f.key == key.Value })
		if at < 0 {
			c.say(key, path, "%s", unknown(key, known))
			continue
		}
		if line, before := first[key.Value]; before {
			c.say(key, join(path, key.Value), "given twice, first in line %d", line)
			continue
		}
		first[key.Value] = key.Line
		c.check(value, known[at].typ, join(path, key.Value))
	}
}

func (c *checker) merge(value *yaml.Node, t reflect.Type, path string) {
	if value.Kind == yaml.SequenceNode {
		for _, item := range value.Content {
			c.check(item, t, path)
		}
		return
	}
	c.check(value, t, path)
}

// unknown says that a key names no setting. The key itself may be a secret that lost its place: it is named only where it nearly is a
// setting's name.
func unknown(key *yaml.Node, known []field) string {
	var names []string
	for _, f := range known {
		if key.Kind == yaml.ScalarNode && distance(key.Value, f.key) <= min(2, len(f.key)/2) {
			return fmt.Sprintf("%s: no such setting; is it %s?", key.Value, f.key)
		}
		names = append(names, f.key)
	}
	return "no such setting here; there are " + strings.Join(names, ", ")
}

// distance counts the characters to insert, delete or change between two words (Levenshtein); words of very different length are far
// apart.
func distance(a, b string) int {
	if abs := len(a) - len(b); abs > 2 || abs < -2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// nameOf is a key of a map. Maps are by region: what is no name of one may be a secret.
func nameOf(key *yaml.Node) string {
	if key.Kind == yaml.ScalarNode && CheckRegion(key.Value) == nil {
		return key.Value
	}
	return "*"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 5s"
	case t == reflect.TypeFor[time.Time]():
		return "a time such as 2026-11-25T08:00:00Z"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// syntax says why a file is no YAML. The parser's sentences hold nothing of the file but the names of aliases.
func syntax(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	switch {
	case strings.Contains(text, "anchor"):
		text = "an alias (*name) refers to no anchor, or to what it stands in" + lines(err)
	case strings.Contains(text, "control characters"), strings.Contains(text, "UTF-"): // of these the parser knows no line
	case !lineNumber.MatchString(text): // it leaves out the first line's
		text = "line 1: " + text
	}
	return errors.New(text)
}

var lineNumber = regexp.MustCompile(`line [0-9]+`)

// lines are the lines that an error of the parser names.
func lines(err error) string {
	found := lineNumber.FindAllString(err.Error(), maxWrong)
	if len(found) == 0 {
		return ""
	}
	return " (" + strings.Join(found, ", ") + ")"
}
