package privacy

import (
	"slices"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

// A Refusal is why an event is not collected; "" is none. It labels metrics.
type Refusal string

// Why an event is not collected.
const (
	Collected      Refusal = ""
	ByLevel        Refusal = "level"      // the account's level in the event's environment has no such events
	ByDenial       Refusal = "denied"     // the event says that consent was denied
	WithoutConsent Refusal = "no_consent" // the account requires a consent, and the event has none, or not for each of its purposes
	ByGPC          Refusal = "gpc"        // Sec-GPC: 1
	ByDNT          Refusal = "dnt"        // DNT: 1
)

// Refusals are all of them.
var Refusals = []Refusal{ByLevel, ByDenial, WithoutConsent, ByGPC, ByDNT}

// Sentence says it to a sender.
func (r Refusal) Sentence() string {
	switch r {
	case ByLevel:
		return "the account does not collect such events in this environment"
	case ByDenial:
		return "consent was denied"
	case WithoutConsent:
		return "the account collects events with consent only"
	case ByGPC:
		return "the request carried Sec-GPC: 1, which the account honours as a denied consent"
	case ByDNT:
		return "the request carried DNT: 1, which the account honours as a denied consent"
	}
	return ""
}

// Signals are the privacy signals of a request's headers.
type Signals struct{ GPC, DNT bool }

// Refuses tells why the policy does not collect an event. A signal that is honoured counts as a denied consent, whatever consent the event
// says it has: whoever asks not to be followed anywhere is not followed here. Of an item type that is not known, which becomes a dead letter
// until a version knows it, the level says nothing.
func Refuses(p *account.Policy, e *event.Sent, s Signals) Refusal {
	switch {
	case s.GPC && !p.Consent.IgnoreGPC:
		return ByGPC
	case s.DNT && !p.Consent.IgnoreDNT:
		return ByDNT
	case denied(p, &e.Consent):
		return ByDenial
	case p.Consent.Required && !granted(p, &e.Consent):
		return WithoutConsent
	case e.ItemType != "" && levelOf(e.ItemType) > p.LevelIn(environment(e.Environment)):
		return ByLevel
	}
	return Collected
}

// denied: by its status, or for a purpose that the account collects for.
func denied(p *account.Policy, c *event.Consent) bool {
	return c.Status == event.ConsentDenied || slices.ContainsFunc(c.Purposes, func(purpose event.Purpose) bool {
		return !purpose.Granted && slices.Contains(p.Consent.Purposes, purpose.Name)
	})
}

// granted: by its status, where it names no purposes; else for each purpose that the account collects for, or, where the account names none,
// for each that it names itself.
func granted(p *account.Policy, c *event.Consent) bool {
	if len(c.Purposes) == 0 {
		return c.Status == event.ConsentGranted
	}
	if len(p.Consent.Purposes) == 0 {
		return c.Status == event.ConsentGranted || !slices.ContainsFunc(c.Purposes, func(purpose event.Purpose) bool { return !purpose.Granted })
	}
	for _, wanted := range p.Consent.Purposes {
		if !slices.Contains(c.Purposes, event.Purpose{Name: wanted, Granted: true}) {
			return false
		}
	}
	return true
}

// levelOf is the lowest level that collects events of an item type.
func levelOf(itemType string) account.Level {
	switch itemType {
	case event.PageView, event.SessionItem, event.UserItem:
		return account.Page
	case event.Custom:
		return account.Everything
	}
	return account.ItemEvents
}

// Production is the environment of events that name none.
const Production = "production"

func environment(name string) string {
	if name == "" {
		return Production
	}
	return name
}
