package enrich

import (
	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/identity"
)

// identify fills visitor, user and session.
func identify(raw *event.Raw, e *event.Sent, owner *account.Account, out *event.Enriched) {
	out.VisitorId = identity.Visitor(owner, e, raw.EventID)
	out.UserId = userID(out.VisitorId, e.User, owner.Policy.Identification)
	out.CompanyId, out.SessionId = e.Company, e.Session
}

// userID is the end user's id under the account's identification setting. Where the chosen provider gave none, the
// anonymous id stands in for it; an id of another provider than the chosen one is never stored.
func userID(visitor string, user event.User, setting account.Identification) string {
	switch {
	case setting.Accepts(user.Provider) && user.ID != "":
		return user.ID
	case setting.Stores():
		return visitor
	}
	return ""
}
