package enrich

import (
	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/identity"
	"github.com/waymark-events/waymark/pkg/privacy"
	"github.com/waymark-events/waymark/pkg/pseudonym"
)

// identify fills visitor, user and session.
func identify(raw *event.Raw, e *event.Sent, owner *account.Account, keys *pseudonym.Ring, out *event.Enriched) {
	out.VisitorId = identity.Visitor(owner, e, raw.EventID)
	user, code := userID(owner, e.User, keys)
	flagIf(code != "", code, "$.user.id", out)
	if user != "" && e.User.GUID == "" && owner.Policy.Identification == account.IdentifyPseudonymised {
		out.VisitorId = identity.Of(owner.ID, user)
	}
	// Where the chosen provider gave none, the anonymous id stands in for it.
	if out.UserId = user; user == "" && owner.Policy.Identification.Stores() {
		out.UserId = out.VisitorId
	}
	out.CompanyId, out.SessionId = e.Company, e.Session
}

// userID is the end user's id in the form that the account's identification setting stores, "" where there is none, and a flag that says why. An id of
// another provider than the chosen one is never stored.
func userID(owner *account.Account, user event.User, keys *pseudonym.Ring) (id string, flag event.WarningCode) {
	setting := owner.Policy.Identification
	if user.ID == "" || !setting.Accepts(user.Provider) {
		return "", ""
	}
	switch setting {
	case account.IdentifyHashed:
		if digits, is := privacy.Hashed(user.ID); is {
			return digits, ""
		}
		return "", event.WarnDropped
	case account.IdentifyPseudonymised:
		if made, keyed := keys.Of(owner.ID, user.ID); keyed {
			return made, ""
		}
		return "", event.WarnUnkeyed
	}
	return user.ID, ""
}
