package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
}

func (r *reader) reset(value []byte, text string) {
	r.value, r.text = value, text
	r.src = *bytes.NewBuffer(value)
	r.dec.Reset(&r.src) // strict: refuses repeated names and lone surrogates
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
func (r *reader) scalar() (v jsontext.Value, ok bool, err error) {
	v, err = r.dec.ReadValue()
	if err != nil {
		return nil, false, r.syntax(err)
	}
	return v, v.Kind() != 'n', nil
}

func (r *reader) string(path string, limit int, out *string) error {
	v, ok, err := r.scalar()
	if err != nil || !ok {
		return err
	}
	if v.Kind() != '"' {
		return wrongType(path, "a string", v.Kind())
	}
	*out = r.unquote(v)
	return atMost(path, limit, *out)
}

// raw keeps a value as it stands, after a look at its kind.
func (r *reader) raw(path string, want shape, out *jsontext.Value) error {
	v, err := r.dec.ReadValue()
	if err != nil {
		return r.syntax(err)
	}
	switch kind := v.Kind(); {
	case kind == 'n' && want != anObjectOrNull:
		return nil
	case kind != want.kind() && kind != 'n':
		return wrongType(path, want.String(), kind)
	}
	end := r.dec.InputOffset()
	*out = r.value[end-int64(len(v)) : end : end]
	if want == aString {
		return atMost(path, MaxName, r.unquote(v))
	}
	return nil
}

func (r *reader) skip() error {
	if err := r.dec.SkipValue(); err != nil {
		return r.syntax(err)
	}
	return nil
}

// end makes sure that nothing follows the event.
func (r *reader) end() error {
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return event.Reject(event.ReasonMalformedJSON, fmt.Errorf("more follows the event's object at byte %d", r.dec.InputOffset()))
	}
	return nil
}

// unquote returns the string that the JSON string v, just read, stands for.
func (r *reader) unquote(v jsontext.Value) string {
	end := r.dec.InputOffset()
	text := r.text[end-int64(len(v))+1 : end-1]
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
		$.data.result $.data.action $.data.rule $.env $.env.browser $.env.os $.env.screen $.page $.user $.user.traits $.props $.library`) {
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
	aString
	anObjectOrNull // null says something of its own
)

func (s shape) kind() jsontext.Kind {
	return [...]jsontext.Kind{'{', '[', '"', '{'}[s]
}

func (s shape) String() string {
	return [...]string{"an object", "an array", "a string", "an object or null"}[s]
}
