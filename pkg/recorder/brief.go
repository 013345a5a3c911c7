package recorder

import (
	"math"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/lenient"
)

// A Brief is what the edge asks of an event that is exactly as the schema has it. Strings alias what it was read from.
type Brief struct {
	ID, Type, ItemType, ItemName, PlayID string
	GUID, UserID, Provider               string
	Session, Environment, Consent        string
	Purposes                             []event.Purpose // of its consent
}

// A BriefReader reads one event after the other. It is for one goroutine.
type BriefReader struct {
	lenient.Glance
	out   *Brief
	timed bool
}

// Read reads the event that data begins with, in one pass, and tells its size in bytes and how deep objects and arrays nest in it. ok
// means that Decode gives the same of those bytes, without an error or a warning; otherwise nothing is known of them.
func (b *BriefReader) Read(data []byte, out *Brief) (size, depth int, ok bool) {
	if len(data) == 0 || data[0] != '{' {
		return 0, 0, false
	}
	*out = Brief{}
	b.out, b.timed = out, false
	b.Reset(data)
	b.event()
	b.out = nil
	return b.Done()
}

// Sent fills those members of out that a Brief has, and empties the others.
func (b *Brief) Sent(out *event.Sent) {
	itemType, _ := ItemType(b.ItemType)
	*out = event.Sent{
		ID: b.ID, Event: b.Type, ItemType: itemType, ItemName: b.ItemName, InteractionID: b.PlayID, Session: b.Session, Environment: b.Environment,
		User: event.User{GUID: b.GUID, ID: b.UserID, Provider: b.Provider}, Consent: event.Consent{Status: b.Consent, Purposes: b.Purposes}, Details: out.Details[:0],
	}
}

func (b *BriefReader) event() {
	object := b.Object()
	for name, ok := b.Next(&object); ok; name, ok = b.Next(&object) {
		switch name {
		case "id":
			b.out.ID = b.ID(lenient.AnyLength, lenient.APerson)
		case "time":
			b.Millis()
			b.timed = true
		case "type":
			b.out.Type = b.Text(MaxWord)
		case "data":
			b.data()
		case "env":
			b.env()
		case "page":
			b.page()
		case "user":
			b.user()
		case "company":
			b.part(func(name string) bool { return name == "id" && b.id(MaxID, lenient.APerson) })
		case "environment":
			b.out.Environment = b.Text(MaxWord)
		case "session":
			b.out.Session = b.ID(MaxID, lenient.APerson)
		case "consent":
			b.consent()
		case "props":
			b.Raw(lenient.AnObject, MaxNames)
		case "library":
			b.part(func(name string) bool { return (name == "name" || name == "version") && b.sized(MaxWord) })
		case "events": // it may be an envelope
			b.Break()
		default:
			b.Skip()
		}
	}
	if !b.timed || b.out.Type == "" || b.out.ItemType == "" {
		b.Break()
	}
}

func (b *BriefReader) consent() {
	if b.Kind() == '"' {
		b.status()
		return
	}
	object := b.Object()
	for name, ok := b.Next(&object); ok; name, ok = b.Next(&object) {
		switch name {
		case "status":
			b.status()
		case "purposes":
			b.purposes()
		default:
			b.Skip()
		}
	}
}

func (b *BriefReader) purposes() {
	object := b.Object()
	for name, ok := b.Next(&object); ok; name, ok = b.Next(&object) {
		if b.Null() {
			continue // unsaid
		}
		granted := b.Boolean()
		if len(b.out.Purposes) == MaxPurposes || len(name) > MaxWord {
			b.Break()
			return
		}
		b.out.Purposes = append(b.out.Purposes, event.Purpose{Name: name, Granted: granted})
	}
}

func (b *BriefReader) status() {
	if b.Null() {
		return
	}
	status := b.Text(MaxWord)
	if status != event.ConsentGranted && status != event.ConsentDenied {
		b.Break()
	}
	b.out.Consent = status
}

// part passes an object whose members are not kept; known passes those that it knows.
func (b *BriefReader) part(known func(name string) bool) {
	object := b.Object()
	for name, ok := b.Next(&object); ok; name, ok = b.Next(&object) {
		if !known(name) {
			b.Skip()
		}
	}
}

func (b *BriefReader) sized(limit int) bool {
	b.Sized(limit)
	return true
}

func (b *BriefReader) id(limit int, kind lenient.IDKind) bool {
	b.ID(limit, kind)
	return true
}

func (b *BriefReader) whole(limit int64) bool {
	b.Whole(limit)
	return true
}

func (b *BriefReader) data() {
	object := b.Object()
	for name, ok := b.Next(&object); ok; name, ok = b.Next(&object) {
		switch name {
		case "type":
			b.out.ItemType = b.Text(MaxWord)
		case "oId":
			b.ID(MaxID, lenient.AnItem)
		case "oName":
			b.out.ItemName = b.Text(MaxName)
		case "pId":
			b.out.PlayID = b.ID(MaxPlayID, lenient.APlay)
		case "step":
			b.part(b.step)
		case "preview":
			b.Boolean()
		case "iteration":
			b.Whole(MaxStepIndex)
		case "language", "dismissReason":
			b.Sized(MaxWord)
		case "pInit", "error", "goal", "lesson", "quiz", "result", "action", "rule":
			b.Raw(lenient.AnObject, MaxDetailNames)
		case "answers":
			b.Raw(lenient.AnArray, MaxDetailNames)
		case "query", "event":
			b.Sized(MaxName)
		default:
			b.Skip()
		}
	}
}

func (b *BriefReader) step(name string) bool {
	switch name {
	case "id":
		return b.id(MaxID, lenient.AnItem)
	case "index", "count":
		return b.whole(MaxStepIndex)
	case "name":
		return b.sized(MaxName)
	}
	return false
}

func (b *BriefReader) env() {
	object := b.Object()
	for name, ok := b.Next(&object); ok; name, ok = b.Next(&object) {
		switch name {
		case "browser", "os":
			b.part(b.software)
		case "screen":
			b.part(func(name string) bool { return (name == "width" || name == "height") && b.whole(MaxPixels) })
		case "language", "timezone":
			b.Sized(MaxWord)
		default:
			b.Skip()
		}
	}
}

func (b *BriefReader) software(name string) bool {
	switch name {
	case "name", "version":
		return b.sized(MaxWord)
	case "string":
		return b.sized(MaxName)
	}
	return false
}

func (b *BriefReader) page() {
	object := b.Object()
	for name, ok := b.Next(&object); ok; name, ok = b.Next(&object) {
		switch name {
		case "url", "referrer":
			b.Sized(MaxURL)
		case "title":
			b.Sized(MaxName)
		default:
			b.Skip()
		}
	}
}

func (b *BriefReader) user() {
	object := b.Object()
	for name, ok := b.Next(&object); ok; name, ok = b.Next(&object) {
		switch name {
		case "guid":
			b.out.GUID = b.ID(MaxID, lenient.APerson)
		case "id":
			b.out.UserID = b.ID(MaxID, lenient.APerson)
		case "provider":
			b.out.Provider = b.Text(MaxWord)
		case "traits":
			b.Raw(lenient.AnObject, math.MaxInt)
		default:
			b.Skip()
		}
	}
}
