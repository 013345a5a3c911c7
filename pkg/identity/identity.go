// Package identity gives events and visitors their ids. All of it is deterministic, so that a retry, a replay and a
// re-enrichment give the same ids, and nothing of it is taken from an IP address or a user agent: those are shared,
// they change, and they must not become an identifier.
package identity

import (
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/privacy"
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
// that the event has: the user's id as the account's policy stores it (a hash where it stores hashes), the session, the play, and at last the
// event itself. A pseudonym is not known here: who knows it asks Of instead.
//
// A GUID that is the user's id again is none where the policy does not store that id as it was sent.
func Visitor(owner *account.Account, e *event.Sent, eventID uuid.UUID) string {
	accountID := owner.ID
	user := stored(owner.Policy.Identification, e.User)
	switch {
	case e.User.GUID != "" && (e.User.GUID != e.User.ID || e.User.GUID == user):
		return e.User.GUID
	case user != "":
		return Of(accountID, user)
	case e.Session != "":
		return derive(visitorNamespace, accountID, "session", e.Session).String()
	case e.InteractionID != "":
		return derive(visitorNamespace, accountID, "play", e.InteractionID).String()
	}
	return derive(visitorNamespace, accountID, "event", eventID.String()).String()
}

// Of is the anonymous id of a user, by what is stored of their id.
func Of(accountID, user string) string {
	return derive(visitorNamespace, accountID, "user", user).String()
}

// stored is a user's id as the setting stores it, as far as it is known without a key; "" is not at all.
func stored(setting account.Identification, user event.User) string {
	switch {
	case user.ID == "" || setting == account.IdentifyPseudonymised || !setting.Accepts(user.Provider):
		return ""
	case setting == account.IdentifyHashed:
		digits, _ := privacy.Hashed(user.ID)
		return digits
	}
	return user.ID
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
