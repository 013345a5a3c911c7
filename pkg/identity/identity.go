// Package identity gives events and visitors their ids. All of it is deterministic, so that a retry, a replay and a
// re-enrichment give the same ids, and nothing of it is taken from an IP address or a user agent: those are shared,
// they change, and they must not become an identifier.
package identity

import (
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

// The namespaces of derived ids (UUIDv5, RFC 9562 §5.5). They are part of the stored data: never change them.
var (
	eventNamespace   = uuid.MustParse("5a2f6c1e-3d0b-5b7e-9a41-6f1f3c0a7d21")
	visitorNamespace = uuid.MustParse("c7b8e0d4-91f6-5c3a-8e52-2b4d90a6f713")
)

// EventID is the id of an event for which the client sent clientID: a UUID is kept, any other id is derived from account
// and id, so that a client's retry gets the same one; without an id it is new (UUIDv7).
func EventID(accountID, clientID string) uuid.UUID {
	if clientID == "" {
		return uuid.Must(uuid.NewV7())
	}
	if id, err := uuid.Parse(clientID); err == nil && len(clientID) == 36 && id != uuid.Nil {
		return id
	}
	return derive(eventNamespace, accountID, "", clientID)
}

// Visitor is the anonymous id of whoever caused e: the GUID the client sent, otherwise one derived from the strongest hint
// that the event has: the user's id, where the account's policy stores such ids at all, the session, the play, and at last the
// event itself.
func Visitor(owner *account.Account, e *event.Sent, eventID uuid.UUID) string {
	accountID := owner.ID
	switch {
	case e.User.GUID != "":
		return e.User.GUID
	case e.User.ID != "" && owner.Policy.Identification.Accepts(e.User.Provider):
		return derive(visitorNamespace, accountID, "user", e.User.ID).String()
	case e.Session != "":
		return derive(visitorNamespace, accountID, "session", e.Session).String()
	case e.InteractionID != "":
		return derive(visitorNamespace, accountID, "play", e.InteractionID).String()
	}
	return derive(visitorNamespace, accountID, "event", eventID.String()).String()
}

// derive hashes its parts with a separator that account ids and kinds cannot contain.
func derive(namespace uuid.UUID, accountID, kind, id string) uuid.UUID {
	name := make([]byte, 0, 512)
	name = append(name, accountID...)
	name = append(name, 0)
	name = append(name, kind...)
	name = append(name, 0)
	name = append(name, id...)
	return uuid.NewSHA1(namespace, name)
}
