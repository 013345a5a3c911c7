package recorder

import (
	"bytes"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

// wireItems maps data.type on the wire to the item type. An item's own name is accepted beside its short form.
var wireItems = map[string]string{
	"wt": event.Walkthru, event.Walkthru: event.Walkthru,
	"ln": event.Launcher, event.Launcher: event.Launcher,
	"so": event.Shoutout, event.Shoutout: event.Shoutout,
	"st": event.Smarttip, event.Smarttip: event.Smarttip,
	"sv": event.Survey, event.Survey: event.Survey,
	"tk": event.Task, event.Task: event.Task,
	"cr": event.Course, event.Course: event.Course,
	"rs": event.Resource, event.Resource: event.Resource,
	"mn": event.Menu, event.Menu: event.Menu,
	"sr": event.Search, event.Search: event.Search,
	"ap": event.Autoplay, event.Autoplay: event.Autoplay,
	event.PageView:    event.PageView,
	event.SessionItem: event.SessionItem,
	event.Custom:      event.Custom,
}

// ItemType translates data.type; false when this version does not know it.
func (e *Event) ItemType() (string, bool) { return ItemType(e.Data.Type) }

// ItemType translates a kind of item on the wire ("wt", "walkthru"); false when this version does not know it.
func ItemType(wire string) (string, bool) {
	itemType, known := wireItems[wire]
	return itemType, known
}

var glances = sync.Pool{New: func() any { return new(glance) }}

// DecodeSent decodes one event of this format, as DecodeUnsafe does, into what enrichment starts from. out.Details keeps its memory.
func DecodeSent(value []byte, out *event.Sent) error {
	g := glances.Get().(*glance)
	defer func() {
		g.forget() // or the pool would keep the bytes that strings alias
		glances.Put(g)
	}()
	size, _, ok := g.read(value)
	if ok && len(bytes.TrimLeft(value[size:], " \t\r\n")) == 0 {
		g.e.Sent(out)
		return nil
	}
	err := DecodeUnsafe(value, &g.e)
	g.e.Sent(out)
	return err
}

// Sent fills out, which it overwrites.
func (e *Event) Sent(out *event.Sent) {
	itemType, _ := e.ItemType()
	d := &e.Data
	*out = event.Sent{
		ID: e.ID, Time: int64(e.Time), Event: e.Type, ItemType: itemType, ItemID: string(d.ID), ItemName: d.Name, ItemLanguage: d.Language, InteractionID: d.PlayID,
		Step:    event.Step{ID: string(d.Step.ID), Count: d.Step.Count, Name: d.Step.Name},
		Preview: d.Preview, Iteration: d.Iteration, Trigger: word(d.Init, "type"), DismissReason: d.DismissReason, FailureReason: word(d.Error, "code"),
		Details: out.Details[:0],
		Browser: event.Software{Name: e.Env.Browser.Name, Version: e.Env.Browser.Version, Text: e.Env.Browser.String},
		OS:      event.Software{Name: e.Env.OS.Name, Version: e.Env.OS.Version, Text: e.Env.OS.String},

		ScreenWidth: e.Env.Screen.Width, ScreenHeight: e.Env.Screen.Height, Language: e.Env.Language, Timezone: e.Env.Timezone,
		Page: event.Page{URL: e.Page.URL, Title: e.Page.Title, Referrer: e.Page.Referrer},
		User: event.User{GUID: e.User.GUID, ID: e.User.ID, Provider: e.User.Provider}, Company: e.Company.ID, Environment: e.Environment, Session: e.Session,
		Consent: event.Consent{Status: e.Consent.Status, Purposes: e.Consent.Purposes},
		Props:   e.Props, Library: event.Software{Name: e.Library.Name, Version: e.Library.Version}, Warnings: e.Warnings,
	}
	if d.Step.Index != nil {
		out.Step.Index, out.Step.Indexed = *d.Step.Index, true
	}
	for _, detail := range [...]event.Detail{
		{Name: "init", Value: d.Init}, {Name: "error", Value: d.Error}, {Name: "goal", Value: d.Goal}, {Name: "lesson", Value: d.Lesson},
		{Name: "quiz", Value: d.Quiz}, {Name: "answers", Value: d.Answers}, {Name: "query", Value: d.Query}, {Name: "result", Value: d.Result},
		{Name: "action", Value: d.Action}, {Name: "rule", Value: d.Rule}, {Name: "name", Value: d.Event},
	} {
		if detail.Value != nil {
			out.Details = append(out.Details, detail)
		}
	}
}

// word returns a member of an object that a client sent, when that is a string of at most MaxWord characters; "" otherwise.
func word(object jsontext.Value, name string) (found string) {
	if object == nil {
		return ""
	}
	g := glances.Get().(*glance)
	defer glances.Put(g)
	g.Reset(object)
	members := g.Object()
	for key, ok := g.Next(&members); ok; key, ok = g.Next(&members) {
		if key == name && g.Kind() == '"' {
			found = g.Text(MaxWord)
		} else {
			g.Skip()
		}
	}
	if _, _, ok := g.Done(); ok {
		return found
	}
	return wordOf(object, name)
}

// wordOf is word of any object.
func wordOf(object jsontext.Value, name string) string {
	dec := jsontext.NewDecoder(bytes.NewReader(object))
	if _, err := dec.ReadToken(); err != nil {
		return ""
	}
	for dec.PeekKind() == '"' {
		key, err := dec.ReadToken()
		if err != nil {
			return ""
		}
		if key.String() != name || dec.PeekKind() != '"' {
			if dec.SkipValue() != nil {
				return ""
			}
			continue
		}
		value, err := dec.ReadToken()
		if err != nil {
			return ""
		}
		return event.Cut(value.String(), MaxWord)
	}
	return ""
}
