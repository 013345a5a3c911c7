package recorder

import (
	"math"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/lenient"
)

// A glance reads events that are exactly as the schema has them, each in one pass. What is not, or is rare, breaks it off: a reader decides.
type glance struct {
	lenient.Glance
	e     Event
	index int32 // e.Data.Step.Index points here
	timed bool
}

// read reads the event that data begins with into e, and tells its size in bytes and how deep objects and arrays nest in it. ok means that
// Decode gives the same of those bytes, without an error or a warning; otherwise nothing is known of them. Strings of e alias data.
func (g *glance) read(data []byte) (size, depth int, ok bool) {
	if len(data) == 0 || data[0] != '{' {
		return 0, 0, false
	}
	g.e, g.timed = Event{}, false
	g.Reset(data)
	g.event(&g.e)
	return g.Done()
}

// forget lets the last event's bytes go.
func (g *glance) forget() { g.e = Event{} }

func (g *glance) event(e *Event) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "id":
			e.ID = g.ID(lenient.AnyLength, lenient.APerson)
		case "time":
			e.Time = Millis(g.Millis())
			g.timed = true
		case "type":
			e.Type = g.Text(MaxWord)
		case "data":
			g.data(&e.Data)
		case "env":
			g.env(&e.Env)
		case "page":
			g.page(&e.Page)
		case "user":
			g.user(&e.User)
		case "company":
			g.company(&e.Company)
		case "environment":
			e.Environment = g.Text(MaxWord)
		case "session":
			e.Session = g.ID(MaxID, lenient.APerson)
		case "consent":
			g.consent(&e.Consent)
		case "props":
			e.Props = g.Raw(lenient.AnObject, MaxNames)
		case "library":
			g.library(&e.Library)
		case "events": // it may be an envelope
			g.Break()
		default:
			g.Skip()
		}
	}
	if !g.timed || e.Type == "" || e.Data.Type == "" {
		g.Break()
	}
}

func (g *glance) data(d *Data) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "type":
			d.Type = g.Text(MaxWord)
		case "oId":
			d.ID = ID(g.ID(MaxID, lenient.AnItem))
		case "oName":
			d.Name = g.Text(MaxName)
		case "pId":
			d.PlayID = g.ID(MaxPlayID, lenient.APlay)
		case "step":
			g.step(&d.Step)
		case "preview":
			d.Preview = g.Boolean()
		case "iteration":
			d.Iteration = uint32(g.Whole(MaxStepIndex))
		case "language":
			d.Language = g.Text(MaxWord)
		case "dismissReason":
			d.DismissReason = g.Text(MaxWord)
		case "pInit":
			d.Init = g.Raw(lenient.AnObject, MaxDetailNames)
		case "error":
			d.Error = g.Raw(lenient.AnObject, MaxDetailNames)
		case "goal":
			d.Goal = g.Raw(lenient.AnObject, MaxDetailNames)
		case "lesson":
			d.Lesson = g.Raw(lenient.AnObject, MaxDetailNames)
		case "quiz":
			d.Quiz = g.Raw(lenient.AnObject, MaxDetailNames)
		case "answers":
			d.Answers = g.Raw(lenient.AnArray, MaxDetailNames)
		case "query":
			d.Query = g.Quoted(MaxName)
		case "result":
			d.Result = g.Raw(lenient.AnObjectOrNull, MaxDetailNames)
		case "action":
			d.Action = g.Raw(lenient.AnObject, MaxDetailNames)
		case "rule":
			d.Rule = g.Raw(lenient.AnObject, MaxDetailNames)
		case "event":
			d.Event = g.Quoted(MaxName)
		default:
			g.Skip()
		}
	}
}

func (g *glance) step(s *Step) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "id":
			s.ID = ID(g.ID(MaxID, lenient.AnItem))
		case "index":
			if !g.Null() {
				g.index = int32(g.Whole(MaxStepIndex))
				s.Index = &g.index
			}
		case "count":
			s.Count = uint32(g.Whole(MaxStepIndex))
		case "name":
			s.Name = g.Text(MaxName)
		default:
			g.Skip()
		}
	}
}

func (g *glance) env(e *Env) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "browser":
			g.software(&e.Browser)
		case "os":
			g.software(&e.OS)
		case "screen":
			g.screen(&e.Screen)
		case "language":
			e.Language = g.Text(MaxWord)
		case "timezone":
			e.Timezone = g.Text(MaxWord)
		default:
			g.Skip()
		}
	}
}

func (g *glance) software(s *Software) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "name":
			s.Name = g.Text(MaxWord)
		case "version":
			s.Version = g.Text(MaxWord)
		case "string":
			s.String = g.Text(MaxName)
		default:
			g.Skip()
		}
	}
}

func (g *glance) screen(s *Screen) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "width":
			s.Width = uint32(g.Whole(MaxPixels))
		case "height":
			s.Height = uint32(g.Whole(MaxPixels))
		default:
			g.Skip()
		}
	}
}

func (g *glance) page(p *Page) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "url":
			p.URL = g.Text(MaxURL)
		case "title":
			p.Title = g.Text(MaxName)
		case "referrer":
			p.Referrer = g.Text(MaxURL)
		default:
			g.Skip()
		}
	}
}

func (g *glance) user(u *User) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "guid":
			u.GUID = g.ID(MaxID, lenient.APerson)
		case "id":
			u.ID = g.ID(MaxID, lenient.APerson)
		case "provider":
			u.Provider = g.Text(MaxWord)
		case "traits":
			u.Traits = g.Raw(lenient.AnObject, math.MaxInt)
		default:
			g.Skip()
		}
	}
}

func (g *glance) company(c *Company) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		if name == "id" {
			c.ID = g.ID(MaxID, lenient.APerson)
		} else {
			g.Skip()
		}
	}
}

func (g *glance) library(l *Library) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "name":
			l.Name = g.Text(MaxWord)
		case "version":
			l.Version = g.Text(MaxWord)
		default:
			g.Skip()
		}
	}
}

func (g *glance) consent(c *Consent) {
	if g.Kind() == '"' {
		g.status(c)
		return
	}
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		switch name {
		case "status":
			g.status(c)
		case "purposes":
			g.purposes(c)
		default:
			g.Skip()
		}
	}
}

func (g *glance) status(c *Consent) {
	if g.Null() {
		return
	}
	status := g.Text(MaxWord)
	if status != event.ConsentGranted && status != event.ConsentDenied {
		g.Break()
	}
	c.Status = status
}

func (g *glance) purposes(c *Consent) {
	object := g.Object()
	for name, ok := g.Next(&object); ok; name, ok = g.Next(&object) {
		if g.Null() {
			continue // unsaid
		}
		granted := g.Boolean()
		if len(c.Purposes) == MaxPurposes || len(name) > MaxWord {
			g.Break()
			return
		}
		c.Purposes = append(c.Purposes, event.Purpose{Name: name, Granted: granted})
	}
}
