package privacy

import (
	"reflect"
	"slices"
	"testing"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

// forbids are the fields that each part of the strictest policy empties, and no other.
var forbids = map[string][]string{
	"URL":   {"Url", "UrlHost", "UrlPath", "Referrer", "ReferrerHost", "TrafficSource", "UtmSource", "UtmMedium", "UtmCampaign", "UtmTerm", "UtmContent"},
	"title": {"PageTitle"},
	"user":  {"UserId", "CompanyId"},
}

func TestWhatThePolicyForbidsIsTakenOutAndNothingElse(t *testing.T) {
	all := account.Policy{CollectURL: true, CollectTitle: true, Identification: account.IdentifyCRM}
	for name, c := range map[string]struct {
		change func(*account.Policy)
		empty  []string
	}{
		"nothing":                            {func(*account.Policy) {}, nil},
		"no URL":                             {func(p *account.Policy) { p.CollectURL = false }, forbids["URL"]},
		"no title":                           {func(p *account.Policy) { p.CollectTitle = false }, forbids["title"]},
		"nobody identified":                  {func(p *account.Policy) { p.Identification = account.IdentifyNone }, forbids["user"]},
		"what a later accounts file may say": {func(p *account.Policy) { p.Identification = "telepathy" }, forbids["user"]},
		"the zero policy":                    {func(p *account.Policy) { *p = account.Policy{} }, slices.Concat(forbids["URL"], forbids["title"], forbids["user"])},
	} {
		policy := all
		c.change(&policy)
		var e event.Enriched
		v := reflect.ValueOf(&e).Elem()
		for i := range v.NumField() { // every text of an event
			if f := v.Field(i); f.Kind() == reflect.String && f.CanSet() {
				f.SetString("something")
			}
		}
		e.Flags = []string{"cut:page.title", "redacted:page.url", "cut:page.referrer", "shortened:user.id", "shortened:company.id", "dropped:env"}
		Apply(policy, &e)
		for member, field := range map[string]string{"cut:page.title": "PageTitle", "redacted:page.url": "Url", "cut:page.referrer": "Referrer", "shortened:user.id": "UserId", "shortened:company.id": "CompanyId", "dropped:env": ""} {
			if slices.Contains(e.Flags, member) == slices.Contains(c.empty, field) {
				t.Errorf("%s: the flags are %v", name, e.Flags)
			}
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type.Kind() == reflect.String && f.IsExported() && (v.Field(i).String() == "") != slices.Contains(c.empty, f.Name) {
				t.Errorf("%s: %s is %q", name, f.Name, v.Field(i).String())
			}
		}
	}
}
