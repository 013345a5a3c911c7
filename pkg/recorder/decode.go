package recorder

import (
	"math"
	"unsafe"

	"github.com/waymark-events/waymark/pkg/event"
)

// Decode reads one event into out, which it overwrites. It refuses what is not exactly one JSON object, repeated names, and events without
// time, type or data.type, or with another type, length or range of them than the schema's; every other member that is not as the schema
// has it is mended or left out with a warning. null counts as absent. Whether the item type and the event are known is not its concern:
// see ItemType and Known.
//
// The error is a *event.Rejection whose sentence never quotes a value, and whose path never quotes a name of the
// client's own. Raw members of out alias value where they are as sent; strings are copied.
func Decode(value []byte, out *Event) error { return decode(value, string(value), out) }

// DecodeUnsafe is Decode without the copy: strings of out alias value too, which must not change while they are in use.
func DecodeUnsafe(value []byte, out *Event) error {
	return decode(value, unsafe.String(unsafe.SliceData(value), len(value)), out)
}

// decode reads value; every string of the event without an escape becomes a part of text, the same bytes.
func decode(value []byte, text string, out *Event) error {
	*out = Event{}
	mended, replaced := wellFormed(value)
	if replaced != nil {
		value, text = mended, string(mended)
	}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.reset(value, text, replaced)
	err := r.event(out)
	out.Warnings = r.warnings
	return err
}

