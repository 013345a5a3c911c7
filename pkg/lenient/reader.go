// Package lenient reads the JSON of wire formats: strict where an event would be none, fixing or leaving out all else with a warning. Formats say
// which member is what; how one is read is the same for all of them: what is no Unicode, which words name nobody, how long a text may be, how many
// names an account's own JSON may have.
package lenient

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

// A Reader walks one event. The first error it returns is final: a *event.Rejection whose sentence never quotes a value, and whose path never
// quotes a name of the client's own. null counts as absent. It may be used again after Reset.
type Reader struct {
	dec   jsontext.Decoder
	src   bytes.Buffer
	value []byte
	text  string // the same bytes
	paths map[string]bool

	replaced []int // where U+FFFD was put into value, beyond what was read
	warnings []event.Warning
}

// Reset makes r read value, of which text is a copy, or the same bytes where value does not change while strings of the event are in use: each
// without an escape becomes a part of text. paths are the wire format's own objects ($.page), which an error may name.
func (r *Reader) Reset(value []byte, text string, paths map[string]bool) {
	fixed, replaced := wellFormed(value)
	if replaced != nil {
		value, text = fixed, string(fixed)
	}
	r.value, r.text, r.paths, r.replaced, r.warnings = value, text, paths, replaced, nil
	r.src = *bytes.NewBuffer(value)
	r.dec.Reset(&r.src) // strict: refuses repeated names
}

// Kind is the kind of the next value; 0 where the JSON is broken.
func (r *Reader) Kind() jsontext.Kind { return r.dec.PeekKind() }

// Warnings are those of all that was read since Reset, each once.
func (r *Reader) Warnings() []event.Warning { return r.warnings }

// Warn notes a warning, once.
func (r *Reader) Warn(code event.WarningCode, path string) {
	if w := (event.Warning{Code: code, Path: path}); !slices.Contains(r.warnings, w) {
		r.warnings = append(r.warnings, w)
	}
}

// Part reads an object that the event can do without: another value is left out.
func (r *Reader) Part(path string, member func(name string) error) error {
	switch r.dec.PeekKind() {
	case '{', 'n', 0: // 0 is a syntax error
		return r.Object(path, member)
	}
	r.Warn(event.WarnDropped, path)
	return r.Skip()
}

