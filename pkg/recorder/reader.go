package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

var readers = sync.Pool{New: func() any { return new(reader) }}

// A reader walks one event. The first error it returns is final.
type reader struct {
	dec   jsontext.Decoder
	src   bytes.Buffer
	value []byte
	text  string // the same bytes

	replaced []int // where U+FFFD was put into value, beyond what was read
	warnings []event.Warning
}

func (r *reader) reset(value []byte, text string, replaced []int) {
	r.value, r.text, r.replaced, r.warnings = value, text, replaced, nil
	r.src = *bytes.NewBuffer(value)
	r.dec.Reset(&r.src) // strict: refuses repeated names
}

// warn notes a warning, once.
func (r *reader) warn(code event.WarningCode, path string) {
	if w := (event.Warning{Code: code, Path: path}); !slices.Contains(r.warnings, w) {
		r.warnings = append(r.warnings, w)
	}
}

// part reads an object that the event can do without: another value is left out.
func (r *reader) part(path string, member func(name string) error) error {
	switch r.dec.PeekKind() {
	case '{', 'n', 0: // 0 is a syntax error
		return r.object(path, member)
	}
	r.warn(event.WarnDropped, path)
	return r.skip()
}

// object reads an object, calling member after each name; member must consume the value. null is an object without members.
func (r *reader) object(path string, member func(name string) error) error {
	switch r.dec.PeekKind() {
	case 'n':
		if path == "$" {
			return reject(event.ReasonNotAnObject, path, "want a JSON object")
		}
		return r.skip()
	case '{':
	default:
		v, err := r.dec.ReadValue()
		if err != nil {
			return r.syntax(err)
		}
		if path == "$" {
			return reject(event.ReasonNotAnObject, path, "want a JSON object")
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
		if err := member(r.unquote(name)); err != nil {
			return err
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	return nil
}

// scalar reads one value; ok is false when it is null.
func (r *reader) scalar(path string) (v jsontext.Value, ok bool, err error) {
	v, err = r.dec.ReadValue()
	if err != nil {
		return nil, false, r.syntax(err)
	}
	r.noteReplaced(path, len(v))
	return v, v.Kind() != 'n', nil
}

// noteReplaced warns if the value just read, of size bytes, is not as it was sent.
func (r *reader) noteReplaced(path string, size int) {
	if len(r.replaced) == 0 {
		return
	}
	end := int(r.dec.InputOffset())
	for len(r.replaced) > 0 && r.replaced[0] < end {
		if r.replaced[0] >= end-size {
			r.warn(event.WarnReplaced, path)
		}
		r.replaced = r.replaced[1:]
	}
}

// source is the text of the value just read, of size bytes.
func (r *reader) source(size int) string {
	end := r.dec.InputOffset()
	return r.text[end-int64(size) : end]
}

// bytes are those of the value just read, of size bytes.
func (r *reader) bytes(size int) jsontext.Value {
	end := r.dec.InputOffset()
	return r.value[end-int64(size) : end : end]
}

// raw keeps a value as it stands, within the limits of Rest.
func (r *reader) raw(path string, want shape, names int, out *jsontext.Value) error {
	v, ok, err := r.scalar(path)
	if err != nil || !ok && want != anObjectOrNull {
		return err
	}
	value := r.bytes(len(v))
	switch {
	case !ok || v.Kind() == want.kind():
	case isEmpty(v):
		r.warn(event.WarnDropped, path)
		return nil
	default:
		*out = want.rest(value)
		r.warn(event.WarnAsText, path)
		return nil
	}
	kept, asText, converted := withinLimits(value, want, names)
	if asText {
		r.warn(event.WarnAsText, path)
	}
	if converted {
		r.warn(event.WarnConverted, path)
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

// traits keeps an object as it stands: it is for the raw record's readers only.
func (r *reader) traits(path string, out *jsontext.Value) error {
	v, ok, err := r.scalar(path)
	switch {
	case err != nil || !ok:
	case v.Kind() != '{':
		r.warn(event.WarnDropped, path)
	default:
		*out = r.bytes(len(v))
	}
	return err
}

func (r *reader) skip() error {
	if err := r.dec.SkipValue(); err != nil {
		return r.syntax(err)
	}
	return nil
}

// end makes sure that nothing follows the event.
func (r *reader) end() error {
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return event.Reject(event.ReasonMalformedJSON, fmt.Errorf("more follows the event's object at byte %d", r.dec.InputOffset()))
	}
	return nil
}

// unquote returns the string that the JSON string v, just read, stands for.
func (r *reader) unquote(v jsontext.Value) string {
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
func (r *reader) syntax(err error) error {
	out := &event.Rejection{Reason: event.ReasonMalformedJSON}
	at := int64(len(r.value))
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at = syntactic.ByteOffset
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		out.Err = fmt.Errorf("a name is repeated in the object at byte %d", at)
		out.Path = knownPath(syntactic.JSONPointer.Parent())
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
func knownPath(pointer jsontext.Pointer) string {
	path := "$"
	for name := range pointer.Tokens() {
		if !wireObjects[path+"."+name] {
			return path
		}
		path += "." + name
	}
	return path
}

// wireObjects are the objects of the wire format.
var wireObjects = func() map[string]bool {
	paths := map[string]bool{}
	for path := range strings.FieldsSeq(`$.data $.data.step $.data.pInit $.data.error $.data.goal $.data.lesson $.data.quiz $.data.answers
		$.data.result $.data.action $.data.rule $.env $.env.browser $.env.os $.env.screen $.page $.user $.user.traits $.consent $.consent.purposes $.props $.library`) {
		paths[path] = true
	}
	return paths
}()

func reject(reason event.Reason, path, format string, args ...any) error {
	return &event.Rejection{Reason: reason, Path: path, Err: fmt.Errorf(format, args...)}
}

func missing(path string) error {
	return reject(event.ReasonMissingField, path, "%s is required", path[len("$."):])
}

func wrongType(path, want string, got jsontext.Kind) error {
	return reject(event.ReasonWrongType, path, "%s: want %s, got %s", path[len("$."):], want, kindNames[got])
}

var kindNames = map[jsontext.Kind]string{'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '0': "a number", '{': "an object", '[': "an array"}

// A shape is the kind of JSON value that a raw member must be.
type shape int

const (
	anObject shape = iota
	anArray
	anObjectOrNull // null says something of its own
)

func (s shape) kind() jsontext.Kind {
	return [...]jsontext.Kind{'{', '[', '{'}[s]
}
