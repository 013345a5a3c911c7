package recorder

import (
	"math"
	"strings"
	"sync"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/lenient"
)

// Decode reads one event into out, which it overwrites. It refuses what is not exactly one JSON object, repeated names, and events without
// time, type or data.type, or with another type, length or range of them than the schema's; every other member that is not as the schema
// has it is fixed or left out with a warning. null counts as absent. Whether the item type and the event are known is not its concern:
// see ItemType and Known.
//
// The error is a *event.Rejection whose sentence never quotes a value, and whose path never quotes a name of the
// client's own. Raw members of out alias value where they are as sent; strings are copied.
func Decode(value []byte, out *Event) error { return decode(value, string(value), out) }

// DecodeUnsafe is Decode without the copy: strings of out alias value too, which must not change while they are in use.
func DecodeUnsafe(value []byte, out *Event) error {
	return decode(value, unsafe.String(unsafe.SliceData(value), len(value)), out)
}

// A reader walks one event.
type reader struct{ lenient.Reader }

var readers = sync.Pool{New: func() any { return new(reader) }}

// decode reads value; every string of the event without an escape becomes a part of text, the same bytes.
func decode(value []byte, text string, out *Event) error {
	*out = Event{}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.Reset(value, text, wireObjects)
	err := r.event(out)
	out.Warnings = r.Warnings()
	return err
}

func (r *reader) event(e *Event) error {
	timed := false
	err := r.Object("$", func(name string) error {
		switch name {
		case "id":
			return r.ID("$.id", lenient.AnyLength, lenient.APerson, &e.ID)
		case "time":
			return r.Millis("$.time", (*int64)(&e.Time), &timed)
		case "type":
			return r.Word("$.type", &e.Type)
		case "data":
			return r.Object("$.data", func(name string) error { return r.data(name, &e.Data) })
		case "env":
			return r.Part("$.env", func(name string) error { return r.env(name, &e.Env) })
		case "page":
			return r.Part("$.page", func(name string) error { return r.page(name, &e.Page) })
		case "user":
			return r.Part("$.user", func(name string) error { return r.user(name, &e.User) })
		case "company":
			return r.company(&e.Company)
		case "environment":
			return r.String("$.environment", MaxWord, &e.Environment)
		case "session":
			return r.ID("$.session", MaxID, lenient.APerson, &e.Session)
		case "consent":
			return r.consent(&e.Consent)
		case "props":
			return r.Raw("$.props", lenient.AnObject, MaxNames, &e.Props)
		case "library":
			return r.Part("$.library", func(name string) error { return r.library(name, &e.Library) })
		}
		return r.Skip()
	})
	switch {
	case err != nil:
		return err
	case !timed:
		return lenient.Missing("$.time")
	case e.Type == "":
		return lenient.Missing("$.type")
	case e.Data.Type == "":
		return lenient.Missing("$.data.type")
	}
	return r.End()
}

func (r *reader) data(name string, d *Data) error {
	switch name {
	case "type":
		return r.Word("$.data.type", &d.Type)
	case "oId":
		return r.ID("$.data.oId", MaxID, lenient.AnItem, (*string)(&d.ID))
	case "oName":
		return r.String("$.data.oName", MaxName, &d.Name)
	case "pId":
		return r.ID("$.data.pId", MaxPlayID, lenient.APlay, &d.PlayID)
	case "step":
		return r.Part("$.data.step", func(name string) error { return r.step(name, &d.Step) })
	case "preview":
		return r.Boolean("$.data.preview", &d.Preview)
	case "iteration":
		return r.Count("$.data.iteration", MaxStepIndex, &d.Iteration)
	case "language":
		return r.String("$.data.language", MaxWord, &d.Language)
	case "dismissReason":
		return r.String("$.data.dismissReason", MaxWord, &d.DismissReason)
	case "pInit":
		return r.Raw("$.data.pInit", lenient.AnObject, MaxDetailNames, &d.Init)
	case "error":
		return r.Raw("$.data.error", lenient.AnObject, MaxDetailNames, &d.Error)
	case "goal":
		return r.Raw("$.data.goal", lenient.AnObject, MaxDetailNames, &d.Goal)
	case "lesson":
		return r.Raw("$.data.lesson", lenient.AnObject, MaxDetailNames, &d.Lesson)
	case "quiz":
		return r.Raw("$.data.quiz", lenient.AnObject, MaxDetailNames, &d.Quiz)
	case "answers":
		return r.Raw("$.data.answers", lenient.AnArray, MaxDetailNames, &d.Answers)
	case "query":
		return r.Quoted("$.data.query", &d.Query)
	case "result":
		return r.Raw("$.data.result", lenient.AnObjectOrNull, MaxDetailNames, &d.Result)
	case "action":
		return r.Raw("$.data.action", lenient.AnObject, MaxDetailNames, &d.Action)
	case "rule":
		return r.Raw("$.data.rule", lenient.AnObject, MaxDetailNames, &d.Rule)
	case "event":
		return r.Quoted("$.data.event", &d.Event)
	}
	return r.Skip()
}

func (r *reader) step(name string, s *Step) error {
	switch name {
	case "id":
		return r.ID("$.data.step.id", MaxID, lenient.AnItem, (*string)(&s.ID))
	case "index":
		n, ok, err := r.Whole("$.data.step.index", MaxStepIndex, math.Floor)
		if ok {
			index := int32(n)
			s.Index = &index
		}
		return err
	case "count":
		return r.Count("$.data.step.count", MaxStepIndex, &s.Count)
	case "name":
		return r.String("$.data.step.name", MaxName, &s.Name)
	}
	return r.Skip()
}