// Object reads an object, calling member after each name; member must consume the value. null is an object without members.
func (r *Reader) Object(path string, member func(name string) error) error {
	switch r.dec.PeekKind() {
	case 'n':
		if path == "$" {
			return Reject(event.ReasonNotAnObject, path, "want a JSON object")
		}
		return r.Skip()
	case '{':
	default:
		v, err := r.dec.ReadValue()
		if err != nil {
			return r.syntax(err)
		}
		if path == "$" {
			return Reject(event.ReasonNotAnObject, path, "want a JSON object")
		}
		return wrongType(path, "an object", v.Kind())
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	for r.dec.PeekKind() != '}' {
		name, err := r.dec.ReadValue()
		if err != nil {
			return r.syntax(err)
		}
		if err := member(r.Unquote(name)); err != nil {
			return err
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	return nil
}

// Scalar reads one value; ok is false when it is null.
func (r *Reader) Scalar(path string) (v jsontext.Value, ok bool, err error) {
	v, err = r.dec.ReadValue()
	if err != nil {
		return nil, false, r.syntax(err)
	}
	r.noteReplaced(path, len(v))
	return v, v.Kind() != 'n', nil
}

// noteReplaced warns if the value just read, of size bytes, is not as it was sent.
func (r *Reader) noteReplaced(path string, size int) {
	if len(r.replaced) == 0 {
		return
	}
	end := int(r.dec.InputOffset())
	for len(r.replaced) > 0 && r.replaced[0] < end {
		if r.replaced[0] >= end-size {
			r.Warn(event.WarnReplaced, path)
		}
		r.replaced = r.replaced[1:]
	}
}

// source is the text of the value just read, of size bytes.
func (r *Reader) source(size int) string {
	end := r.dec.InputOffset()
	return r.text[end-int64(size) : end]
}

// Bytes are those of the value just read, of size bytes.
func (r *Reader) Bytes(size int) jsontext.Value {
	end := r.dec.InputOffset()
	return r.value[end-int64(size) : end : end]
}

// Raw keeps a value as it stands, within the limits of Rest.
func (r *Reader) Raw(path string, want Shape, names int, out *jsontext.Value) error {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok && want != AnObjectOrNull {
		return err
	}
	value := r.Bytes(len(v))
	switch {
	case !ok || v.Kind() == want.kind():
	case isEmpty(v):
		r.Warn(event.WarnDropped, path)
		return nil
	default:
		*out = want.rest(value)
		r.Warn(event.WarnAsText, path)
		return nil
	}
	kept, asText, converted := withinLimits(value, want, names)
	if asText {
		r.Warn(event.WarnAsText, path)
	}
	if converted {
		r.Warn(event.WarnConverted, path)
	}
	*out = kept
	return nil
}

// isEmpty tells whether v holds nothing: PHP writes an empty object as [].
func isEmpty(v jsontext.Value) bool {
	switch v.Kind() {
	case '{', '[', '"':
		return len(bytes.TrimSpace(v[1:len(v)-1])) == 0
	}
	return false
}

// Skip passes a value.
func (r *Reader) Skip() error {
	if err := r.dec.SkipValue(); err != nil {
		return r.syntax(err)
	}
	return nil
}

// End makes sure that nothing follows the event.
func (r *Reader) End() error {
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return event.Reject(event.ReasonMalformedJSON, fmt.Errorf("more follows the event's object at byte %d", r.dec.InputOffset()))
	}
	return nil
}

// Unquote returns the string that the JSON string v, just read, stands for.
func (r *Reader) Unquote(v jsontext.Value) string {
	text := r.source(len(v))
	text = text[1 : len(text)-1]
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	plain, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		// The decoder has checked this string already.
		return text
	}
	return string(plain)
}

// syntax says what is wrong with the JSON text, without the library's message: it quotes characters and names.
func (r *Reader) syntax(err error) error {
	out := &event.Rejection{Reason: event.ReasonMalformedJSON}
	at := int64(len(r.value))
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at = syntactic.ByteOffset
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		out.Err = fmt.Errorf("a name is repeated in the object at byte %d", at)
		out.Path = r.knownPath(syntactic.JSONPointer.Parent())
	case r.dec.StackDepth() > tooDeep || syntactic != nil && strings.Count(string(syntactic.JSONPointer), "/") > tooDeep:
		out.Reason, out.Err = event.ReasonTooDeep, fmt.Errorf("nested deeper than %d levels", tooDeep)
	default:
		out.Err = fmt.Errorf("not valid JSON at byte %d", at)
	}
	return out
}

// tooDeep is a little below the depth at which the JSON library gives up; the edge's own limit is far lower.
const tooDeep = 9_990

// knownPath turns a JSON pointer (RFC 6901) into a JSON path, cut where a name is not the wire format's own.
func (r *Reader) knownPath(pointer jsontext.Pointer) string {
	path := "$"
	for name := range pointer.Tokens() {
		if !r.paths[path+"."+name] {
			return path
		}
		path += "." + name
	}
	return path
}

// Reject is the error of an event that is none, for the member at path.
func Reject(reason event.Reason, path, format string, args ...any) error {
	return &event.Rejection{Reason: reason, Path: path, Err: fmt.Errorf(format, args...)}
}

// Missing is the error of an event that lacks a required member.
func Missing(path string) error {
	return Reject(event.ReasonMissingField, path, "%s is required", path[len("$."):])
}

func wrongType(path, want string, got jsontext.Kind) error {
	return Reject(event.ReasonWrongType, path, "%s: want %s, got %s", path[len("$."):], want, kindNames[got])
}

var kindNames = map[jsontext.Kind]string{'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '0': "a number", '{': "an object", '[': "an array"}

// A Shape is the kind of JSON value that a raw member must be.
type Shape int

const (
	AnObject Shape = iota
	AnArray
	AnObjectOrNull // null says something of its own
)

func (s Shape) kind() jsontext.Kind {
	return [...]jsontext.Kind{'{', '[', '{'}[s]
}
