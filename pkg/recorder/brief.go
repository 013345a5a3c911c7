package recorder

import "github.com/waymark-events/waymark/pkg/event"

// A Brief is what the edge asks of an event that is exactly as the schema has it. Strings alias what it was read from.
type Brief struct {
	ID, Type, ItemType, ItemName, PlayID string
	GUID, UserID, Provider               string
	Session, Environment, Consent        string
	Purposes                             []event.Purpose // of its consent
}

// A BriefReader reads one event after the other. It is for one goroutine.
type BriefReader struct{ glance glance }

// Read reads the event that data begins with, in one pass, and tells its size in bytes and how deep objects and arrays nest in it. ok
// means that Decode gives the same of those bytes, without an error or a warning; otherwise nothing is known of them.
func (b *BriefReader) Read(data []byte, out *Brief) (size, depth int, ok bool) {
	size, depth, ok = b.glance.read(data)
	if ok {
		*out = b.glance.e.brief()
	}
	return size, depth, ok
}

// Forget lets the bytes of what was read last go.
func (b *BriefReader) Forget() { b.glance.forget() }

func (e *Event) brief() Brief {
	return Brief{
		ID: e.ID, Type: e.Type, ItemType: e.Data.Type, ItemName: e.Data.Name, PlayID: e.Data.PlayID, GUID: e.User.GUID, UserID: e.User.ID, Provider: e.User.Provider,
		Session: e.Session, Environment: e.Environment, Consent: e.Consent.Status, Purposes: e.Consent.Purposes,
	}
}

// Sent fills those members of out that a Brief has, and empties the others.
func (b *Brief) Sent(out *event.Sent) {
	itemType, _ := ItemType(b.ItemType)
	*out = event.Sent{
		ID: b.ID, Event: b.Type, ItemType: itemType, ItemName: b.ItemName, InteractionID: b.PlayID, Session: b.Session, Environment: b.Environment,
		User: event.User{GUID: b.GUID, ID: b.UserID, Provider: b.Provider}, Consent: event.Consent{Status: b.Consent, Purposes: b.Purposes}, Details: out.Details[:0],
	}
}
