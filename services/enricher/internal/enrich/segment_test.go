package enrich

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
)

func segmentEvent(accountID, message string) *event.Raw {
	return &event.Raw{
		Format: event.FormatSegment, AccountID: accountID, EventID: uuid.MustParse("0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"),
		ReceivedAt: receivedAt, SentAt: 1_551_784_023_000, ClientIP: netip.MustParseAddr("203.0.113.77"), Value: []byte(message),
	}
}

func enrichSegment(t *testing.T, accountID, message string) *event.Enriched {
	t.Helper()
	out := new(event.Enriched)
	if err := newEnricher(t).Enrich(segmentEvent(accountID, message), out); err != nil {
		t.Fatalf("%s: %v", message, err)
	}
	return out
}

// What a call says of a person is stored only where the account stores who they are.
func TestTraitsFollowTheAccountsIdentification(t *testing.T) {
	const mark = "ada-zqxj"
	for _, message := range []string{
		`{"type":"identify","userId":"` + mark + `","anonymousId":"a","traits":{"email":"` + mark + `","` + mark + `":1}}`,
		`{"type":"group","groupId":"` + mark + `","userId":"` + mark + `","anonymousId":"a","traits":{"name":"` + mark + `"}}`,
		`{"type":"alias","userId":"` + mark + `","previousId":"` + mark + `","anonymousId":"a"}`,
		`{"type":"identify","userId":"` + mark + `","anonymousId":"a","context":{"traits":{"email":"` + mark + `"},"groupId":"` + mark + `"}}`,
		`{"type":"track","event":"E","userId":"` + mark + `","anonymousId":"a","context":{"traits":{"email":"` + mark + `"}}}`,
	} {
		strict, open := enrichSegment(t, "strict", message), enrichSegment(t, "open", message)
		if strings.Contains(strict.String(), mark) {
			t.Errorf("%s is stored as %s", message, strict)
		}
		if !strings.Contains(open.String(), mark) || open.UserId != mark {
			t.Errorf("%s is stored as %s", message, open)
		}
	}
	generated := enrichSegment(t, "generated", `{"type":"identify","userId":"`+mark+`","anonymousId":"a","traits":{"email":"`+mark+`"}}`)
	if strings.Contains(generated.String(), mark) || generated.UserId != "a" {
		t.Errorf("stored as %s", generated)
	}
}

func TestAPagesAddressInPropertiesFollowsThePolicy(t *testing.T) {
	const message = `{"type":"page","anonymousId":"a","properties":{"url":"https://a.example/zqxj?zqxj","path":"/zqxj","search":"?zqxj","title":"zqxj","referrer":"https://b.example/zqxj","plan":"p"},` +
		`"context":{"page":{"url":"https://a.example/zqxj","title":"zqxj","referrer":"https://b.example/zqxj"},"campaign":{"name":"zqxj"}}}`
	if got := enrichSegment(t, "strict", message); strings.Contains(got.String(), "zqxj") || string(got.Props) != `{"plan":"p"}` {
		t.Errorf("stored as %s", got)
	}
	if got := enrichSegment(t, "open", message); got.Url != "https://a.example/zqxj?zqxj" || got.PageTitle != "zqxj" || got.Referrer != "https://b.example/zqxj" {
		t.Errorf("stored as %s", got)
	}
}

func TestTheCampaignIsTheURLsOrElseTheContexts(t *testing.T) {
	const context = `,"campaign":{"source":"newsletter","medium":"email","name":"spring","term":"t","content":"c"}`
	for name, c := range map[string]struct{ context, source, campaign, traffic string }{
		"the context's":   {`"page":{"url":"https://a.example/","referrer":"https://www.google.com/"}` + context, "newsletter", "spring", "campaign"},
		"without a page":  {`"x":1` + context, "newsletter", "spring", "campaign"},
		"the URL's":       {`"page":{"url":"https://a.example/?utm_source=ad"}` + context, "ad", "", "campaign"},
		"an empty one":    {`"page":{"url":"https://a.example/","referrer":"https://www.google.com/"},"campaign":{}`, "", "", "search"},
		"neither of them": {`"x":1`, "", "", ""},
	} {
		got := enrichSegment(t, "open", `{"type":"page","anonymousId":"a","context":{`+c.context+`}}`)
		if got.UtmSource != c.source || got.UtmCampaign != c.campaign || got.TrafficSource != c.traffic {
			t.Errorf("%s: source %q, campaign %q, traffic %q", name, got.UtmSource, got.UtmCampaign, got.TrafficSource)
		}
	}
}