func (r *reader) env(name string, e *Env) error {
	switch name {
	case "browser":
		return r.software(&browserPaths, &e.Browser)
	case "os":
		return r.software(&osPaths, &e.OS)
	case "screen":
		return r.Part("$.env.screen", func(name string) error {
			switch name {
			case "width":
				return r.Pixels("$.env.screen.width", &e.Screen.Width)
			case "height":
				return r.Pixels("$.env.screen.height", &e.Screen.Height)
			}
			return r.Skip()
		})
	case "language":
		return r.String("$.env.language", MaxWord, &e.Language)
	case "timezone":
		return r.String("$.env.timezone", MaxWord, &e.Timezone)
	}
	return r.Skip()
}

type softwarePaths struct{ whole, name, version, text string }

var (
	browserPaths = softwarePaths{"$.env.browser", "$.env.browser.name", "$.env.browser.version", "$.env.browser.string"}
	osPaths      = softwarePaths{"$.env.os", "$.env.os.name", "$.env.os.version", "$.env.os.string"}
)

// software reads a browser or an operating system; one that is named in a string is its String.
func (r *reader) software(paths *softwarePaths, s *Software) error {
	if r.Kind() == '"' {
		r.Warn(event.WarnConverted, paths.whole)
		return r.String(paths.whole, MaxName, &s.String)
	}
	return r.Part(paths.whole, func(name string) error {
		switch name {
		case "name":
			return r.String(paths.name, MaxWord, &s.Name)
		case "version":
			return r.String(paths.version, MaxWord, &s.Version)
		case "string":
			return r.String(paths.text, MaxName, &s.String)
		}
		return r.Skip()
	})
}

func (r *reader) page(name string, p *Page) error {
	switch name {
	case "url":
		return r.URL("$.page.url", &p.URL)
	case "title":
		return r.String("$.page.title", MaxName, &p.Title)
	case "referrer":
		return r.URL("$.page.referrer", &p.Referrer)
	}
	return r.Skip()
}

func (r *reader) user(name string, u *User) error {
	switch name {
	case "guid":
		return r.ID("$.user.guid", MaxID, lenient.APerson, &u.GUID)
	case "id":
		return r.ID("$.user.id", MaxID, lenient.APerson, &u.ID)
	case "provider":
		return r.String("$.user.provider", MaxWord, &u.Provider)
	case "traits":
		return r.traits(&u.Traits)
	}
	return r.Skip()
}

// consent reads what the visitor allowed; a string is the status.
func (r *reader) consent(c *Consent) error {
	if r.Kind() == '"' {
		return r.status("$.consent", &c.Status)
	}
	return r.Part("$.consent", func(name string) error {
		switch name {
		case "status":
			return r.status("$.consent.status", &c.Status)
		case "purposes":
			return r.Part("$.consent.purposes", func(name string) error { return r.purpose(name, c) })
		}
		return r.Skip()
	})
}

// status reads granted or denied.
func (r *reader) status(path string, out *string) error {
	v, ok, err := r.Scalar(path)
	if err != nil || !ok {
		return err
	}
	if v.Kind() == '"' {
		if text := r.Unquote(v); text == event.ConsentGranted || text == event.ConsentDenied {
			*out = text
			return nil
		}
	}
	r.Warn(event.WarnDropped, path)
	return nil
}

// purpose reads whether one purpose was granted. One that cannot be read was not; its name is the client's own, and not told.
func (r *reader) purpose(name string, c *Consent) error {
	const path = "$.consent.purposes"
	var granted bool
	unsaid := r.Kind() == 'n'
	if err := r.Boolean(path, &granted); err != nil || unsaid {
		return err
	}
	if len(c.Purposes) == MaxPurposes || len(event.Cut(name, MaxWord)) < len(name) {
		r.Warn(event.WarnDropped, path)
		return nil
	}
	c.Purposes = append(c.Purposes, event.Purpose{Name: name, Granted: granted})
	return nil
}

// company reads the end user's company; one that is no object is its id.
func (r *reader) company(c *Company) error {
	if kind := r.Kind(); kind == '"' || kind == '0' {
		r.Warn(event.WarnConverted, "$.company")
		return r.ID("$.company", MaxID, lenient.APerson, &c.ID)
	}
	return r.Part("$.company", func(name string) error {
		if name == "id" {
			return r.ID("$.company.id", MaxID, lenient.APerson, &c.ID)
		}
		return r.Skip()
	})
}

func (r *reader) library(name string, l *Library) error {
	switch name {
	case "name":
		return r.String("$.library.name", MaxWord, &l.Name)
	case "version":
		return r.String("$.library.version", MaxWord, &l.Version)
	}
	return r.Skip()
}

// traits keeps an object as it stands: it is for the raw record's readers only.
func (r *reader) traits(out *jsontext.Value) error {
	v, ok, err := r.Scalar("$.user.traits")
	switch {
	case err != nil || !ok:
	case v.Kind() != '{':
		r.Warn(event.WarnDropped, "$.user.traits")
	default:
		*out = r.Bytes(len(v))
	}
	return err
}

// wireObjects are the objects of the wire format.
var wireObjects = func() map[string]bool {
	paths := map[string]bool{}
	for path := range strings.FieldsSeq(`$.data $.data.step $.data.pInit $.data.error $.data.goal $.data.lesson $.data.quiz $.data.answers $.consent $.consent.purposes
		$.data.result $.data.action $.data.rule $.env $.env.browser $.env.os $.env.screen $.page $.user $.user.traits $.props $.library`) {
		paths[path] = true
	}
	return paths
}()
