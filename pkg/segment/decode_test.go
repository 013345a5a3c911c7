package segment

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/waymark-events/waymark/pkg/event"
)

const at, atMillis = "2026-11-25T21:22:43.508Z", 1795641763508

// decode decodes a message that must be one.
func decode(t *testing.T, message string) event.Sent {
	t.Helper()
	var sent event.Sent
	if err := Decode([]byte(message), nil, "", &sent); err != nil {
		t.Fatalf("%s: %v", message, err)
	}
	return sent
}

func detail(name, value string) []event.Detail {
	return []event.Detail{{Name: name, Value: []byte(value)}}
}

func TestWhatEachTypeBecomes(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		want    event.Sent
	}{
		"track": {`"type":"track","event":"Order Placed","properties":{"total":1}`,
			event.Sent{ItemType: event.Custom, Event: "track", Name: "Order Placed", Props: []byte(`{"total":1}`), Details: detail("name", `"Order Placed"`)}},
		"page": {`"type":"page","name":"Cart","category":"Shop","properties":{"url":"https://a.example/x","path":"/x","title":"T","referrer":"https://b.example/","search":"?q","plan":"p"},"context":{"page":{"url":"https://c.example/"}}`,
			event.Sent{ItemType: event.PageView, Event: "view", ItemName: "Cart", Page: event.Page{URL: "https://a.example/x", Title: "T", Referrer: "https://b.example/"}, Props: []byte(`{"plan":"p"}`), Details: detail("category", `"Shop"`)}},
		"a page that is in its context alone": {`"type":"page","properties":{"path":"/x"},"context":{"page":{"url":"https://c.example/","title":"T"}}`,
			event.Sent{ItemType: event.PageView, Event: "view", Page: event.Page{URL: "https://c.example/", Title: "T"}}},
		"screen":   {`"type":"screen","name":"Checkout"`, event.Sent{ItemType: event.PageView, Event: "view", ItemName: "Checkout", Details: detail("screen", "true")}},
		"identify": {`"type":"identify","traits":{"plan":"pro"}`, event.Sent{ItemType: event.UserItem, Event: "identify", Props: []byte(`{"plan":"pro"}`)}},
		"group":    {`"type":"group","groupId":"acme","traits":{"seats":40},"context":{"groupId":"old"}`, event.Sent{ItemType: event.UserItem, Event: "group", Company: "acme", Props: []byte(`{"seats":40}`)}},
		"consent": {`"type":"identify","userId":"u","context":{"consent":{"categoryPreferences":{"Analytics":true,"Advertising":false,"Odd":"x","Unsaid":null}}}`,
			event.Sent{ItemType: event.UserItem, Event: "identify", User: event.User{ID: "u"}, Consent: event.Consent{Purposes: []event.Purpose{
				{Name: "Analytics", Granted: true}, {Name: "Advertising"}, {Name: "Odd"}}}, Warnings: []event.Warning{{Code: event.WarnDropped, Path: "$.context.consent.categoryPreferences"}}}},
		"alias": {`"type":"alias","userId":"u","previousId":"a"`, event.Sent{ItemType: event.UserItem, Event: "alias", User: event.User{ID: "u"}, Details: detail("previous_id", `"a"`)}},
		"alias, as analytics.js once named its ids": {`"type":"alias","to":"u","from":"a"`, event.Sent{ItemType: event.UserItem, Event: "alias", User: event.User{ID: "u"}, Details: detail("previous_id", `"a"`)}},
		"an app's context": {`"type":"screen","context":{"app":{"name":"Shop","version":"2.1"},"device":{"manufacturer":"Apple","model":"iPhone16,1","type":"ios","id":"d"},"os":{"name":"iOS","version":"19.1"},"screen":{"width":393,"height":852}}`,
			event.Sent{ItemType: event.PageView, Event: "view", OS: event.Software{Name: "iOS", Version: "19.1"}, Device: event.Device{Type: "ios", Brand: "Apple", Model: "iPhone16,1"},
				ScreenWidth: 393, ScreenHeight: 852, Client: event.Client{App: true}, Details: []event.Detail{{Name: "app", Value: []byte(`{"name":"Shop","version":"2.1"}`)}, {Name: "screen", Value: []byte("true")}}}},
		"all else": {`"type":"identify","messageId":"m-1","anonymousId":"a","userId":"u","sentAt":"` + at + `","integrations":{"All":true},"_metadata":{"x":1},"channel":"web","context":{"groupId":"acme","sessionId":1795645472635,` +
			`"ip":"::ffff:192.0.2.7","userAgent":"UA/1","locale":"de-DE","timezone":"Europe/Berlin","library":{"name":"analytics.js","version":"4"},"environment":"test",` +
			`"campaign":{"source":"s","medium":"m","name":"n","term":"t","content":"c"},"userAgentData":{"brands":[{"brand":"Not\"A","version":"8"}],"mobile":true,"platform":"macOS","model":""}}`,
			event.Sent{ItemType: event.UserItem, Event: "identify", ID: "m-1", SentAt: atMillis, User: event.User{GUID: "a", ID: "u"}, Company: "acme", Session: "1795645472635", Environment: "test",
				Client:   event.Client{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "UA/1", Page: true, Hints: event.Hints{UA: `"Not\"A";v="8"`, Mobile: "?1", Platform: `"macOS"`}},
				Language: "de-DE", Timezone: "Europe/Berlin", Library: event.Software{Name: "analytics.js", Version: "4"}, Campaign: event.Campaign{Source: "s", Medium: "m", Name: "n", Term: "t", Content: "c"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.Time = atMillis
			got := decode(t, `{"timestamp":"`+at+`",`+c.message+`}`)
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheEndpointsTypeCounts(t *testing.T) {
	var sent event.Sent
	for _, message := range []string{`{"event":"E","userId":"u"}`, `{"type":"identify","event":"E","userId":"u"}`} {
		if err := Decode([]byte(message), nil, "track", &sent); err != nil || sent.Event != "track" {
			t.Errorf("%s: %q, %v", message, sent.Event, err)
		}
	}
}

func TestWhatABatchSaysIsBelowWhatAMessageSays(t *testing.T) {
	context := `{"library":{"name":"analytics-java","version":"3"},"ip":"192.0.2.1","page":{"url":"https://a.example/","title":"A"},"ip6":`
	for _, c := range []struct{ context, title, library string }{{context + `1}`, "B", "analytics-java"}, {context + `}`, "B", ""}} {
		var sent event.Sent
		if err := Decode([]byte(`{"type":"page","context":{"page":{"title":"B"}}}`), []byte(c.context), "", &sent); err != nil {
			t.Fatal(err)
		}
		if sent.Page.Title != c.title || sent.Library.Name != c.library {
			t.Errorf("title %q, library %q", sent.Page.Title, sent.Library.Name)
		}
	}
}

func TestWhatNoMessageIs(t *testing.T) {
	for message, want := range map[string]struct {
		reason event.Reason
		path   string
	}{
		`{"event":"E"}`:                          {event.ReasonMissingField, "$.type"},
		`{"type":"shout"}`:                       {event.ReasonUnknownEvent, "$.type"},
		`{"type":7}`:                             {event.ReasonWrongType, "$.type"},
		`{"type":"track"}`:                       {event.ReasonMissingField, "$.event"},
		`{"type":"track","event":" "}`:           {event.ReasonMissingField, "$.event"},
		`{"type":"group"}`:                       {event.ReasonMissingField, "$.groupId"},
		`{"type":"group","groupId":"undefined"}`: {event.ReasonMissingField, "$.groupId"},
		`{"type":"alias","userId":"u"}`:          {event.ReasonMissingField, "$.previousId"},
		`{"type":"alias","previousId":"u"}`:      {event.ReasonMissingField, "$.userId"},
		`[]`:                                     {event.ReasonNotAnObject, "$"},
		`null`:                                   {event.ReasonNotAnObject, "$"},
		`7`:                                      {event.ReasonNotAnObject, "$"},
		`{"type":"page","type":"track"}`:         {event.ReasonMalformedJSON, "$"},
		`{"type":"page"`:                         {event.ReasonMalformedJSON, ""},
		`{"type":"page","properties":{"a":"` + strings.Repeat("x", MaxBytes) + `"}}`:                               {event.ReasonTooLarge, ""},
		`{"type":"page","properties":{"a":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}}`: {event.ReasonTooDeep, ""},
	} {
		var sent event.Sent
		why := event.AsRejection(Decode([]byte(message), nil, "", &sent))
		if why == nil || why.Reason != want.reason || why.Path != want.path {
			t.Errorf("%.60s: %+v, want %s at %s", message, why, want.reason, want.path)
		}
	}
}

// What no SDK should send and some did costs no event, and the warnings say so.
func TestAnIncidentalMemberCostsNoMessage(t *testing.T) {
	for members, want := range map[string]string{
		`"userId":12345`:                            "converted:userId",
		`"userId":"undefined"`:                      "no_id:userId",
		`"anonymousId":"[object Object]"`:           "no_id:anonymousId",
		`"messageId":{"a":1}`:                       "dropped:messageId",
		`"timestamp":"yesterday"`:                   "dropped:timestamp",
		`"timestamp":{}`:                            "dropped:timestamp",
		`"sentAt":"soon"`:                           "dropped:sentAt",
		`"traits":[]`:                               "dropped:traits",
		`"traits":"x"`:                              "kept_as_text:traits",
		`"context":"x"`:                             "dropped:context",
		`"context":{"ip":"localhost"}`:              "dropped:context.ip",
		`"context":{"page":{"title":"a\ud83d"}}`:    "replaced:context.page.title",
		`"context":{"screen":{"width":1279.6}}`:     "converted:context.screen.width",
		`"context":{"userAgentData":{"brands":{}}}`: "dropped:context.userAgentData.brands",
		`"context":{"userAgentData":{"brands":[1,{},{"brand":7}]}}`:                                                                  "",
		`"context":null,"traits":null,"userId":null,"messageId":null,"timestamp":null,"sentAt":""`:                                   "",
		`"userId":"","context":{"campaign":{},"app":null,"device":null,"os":{"name":"","version":""},"ip":"","timezone":"GMT+0100"}`: "",
	} {
		sent := decode(t, `{"type":"identify",`+members+`}`)
		var flags []string
		for _, w := range sent.Warnings {
			flags = append(flags, w.Flag())
		}
		if got := strings.Join(flags, " "); got != want {
			t.Errorf("%s: %q, want %q", members, got, want)
		}
	}
}

func TestMoments(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-25T21:22:43.508Z": "", "2026-11-25T22:22:43.508+01:00": "", "2026-11-25T22:22:43.508+0100": "", "2026-11-25T22:22:43.508+01": "",
		"2026-11-25 21:22:43.508Z": "", "2026-11-25 22:22:43.508 +01:00": "", "2026-11-25t21:22:43.508z": "", "2026-11-25T21:22:43.508": "", "2026-11-25 21:22:43.508000": "",
		"2026-11-25T21:22:43.5080000Z": "", "1795641763508": "", "1795641763.508": "", "1.795641763508e12": "",
		"2026-11-25": "2026-11-25T00:00:00Z", "2026-11-25T21:22Z": "2026-11-25T21:22:00Z", "1969-12-31T23:59:59Z": "1969-12-31T23:59:59Z",
		"": "none", "now": "none", "25.11.2026": "none", "NaN": "none", "Infinity": "none", "1e300": "none", "999999-01-01T00:00:00Z": "none", strings.Repeat("1", 65): "none",
	} {
		got, ok := Moment(text)
		wanted := int64(atMillis)
		if want != "" && want != "none" {
			day, err := time.Parse(time.RFC3339, want)
			if err != nil {
				t.Fatal(err)
			}
			wanted = day.UnixMilli()
		}
		if ok != (want != "none") || ok && got != wanted {
			t.Errorf("%q: %d, %t, want %d", text, got, ok, wanted)
		}
	}
}

// originalTimestamp is the client's own reading, where somebody has put a corrected one beside it.
func TestTimesOfAMessage(t *testing.T) {
	for message, want := range map[string]int64{
		`"timestamp":"` + at + `"`: atMillis, `"timestamp":1795641763508`: atMillis, `"timestamp":1795641763`: atMillis - 508,
		`"timestamp":"2020-01-01T00:00:00Z","originalTimestamp":"` + at + `"`: atMillis, `"originalTimestamp":"` + at + `","timestamp":"2020-01-01T00:00:00Z"`: atMillis,
	} {
		if sent := decode(t, `{"type":"page",`+message+`}`); sent.Time != want || sent.Untimed {
			t.Errorf("%s: %d, untimed %t", message, sent.Time, sent.Untimed)
		}
	}
	if sent := decode(t, `{"type":"page"}`); !sent.Untimed {
		t.Error("a message without a time has one")
	}
}

// Faults that people met where servers imitate Segment's API.
func TestFaultsOfImitators(t *testing.T) {
	t.Run("ids that are none merge nobody", func(t *testing.T) { // PostHog/posthog#12008
		for _, id := range []string{`"undefined"`, `"[object Object]"`, `"null"`, `0`, `false`, `"anonymous"`} {
			sent := decode(t, `{"type":"identify","anonymousId":`+id+`,"userId":`+id+`}`)
			if sent.User != (event.User{}) {
				t.Errorf("%s: %+v", id, sent.User)
			}
		}
	})
	t.Run("empty traits do not lose the call", func(t *testing.T) { // segmentio/analytics-php#31
		if sent := decode(t, `{"type":"identify","userId":"u","traits":[]}`); sent.User.ID != "u" || sent.Props != nil {
			t.Errorf("%+v", sent)
		}
	})
	t.Run("traits in the context are found", func(t *testing.T) { // segmentio/analytics-next#909
		if sent := decode(t, `{"type":"identify","anonymousId":"a","context":{"traits":{"plan":"pro"}}}`); string(sent.Props) != `{"plan":"pro"}` {
			t.Errorf("%s", sent.Props)
		}
		if sent := decode(t, `{"type":"track","event":"E","context":{"traits":{"mail":"a@b.example"}}}`); sent.Props != nil {
			t.Errorf("a track's properties are the context's traits: %s", sent.Props)
		}
	})
	t.Run("an alias of two anonymous ids", func(t *testing.T) { // segmentio/analytics-ruby#181
		if sent := decode(t, `{"type":"alias","previousId":"old","anonymousId":"new"}`); sent.User.GUID != "new" || sent.User.ID != "" {
			t.Errorf("%+v", sent.User)
		}
	})
	t.Run("a number is a user's id", func(t *testing.T) { // segmentio/analytics-next#834, segmentio/analytics-react-native#189
		if sent := decode(t, `{"type":"identify","userId":55520.0}`); sent.User.ID != "55520" {
			t.Errorf("%q", sent.User.ID)
		}
	})
	t.Run("messageIds of any kind", func(t *testing.T) { // rudderlabs/rudder-server#937
		for id, want := range map[string]string{`""`: "", `[1]`: "", `7`: "7", `"` + strings.Repeat("x", 5000) + `"`: strings.Repeat("x", 5000), `"null"`: ""} {
			if sent := decode(t, `{"type":"page","messageId":`+id+`}`); sent.ID != want {
				t.Errorf("%.20s: %.20q", id, sent.ID)
			}
		}
	})
	t.Run("the write key is nobody's property", func(t *testing.T) { // segmentio/analytics-php#127
		sent := decode(t, `{"type":"page","writeKey":"wk_secret_key","_metadata":{"writeKey":"wk_secret_key"},"properties":{"a":1}}`)
		if strings.Contains(string(sent.Props), "wk_secret") || len(sent.Details) > 0 {
			t.Errorf("%s %v", sent.Props, sent.Details)
		}
	})
	t.Run("a page's address is no property", func(t *testing.T) { // it would pass an account's policy by
		sent := decode(t, `{"type":"page","properties":{"url":"https://a.example/secret","path":"/secret","search":"?secret","hash":"#secret","title":"secret","referrer":"https://b.example/secret","tab_url":"https://a.example/secret","initial_referrer":"https://b.example/secret"}}`)
		if sent.Props != nil {
			t.Errorf("%s", sent.Props)
		}
	})
	t.Run("NUL", func(t *testing.T) { // PostgreSQL refuses it, and with it servers that keep their queue there
		if sent := decode(t, `{"type":"track","event":"a\u0000b","properties":{"\u0000":"\u0000"}}`); sent.Name != "a\x00b" {
			t.Errorf("%q", sent.Name)
		}
	})
}
