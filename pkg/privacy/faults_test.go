package privacy

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

// What went wrong in other products, as their users told it.
func TestWhatWentWrongElsewhere(t *testing.T) {
	stays := func(text string) bool { got, taken := Scrub(text); return !taken && got == text }
	json := func(value string) string { got, _ := ScrubJSON([]byte(value), nil); return string(got) }
	url := func(text string, keep ...string) string { got, _ := ScrubURL(text, keep); return got }
	nothing := sha256.Sum256(nil)
	for fault, fixed := range map[string]bool{
		"an error tracker: ids of 15 digits that begin with a date are masked as cards":                  stays(`"150428427078522"`),
		"an error tracker: numbers in the address of a session's replay are masked as cards":             stays("https://app.example/ui/session/5629499534213120:5645784892407808"),
		"a telemetry collector: a card that is sent as a number passes":                                  json(`{"app.dummy":4111111111111111}`) == `{"app.dummy":"[card]"}`,
		"a telemetry collector: what stands in a list passes":                                            json(`{"mails":["jane@x.io",["john@x.io"]]}`) == `{"mails":["[email]",["[email]"]]}`,
		"a telemetry collector: a value that may stay takes what must go with it":                        url("https://a.example/?tab=jane@x.io", "tab") == "https://a.example/?tab=[email]",
		"a product analytics library: the token of a reset link is kept in the URL's fragment":           url("https://a.example/reset-password#token=5f4dcc3b") == "https://a.example/reset-password",
		"a product analytics library: the URL of a page is scrubbed, and not the same one object deeper": json(`{"vitals":{"current_url":"https://a.example/x#token=5f4d"}}`) == `{"vitals":{"current_url":"https://a.example/x"}}`,
		"an integration platform: a JSON Web Token in a path is kept":                                    url("https://a.example/reset-password/"+webToken) == "https://a.example/reset-password/[token]",
		"a recognizer of personal data: a part of a UUID is masked as a phone number":                    stays("110bcd25-a55d-453a-8046-1297901ea002"),
		"a link finder: the numbers of an app store's address are phone numbers":                         stays("https://apps.example/id/app/id284882215"),
		"a pipeline: the hash of an empty id makes all who are not logged in one user":                   !ok(Hashed(hex.EncodeToString(nothing[:]))),
		"a web analytics server: Global Privacy Control is not read unless it is asked for":              Refuses(&account.Policy{}, &event.Sent{}, Signals{GPC: true}) == ByGPC,
		"a web analytics plugin: an account that has consent cannot ignore Do Not Track":                 Refuses(&account.Policy{Consent: account.Consent{IgnoreDNT: true}}, &event.Sent{}, Signals{DNT: true}) == Collected,
	} {
		if !fixed {
			t.Errorf("as in %s", fault)
		}
	}
	// A search by a regular expression that goes back takes minutes for this.
	if _, taken := Scrub(strings.Repeat("a.", 1<<20) + "@"); taken {
		t.Error("dots are an address")
	}
}

func ok(_ string, is bool) bool { return is }
