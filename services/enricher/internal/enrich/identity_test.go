package enrich

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/identity"
	"github.com/waymark-events/waymark/pkg/privacy"
	"github.com/waymark-events/waymark/pkg/pseudonym"
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

// A hash is stored in one spelling, a pseudonym names its key, and whatever else came leaves no trace, in no id.
func TestAnIDIsStoredInTheFormThatThePolicyNames(t *testing.T) {
	dir := t.TempDir()
	if _, err := pseudonym.New(dir, "demo"); err != nil {
		t.Fatal(err)
	}
	keys, err := pseudonym.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	made, _ := keys.Of("demo", "jane@x.io")
	sum := sha256.Sum256([]byte("jane@x.io"))
	digits := hex.EncodeToString(sum[:])
	of := func(setting account.Identification, keys *pseudonym.Ring, user event.User) *event.Enriched {
		out := new(event.Enriched)
		identify(&event.Raw{AccountID: "demo", EventID: uuid.Max}, &event.Sent{User: user, Session: "s"}, ownerWith(setting), keys, out)
		return out
	}
	anonymous := of(account.IdentifyNone, nil, event.User{}).VisitorId
	for name, c := range map[string]struct {
		setting account.Identification
		keys    *pseudonym.Ring
		user    event.User
		want    *event.Enriched
	}{
		"a hash":                       {account.IdentifyHashed, nil, event.User{GUID: "g", ID: strings.ToUpper(digits)}, &event.Enriched{VisitorId: "g", UserId: digits}},
		"a hash, of any provider":      {account.IdentifyHashed, nil, event.User{GUID: "g", ID: base64.StdEncoding.EncodeToString(sum[:]), Provider: "crm"}, &event.Enriched{VisitorId: "g", UserId: digits}},
		"no hash":                      {account.IdentifyHashed, nil, event.User{GUID: "g", ID: "jane@x.io"}, &event.Enriched{VisitorId: "g", UserId: "g", Flags: []string{"dropped:user.id"}}},
		"no hash, no GUID":             {account.IdentifyHashed, nil, event.User{ID: "jane@x.io"}, &event.Enriched{VisitorId: anonymous, UserId: anonymous, Flags: []string{"dropped:user.id"}}},
		"a hash, no GUID":              {account.IdentifyHashed, nil, event.User{ID: digits}, &event.Enriched{VisitorId: identity.Of("demo", digits), UserId: digits}},
		"no id under hashed":           {account.IdentifyHashed, nil, event.User{GUID: "g"}, &event.Enriched{VisitorId: "g", UserId: "g"}},
		"a pseudonym":                  {account.IdentifyPseudonymised, keys, event.User{GUID: "g", ID: "jane@x.io", Provider: "crm"}, &event.Enriched{VisitorId: "g", UserId: made}},
		"a pseudonym, no GUID":         {account.IdentifyPseudonymised, keys, event.User{ID: "jane@x.io"}, &event.Enriched{VisitorId: identity.Of("demo", made), UserId: made}},
		"a GUID that is the id":        {account.IdentifyHashed, nil, event.User{GUID: "jane@x.io", ID: "jane@x.io"}, &event.Enriched{VisitorId: anonymous, UserId: anonymous, Flags: []string{"dropped:user.id"}}},
		"the same, of nobody":          {account.IdentifyNone, nil, event.User{GUID: "jane@x.io", ID: "jane@x.io"}, &event.Enriched{VisitorId: anonymous}},
		"the same, where it is stored": {account.IdentifyCRM, nil, event.User{GUID: "jane@x.io", ID: "jane@x.io"}, &event.Enriched{VisitorId: "jane@x.io", UserId: "jane@x.io"}},
		"no key":                       {account.IdentifyPseudonymised, nil, event.User{GUID: "g", ID: "jane@x.io"}, &event.Enriched{VisitorId: "g", UserId: "g", Flags: []string{"unkeyed:user.id"}}},
		"no key, no GUID":              {account.IdentifyPseudonymised, nil, event.User{ID: "jane@x.io"}, &event.Enriched{VisitorId: anonymous, UserId: anonymous, Flags: []string{"unkeyed:user.id"}}},
	} {
		c.want.SessionId = "s"
		if diff := cmp.Diff(c.want, of(c.setting, c.keys, c.user), protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
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
