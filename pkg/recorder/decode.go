package recorder

import (
	"errors"
	"unicode/utf8"
	"unsafe"

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
