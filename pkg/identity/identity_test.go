package identity

import (
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

var (
	demo  = &account.Account{ID: "demo", Policy: account.Policy{Identification: account.IdentifyCRM}}
	other = &account.Account{ID: "demo2", Policy: account.Policy{Identification: account.IdentifyCRM}}
)

const id = "0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"

func TestEventID(t *testing.T) {
	if got := EventID("demo", id).String(); got != id {
		t.Errorf("a client's UUID became %s", got)
	}
	if got := EventID("demo", "0190C3A2-7B1E-7C3D-8E4F-5A6B7C8D9E0F").String(); got != id {
		t.Errorf("the same UUID in capitals became %s", got)
	}
	derived := EventID("demo", "order-1")
	if derived.Version() != 5 || derived != EventID("demo", "order-1") {
		t.Errorf("a retry got another id: %s", derived)
	}
	if derived == EventID("demo2", "order-1") || derived == EventID("demo", "order-2") {
		t.Error("another account or another id got the same event id")
	}
	if fresh := EventID("demo", ""); fresh.Version() != 7 || fresh == EventID("demo", "") {
		t.Errorf("without an id: %s", fresh)
	}
	if EventID("demo", uuid.Nil.String()) == uuid.Nil {
		t.Error("the nil UUID identifies nothing")
	}
}

// The derived ids are stored: a change of these values would split every visitor in two.
func TestDerivedIDsNeverChange(t *testing.T) {
	e := &event.Sent{User: event.User{ID: "u"}}
	if got := Visitor(demo, e, uuid.Nil); got != "9d5869a8-fd25-5abe-bc7c-34ca9a9107cd" {
		t.Errorf("visitor %s", got)
	}
	if got := EventID("demo", "order-1").String(); got != "fdb34852-d084-52d9-8db0-ac9adc5556b4" {
		t.Errorf("event id %s", got)
	}
}

func TestVisitorIsTheStrongestHintOfTheEvent(t *testing.T) {
	eventID := uuid.MustParse(id)
	full := event.Sent{Session: "s", InteractionID: "p", User: event.User{GUID: "g", ID: "u"}}
	strip := []func(e *event.Sent){
		func(e *event.Sent) { e.User.GUID = "" },
		func(e *event.Sent) { e.User.ID = "" },
		func(e *event.Sent) { e.Session = "" },
		func(e *event.Sent) { e.InteractionID = "" },
	}
	if got := Visitor(demo, &full, eventID); got != "g" {
		t.Errorf("the client's GUID became %s", got)
	}
	seen := map[string]bool{}
	for i, remove := range strip {
		remove(&full)
		got := Visitor(demo, &full, eventID)
		if _, err := uuid.Parse(got); err != nil || seen[got] || got != Visitor(demo, &full, eventID) || got == Visitor(other, &full, eventID) {
			t.Errorf("after %d members removed: %q", i+1, got)
		}
		seen[got] = true
	}
	same := event.Sent{InteractionID: "s"}
	if Visitor(demo, &event.Sent{Session: "s"}, eventID) == Visitor(demo, &same, eventID) {
		t.Error("a session and a play of the same id are one visitor")
	}
}

func BenchmarkVisitor(b *testing.B) {
	e := &event.Sent{Session: "0190c3a2-7b1e"}
	b.ReportAllocs()
	for b.Loop() {
		Visitor(demo, e, uuid.Nil)
	}
}

func TestAUserIDThatThePolicyForbidsLeavesNoTrace(t *testing.T) {
	for _, setting := range []account.Identification{account.IdentifyNone, account.IdentifyGenerated, account.IdentifyCookie} {
		owner := &account.Account{ID: "demo", Policy: account.Policy{Identification: setting}}
		with := event.Sent{Session: "s", User: event.User{ID: "ada@example.com", Provider: "crm"}}
		without := event.Sent{Session: "s"}
		if Visitor(owner, &with, uuid.Max) != Visitor(owner, &without, uuid.Max) {
			t.Errorf("%s: the visitor is derived from the user's id", setting)
		}
	}
}