func (r *reader) event(e *Event) error {
	timed := false
	err := r.object("$", func(name string) error {
		switch name {
		case "id":
			return r.id("$.id", anyLength, aPerson, &e.ID)
		case "time":
			return r.millis("$.time", &e.Time, &timed)
		case "type":
			return r.word("$.type", &e.Type)
		case "data":
			return r.object("$.data", func(name string) error { return r.data(name, &e.Data) })
		case "env":
			return r.part("$.env", func(name string) error { return r.env(name, &e.Env) })
		case "page":
			return r.part("$.page", func(name string) error { return r.page(name, &e.Page) })
		case "user":
			return r.part("$.user", func(name string) error { return r.user(name, &e.User) })
		case "company":
			return r.company(&e.Company)
		case "environment":
			return r.string("$.environment", MaxWord, &e.Environment)
		case "session":
			return r.id("$.session", MaxID, aPerson, &e.Session)
		case "consent":
			return r.consent(&e.Consent)
		case "props":
			return r.raw("$.props", anObject, MaxNames, &e.Props)
		case "library":
			return r.part("$.library", func(name string) error { return r.library(name, &e.Library) })
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
		return r.word("$.data.type", &d.Type)
	case "oId":
		return r.id("$.data.oId", MaxID, anItem, (*string)(&d.ID))
	case "oName":
		return r.string("$.data.oName", MaxName, &d.Name)
	case "pId":
		return r.id("$.data.pId", MaxPlayID, aPlay, &d.PlayID)
	case "step":
		return r.part("$.data.step", func(name string) error { return r.step(name, &d.Step) })
	case "preview":
		return r.boolean("$.data.preview", &d.Preview)
	case "iteration":
		return r.count("$.data.iteration", MaxStepIndex, &d.Iteration)
	case "language":
		return r.string("$.data.language", MaxWord, &d.Language)
	case "dismissReason":
		return r.string("$.data.dismissReason", MaxWord, &d.DismissReason)
	case "pInit":
		return r.raw("$.data.pInit", anObject, MaxDetailNames, &d.Init)
	case "error":
		return r.raw("$.data.error", anObject, MaxDetailNames, &d.Error)
	case "goal":
		return r.raw("$.data.goal", anObject, MaxDetailNames, &d.Goal)
	case "lesson":
		return r.raw("$.data.lesson", anObject, MaxDetailNames, &d.Lesson)
	case "quiz":
		return r.raw("$.data.quiz", anObject, MaxDetailNames, &d.Quiz)
	case "answers":
		return r.raw("$.data.answers", anArray, MaxDetailNames, &d.Answers)
	case "query":
		return r.quoted("$.data.query", &d.Query)
	case "result":
		return r.raw("$.data.result", anObjectOrNull, MaxDetailNames, &d.Result)
	case "action":
		return r.raw("$.data.action", anObject, MaxDetailNames, &d.Action)
	case "rule":
		return r.raw("$.data.rule", anObject, MaxDetailNames, &d.Rule)
	case "event":
		return r.quoted("$.data.event", &d.Event)
	}
	return r.skip()
}

func (r *reader) step(name string, s *Step) error {
	switch name {
	case "id":
		return r.id("$.data.step.id", MaxID, anItem, (*string)(&s.ID))
	case "index":
		n, ok, err := r.whole("$.data.step.index", MaxStepIndex, math.Floor)
		if ok {
			index := int32(n)
			s.Index = &index
		}
		return err
	case "count":
		return r.count("$.data.step.count", MaxStepIndex, &s.Count)
	case "name":
		return r.string("$.data.step.name", MaxName, &s.Name)
	}
	return r.skip()
}

func (r *reader) env(name string, e *Env) error {
	switch name {
	case "browser":
		return r.software(&browserPaths, &e.Browser)
	case "os":
		return r.software(&osPaths, &e.OS)
	case "screen":
		return r.part("$.env.screen", func(name string) error {
			switch name {
			case "width":
				return r.pixels("$.env.screen.width", &e.Screen.Width)
			case "height":
				return r.pixels("$.env.screen.height", &e.Screen.Height)
			}
			return r.skip()
		})
	case "language":
		return r.string("$.env.language", MaxWord, &e.Language)
	case "timezone":
		return r.string("$.env.timezone", MaxWord, &e.Timezone)
	}
	return r.skip()
}

type softwarePaths struct{ whole, name, version, text string }

var (
	browserPaths = softwarePaths{"$.env.browser", "$.env.browser.name", "$.env.browser.version", "$.env.browser.string"}
	osPaths      = softwarePaths{"$.env.os", "$.env.os.name", "$.env.os.version", "$.env.os.string"}
)

// software reads a browser or an operating system; one that is named in a string is its String.
func (r *reader) software(paths *softwarePaths, s *Software) error {
	if r.dec.PeekKind() == '"' {
		r.warn(event.WarnConverted, paths.whole)
		return r.string(paths.whole, MaxName, &s.String)
	}
	return r.part(paths.whole, func(name string) error {
		switch name {
		case "name":
			return r.string(paths.name, MaxWord, &s.Name)
		case "version":
			return r.string(paths.version, MaxWord, &s.Version)
		case "string":
			return r.string(paths.text, MaxName, &s.String)
		}
		return r.skip()
	})
}

func (r *reader) page(name string, p *Page) error {
	switch name {
	case "url":
		return r.url("$.page.url", &p.URL)
	case "title":
		return r.string("$.page.title", MaxName, &p.Title)
	case "referrer":
		return r.url("$.page.referrer", &p.Referrer)
	}
	return r.skip()
}

func (r *reader) user(name string, u *User) error {
	switch name {
	case "guid":
		return r.id("$.user.guid", MaxID, aPerson, &u.GUID)
	case "id":
		return r.id("$.user.id", MaxID, aPerson, &u.ID)
	case "provider":
		return r.string("$.user.provider", MaxWord, &u.Provider)
	case "traits":
		return r.traits("$.user.traits", &u.Traits)
	}
	return r.skip()
}

// consent reads what the visitor allowed; a string is the status.
func (r *reader) consent(c *Consent) error {
	if r.dec.PeekKind() == '"' {
		return r.status("$.consent", &c.Status)
	}
	return r.part("$.consent", func(name string) error {
		switch name {
		case "status":
			return r.status("$.consent.status", &c.Status)
		case "purposes":
			return r.part("$.consent.purposes", func(name string) error { return r.purpose(name, c) })
		}
		return r.skip()
	})
}

// status reads granted or denied.
func (r *reader) status(path string, out *string) error {
	v, ok, err := r.scalar(path)
	if err != nil || !ok {
		return err
	}
	if v.Kind() == '"' {
		if text := r.unquote(v); text == event.ConsentGranted || text == event.ConsentDenied {
			*out = text
			return nil
		}
	}
	r.warn(event.WarnDropped, path)
	return nil
}

// purpose reads whether one purpose was granted. One that cannot be read was not; its name is the client's own, and not told.
func (r *reader) purpose(name string, c *Consent) error {
	const path = "$.consent.purposes"
	var granted bool
	unsaid := r.dec.PeekKind() == 'n'
	if err := r.boolean(path, &granted); err != nil || unsaid {
		return err
	}
	if len(c.Purposes) == MaxPurposes || len(Cut(name, MaxWord)) < len(name) {
		r.warn(event.WarnDropped, path)
		return nil
	}
	c.Purposes = append(c.Purposes, event.Purpose{Name: name, Granted: granted})
	return nil
}

// company reads the end user's company; one that is no object is its id.
func (r *reader) company(c *Company) error {
	if kind := r.dec.PeekKind(); kind == '"' || kind == '0' {
		r.warn(event.WarnConverted, "$.company")
		return r.id("$.company", MaxID, aPerson, &c.ID)
	}
	return r.part("$.company", func(name string) error {
		if name == "id" {
			return r.id("$.company.id", MaxID, aPerson, &c.ID)
		}
		return r.skip()
	})
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