func TestAnAppsDevice(t *testing.T) {
	for device, want := range map[string][3]string{
		`{"type":"ios","manufacturer":"Apple","model":"iPhone16,1"}`:       {"mobile", "Apple", "iPhone16,1"},
		`{"type":"ios","manufacturer":"Apple","model":"iPad14,3"}`:         {"tablet", "Apple", "iPad14,3"},
		`{"type":"Android","manufacturer":"Google","model":"Pixel 8"}`:     {"mobile", "Google", "Pixel 8"},
		`{"type":"tv","manufacturer":"Samsung","model":"QE55"}`:            {"tv", "Samsung", "QE55"},
		`{"id":"1f","advertisingId":"2f","adTrackingEnabled":false,"x":1}`: {"", "", ""},
	} {
		got := enrichSegment(t, "open", `{"type":"screen","anonymousId":"a","context":{"device":`+device+`,"os":{"name":"iOS","version":"19"}}}`)
		if got.DeviceType != want[0] || got.DeviceBrand != want[1] || got.DeviceModel != want[2] || got.Os != "iOS" || got.OsVersion != "19" {
			t.Errorf("%s: %s", device, got)
		}
	}
}

func TestAnAccountsOwnNames(t *testing.T) {
	const message = `{"type":"track","event":"Tour Started","anonymousId":"a","properties":{"tour_id":7,"plan":"p"}}`
	if got := enrichSegment(t, "open", message); got.ItemType != event.Walkthru || got.Event != "play" || got.ItemId != "7" || string(got.Props) != `{"plan":"p"}` {
		t.Errorf("stored as %s", got)
	}
	if got := enrichSegment(t, "strict", message); got.ItemType != event.Custom || got.ItemId != "" || string(got.Props) != `{"tour_id":7,"plan":"p"}` {
		t.Errorf("another account's is stored as %s", got)
	}
}

// An event without a time of its own happened when it was sent, or else received; a historic one is not moved to its receipt
// (segmentio/analytics-java#340).
func TestTimesOfSegmentsMessages(t *testing.T) {
	for name, c := range map[string]struct {
		times        string
		sentAt, want int64
	}{
		"no time":                {``, 0, receivedAt},
		"no time, but sent":      {``, receivedAt - 5000, receivedAt},
		"a clock an hour behind": {`"timestamp":1551780423000,`, 1_551_780_424_000, receivedAt - 1000},
		"three days old":         {`"timestamp":1551524823500,`, receivedAt, receivedAt - 3*24*3600*1000},
		"the original's clock":   {`"timestamp":1551784000000,"originalTimestamp":1551780423000,`, 1_551_780_424_000, receivedAt - 1000},
	} {
		raw := segmentEvent("open", `{`+c.times+`"type":"page","anonymousId":"a"}`)
		raw.SentAt = c.sentAt
		got := new(event.Enriched)
		if err := newEnricher(t).Enrich(raw, got); err != nil {
			t.Fatal(err)
		}
		if got.Time != c.want {
			t.Errorf("%s: %d, want %d", name, got.Time-receivedAt, c.want-receivedAt)
		}
	}
}

func TestASegmentMessageThatIsNoneIsADeadLetter(t *testing.T) {
	why := event.AsRejection(newEnricher(t).Enrich(segmentEvent("open", `{"type":"track"}`), new(event.Enriched)))
	if why == nil || why.Reason != event.ReasonMissingField || why.Path != "$.event" {
		t.Errorf("%+v", why)
	}
}
