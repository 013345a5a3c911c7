package enrich

import (
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/privacy"
)

func TestIdentifyFollowsTheAccountsSetting(t *testing.T) {
	const guid = "visitor-1"
	for name, c := range map[string]struct {
		setting account.Identification
		user    event.User
		want    string
	}{
		"none":                             {account.IdentifyNone, event.User{ID: "jane", Provider: "none"}, ""},
		"setting missing":                  {"", event.User{ID: "jane"}, ""},
		"setting of a later version":       {"passport", event.User{ID: "jane", Provider: "passport"}, ""},
		"generated":                        {account.IdentifyGenerated, event.User{ID: "jane", Provider: "generated"}, guid},
		"cookie, provider not said":        {account.IdentifyCookie, event.User{ID: "jane"}, "jane"},
		"cookie, from the cookie":          {account.IdentifyCookie, event.User{ID: "jane", Provider: "cookie"}, "jane"},
		"cookie, from elsewhere":           {account.IdentifyCookie, event.User{ID: "jane", Provider: "variable"}, guid},
		"cookie, not logged in":            {account.IdentifyCookie, event.User{Provider: "cookie"}, guid},
		"variable":                         {account.IdentifyVariable, event.User{ID: "jane"}, "jane"},
		"element":                          {account.IdentifyElement, event.User{ID: "jane"}, "jane"},
		"identity provider":                {account.IdentifyIDP, event.User{ID: "jane"}, "jane"},
		"CRM":                              {account.IdentifyCRM, event.User{ID: "jane"}, "jane"},
		"identity provider, spelled wrong": {account.IdentifyIDP, event.User{ID: "jane", Provider: "IDP"}, guid},
	} {
		t.Run(name, func(t *testing.T) {
			c.user.GUID = guid
			var out event.Enriched
			identify(&event.Raw{AccountID: "demo"}, &event.Sent{User: c.user, Session: "s"}, ownerWith(c.setting), nil, &out)
			if out.UserId != c.want || out.VisitorId != guid || out.SessionId != "s" {
				t.Errorf("user %q, visitor %q, session %q; want user %q", out.UserId, out.VisitorId, out.SessionId, c.want)
			}
		})
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add("", "jane", "cookie", "s", "cookie")
	f.Add("g", "", "", "", "none")
	f.Fuzz(func(t *testing.T, guid, user, provider, session, setting string) {
		e := &event.Sent{User: event.User{GUID: guid, ID: user, Provider: provider}, Session: session}
		raw := &event.Raw{AccountID: "demo", EventID: uuid.Max}
		var first, second event.Enriched
		identify(raw, e, ownerWith(account.Identification(setting)), nil, &first)
		identify(raw, e, ownerWith(account.Identification(setting)), nil, &second)
		if first.VisitorId == "" || first.VisitorId != second.VisitorId || first.UserId != second.UserId {
			t.Errorf("%q %q, then %q %q", first.VisitorId, first.UserId, second.VisitorId, second.UserId)
		}
		if hash, _ := privacy.Hashed(user); first.UserId != "" && first.UserId != user && first.UserId != first.VisitorId && first.UserId != hash {
			t.Errorf("user id %q is neither the client's nor the visitor's", first.UserId)
		}
	})
}

func BenchmarkIdentify(b *testing.B) {
	e := &event.Sent{User: event.User{ID: "jane", Provider: "cookie"}, Session: "s"}
	raw := &event.Raw{AccountID: "demo"}
	owner := ownerWith(account.IdentifyCookie)
	var out event.Enriched
	b.ReportAllocs()
	for b.Loop() {
		identify(raw, e, owner, nil, &out)
	}
}

func ownerWith(setting account.Identification) *account.Account {
	return &account.Account{ID: "demo", Policy: account.Policy{Identification: setting}}
}
