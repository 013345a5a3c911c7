package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

// Decode reads one event strictly into out, which it overwrites. It refuses what is not exactly one JSON object in UTF-8,
// repeated names, values of another type or length than the schema's, and events without time, type or data.type. null
// counts as absent. Whether the item type and the event are known is not its concern: see ItemType and Known.
//
// The error is a *event.Rejection whose sentence never quotes a value, and whose path never quotes a name of the
// client's own. Raw members of out alias value; strings are copied.
func Decode(value []byte, out *Event) error { return decode(value, string(value), out) }

// DecodeUnsafe is Decode without the copy: strings of out alias value too, which must not change while they are in use.
func DecodeUnsafe(value []byte, out *Event) error {
	return decode(value, unsafe.String(unsafe.SliceData(value), len(value)), out)
}

// decode reads value; every string of the event without an escape becomes a part of text, the same bytes.
func decode(value []byte, text string, out *Event) error {
	*out = Event{}
	if !utf8.Valid(value) {
		return event.Reject(event.ReasonInvalidUTF8, errors.New("the event is not UTF-8"))
	}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.reset(value, text)
	return r.event(out)
}

func (r *reader) event(e *Event) error {
	timed := false
	err := r.object("$", func(name string) error {
		switch name {
		case "id":
			return r.string("$.id", MaxID, &e.ID)
		case "time":
			return r.millis("$.time", &e.Time, &timed)
		case "type":
			return r.string("$.type", MaxWord, &e.Type)
		case "data":
			return r.object("$.data", func(name string) error { return r.data(name, &e.Data) })
		case "env":
			return r.object("$.env", func(name string) error { return r.env(name, &e.Env) })
		case "page":
			return r.object("$.page", func(name string) error { return r.page(name, &e.Page) })
		case "user":
			return r.object("$.user", func(name string) error { return r.user(name, &e.User) })
		case "session":
			return r.string("$.session", MaxID, &e.Session)
		case "props":
			return r.raw("$.props", anObject, &e.Props)
		case "library":
			return r.object("$.library", func(name string) error { return r.library(name, &e.Library) })
		}
		return r.skip()
	})
	switch {
	case err != nil:
		return err
	case !timed:
		return missing("$.time")
	case e.Type == "":
		return missing("$.type")
	case e.Data.Type == "":
		return missing("$.data.type")
	}
	return r.end()
}

func (r *reader) data(name string, d *Data) error {
	switch name {
	case "type":
		return r.string("$.data.type", MaxWord, &d.Type)
	case "oId":
		return r.id("$.data.oId", &d.ID)
	case "oName":
		return r.string("$.data.oName", MaxName, &d.Name)
	case "pId":
		return r.string("$.data.pId", MaxPlayID, &d.PlayID)
	case "step":
		return r.object("$.data.step", func(name string) error { return r.step(name, &d.Step) })
	case "pInit":
		return r.raw("$.data.pInit", anObject, &d.Init)
	case "error":
		return r.raw("$.data.error", anObject, &d.Error)
	case "goal":
		return r.raw("$.data.goal", anObject, &d.Goal)
	case "lesson":
		return r.raw("$.data.lesson", anObject, &d.Lesson)
	case "quiz":
		return r.raw("$.data.quiz", anObject, &d.Quiz)
	case "answers":
		return r.raw("$.data.answers", anArray, &d.Answers)
	case "query":
		return r.raw("$.data.query", aString, &d.Query)
	case "result":
		return r.raw("$.data.result", anObjectOrNull, &d.Result)
	case "action":
		return r.raw("$.data.action", anObject, &d.Action)
	case "rule":
		return r.raw("$.data.rule", anObject, &d.Rule)
	case "event":
		return r.raw("$.data.event", aString, &d.Event)
	}
	return r.skip()
}

func (r *reader) step(name string, s *Step) error {
	switch name {
	case "id":
		return r.id("$.data.step.id", &s.ID)
	case "index":
		var n uint32
		sent, err := r.whole("$.data.step.index", MaxStepIndex, &n)
		if sent {
			index := int32(n)
			s.Index = &index
		}
		return err
	case "name":
		return r.string("$.data.step.name", MaxName, &s.Name)
	}
	return r.skip()
}

func (r *reader) env(name string, e *Env) error {
	switch name {
	case "browser":
		return r.object("$.env.browser", func(name string) error {
			switch name {
			case "name":
				return r.string("$.env.browser.name", MaxWord, &e.Browser.Name)
			case "version":
				return r.string("$.env.browser.version", MaxWord, &e.Browser.Version)
			case "string":
				return r.string("$.env.browser.string", MaxName, &e.Browser.String)
			}
			return r.skip()
		})
	case "os":
		return r.object("$.env.os", func(name string) error {
			switch name {
			case "name":
				return r.string("$.env.os.name", MaxWord, &e.OS.Name)
			case "version":
				return r.string("$.env.os.version", MaxWord, &e.OS.Version)
			case "string":
				return r.string("$.env.os.string", MaxName, &e.OS.String)
			}
			return r.skip()
		})
	case "screen":
		return r.object("$.env.screen", func(name string) error {
			var err error
			switch name {
			case "width":
				_, err = r.whole("$.env.screen.width", MaxPixels, &e.Screen.Width)
			case "height":
				_, err = r.whole("$.env.screen.height", MaxPixels, &e.Screen.Height)
			default:
				err = r.skip()
			}
			return err
		})
	case "language":
		return r.string("$.env.language", MaxWord, &e.Language)
	case "timezone":
		return r.string("$.env.timezone", MaxWord, &e.Timezone)
	}
	return r.skip()
}

func (r *reader) page(name string, p *Page) error {
	switch name {
	case "url":
		return r.string("$.page.url", MaxURL, &p.URL)
	case "title":
		return r.string("$.page.title", MaxName, &p.Title)
	case "referrer":
		return r.string("$.page.referrer", MaxURL, &p.Referrer)
	}
	return r.skip()
}

func (r *reader) user(name string, u *User) error {
	switch name {
	case "guid":
		return r.string("$.user.guid", MaxID, &u.GUID)
	case "id":
		return r.string("$.user.id", MaxID, &u.ID)
	case "provider":
		return r.string("$.user.provider", MaxWord, &u.Provider)
	case "traits":
		return r.raw("$.user.traits", anObject, &u.Traits)
	}
	return r.skip()
}

func (r *reader) library(name string, l *Library) error {
	switch name {
	case "name":
		return r.string("$.library.name", MaxWord, &l.Name)
	case "version":
		return r.string("$.library.version", MaxWord, &l.Version)
	}
	return r.skip()
}

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
