package enrich

import (
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/geo"
	"github.com/waymark-events/waymark/pkg/recorder"
	"github.com/waymark-events/waymark/pkg/useragent"
	"github.com/waymark-events/waymark/schemas"
)

const accounts = `accounts:
  - {id: open, region: us, policy: {identification: cookie, level: 3, collect_url: true, collect_title: true, geo: city, ip: mask, ip_at: enricher, scrubbing: {keep_query: ['*']}}, segment_events: {Tour Started: {item: wt, event: play, properties: {item_id: tour_id}}}}
  - {id: generated, region: us, policy: {identification: generated}}
  - {id: strict, region: us}
  - {id: elsewhere, region: eu}
`

func newEnricher(t testing.TB) *Enricher {
	t.Helper()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	store, err := account.Open(file, zap.NewNop(), reg)
	if err != nil {
		t.Fatal(err)
	}
	locator, err := geo.Open(geo.Config{}, zap.NewNop(), reg)
	if err != nil {
		t.Fatal(err)
	}
	parser, err := useragent.New(useragent.Config{CacheEntries: 1000}, reg)
	if err != nil {
		t.Fatal(err)
	}
	return New(Settings{Region: "us", Window: week}, store, locator, parser, nil)
}

const (
	chrome72   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/72.0.3626.121 Safari/537.36"
	receivedAt = 1_551_784_023_500
)

func rawEvent(t testing.TB, accountID, example string) *event.Raw {
	t.Helper()
	value, err := fs.ReadFile(schemas.Examples(), example+".json")
	if err != nil {
		t.Fatal(err)
	}
	return &event.Raw{
		Format: event.FormatRecorder, AccountID: accountID, EventID: uuid.MustParse("0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"),
		ReceivedAt: receivedAt, SentAt: 1_551_784_023_000, ClientIP: netip.MustParseAddr("203.0.113.77"), UserAgent: chrome72,
		Value: value, Partition: 3, Offset: 42,
	}
}

func TestEnrichTheFullestEvent(t *testing.T) {
	raw := rawEvent(t, "open", "walkthru-step")
	raw.Value = []byte(strings.Replace(string(raw.Value), `"user": {`, `"props": {"plan": "pro"}, "user": {"id": "jane", "provider": "cookie",`, 1))
	got := &event.Enriched{City: "left over", Detail: []byte("left over")}
	if err := newEnricher(t).Enrich(raw, got); err != nil {
		t.Fatal(err)
	}
	want := &event.Enriched{
		EventId: raw.EventID[:], AccountId: "open", Region: "us", Event: "step", ItemType: "walkthru", ItemId: "124909", ItemName: "Log in",
		InteractionId: "1551784021000-124909-6f1c2b9e-8d34-4a57-b0c1-2f7e9a5d3c18", StepId: "s2", StepIndex: 1, StepName: "Enter your e-mail", StepCount: 5, Environment: "production",
		Time: 1_551_784_024_500, ClientTime: 1_551_784_024_000, ReceivedAt: receivedAt, TimeFlag: event.TimeFlag_TIME_CORRECTED,
		VisitorId: "6f1c2b9e-8d34-4a57-b0c1-2f7e9a5d3c18", UserId: "jane", SessionId: "1551783990123-6f1c2b9e-8d34-4a57-b0c1-2f7e9a5d3c18",
		Url: "https://shop.example/account/login", UrlHost: "shop.example", UrlPath: "/account/login", PageTitle: "Pink Alligator - ShopMe", Referrer: "https://shop.example/",
		ReferrerHost: "shop.example", TrafficSource: "internal",
		Browser: "Chrome", BrowserVersion: "72.0.3626.121", Os: "Windows", OsVersion: "10", DeviceType: "desktop",
		ScreenWidth: 1920, ScreenHeight: 1080, Language: "en-US", Timezone: "America/New_York", IpMasked: "203.0.113.0",
		Props: []byte(`{"plan": "pro"}`), Library: "waymark-recorder", LibraryVersion: "1.0.0", RawPartition: 3, RawOffset: 42,
		Expires: 1_551_784_024_500 + 365*24*3600*1000,
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAPlayCarriesBesideItsItem(t *testing.T) {
	for example, c := range map[string]struct {
		more string // members put before data
		data string // members put into data
		want func(*event.Enriched)
	}{
		"walkthru-play": {"", "", func(e *event.Enriched) {
			e.Trigger, e.Iteration, e.ItemLanguage, e.CompanyId = "menu", 2, "en-US", "acme"
		}},
		"walkthru-play_failed": {`"environment": "staging",`, `"preview": true,`, func(e *event.Enriched) {
			e.FailureReason, e.Environment, e.Preview = "element_not_found", "staging", true
		}},
		"shoutout-snooze": {`"company": {"id": 17},`, "", func(e *event.Enriched) { e.DismissReason, e.CompanyId = "snoozed", "17" }},
		"session-start":   {"", "", func(*event.Enriched) {}},
	} {
		raw := rawEvent(t, "open", example)
		raw.Value = []byte(strings.Replace(strings.Replace(string(raw.Value), `"data": {`, c.more+`"data": {`+c.data, 1), `"user": {`, `"user": {"id": "jane", "provider": "cookie",`, 1))
		var got event.Enriched
		if err := newEnricher(t).Enrich(raw, &got); err != nil {
			t.Fatal(err)
		}
		want := event.Enriched{Environment: "production"}
		c.want(&want)
		seen := event.Enriched{
			Trigger: got.Trigger, Iteration: got.Iteration, ItemLanguage: got.ItemLanguage, CompanyId: got.CompanyId, FailureReason: got.FailureReason,
			Environment: got.Environment, Preview: got.Preview, DismissReason: got.DismissReason,
		}
		if diff := cmp.Diff(&want, &seen, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", example, diff)
		}
	}
}

func TestACampaignIsReadOffThePagesURL(t *testing.T) {
	raw := rawEvent(t, "open", "page-view")
	raw.Value = []byte(`{"time": 1551784024000, "type": "view", "data": {"type": "page"},
		"page": {"url": "https://shop.example/?utm_source=news&utm_medium=email&utm_campaign=spring%20sale", "referrer": "https://mail.google.com/"}}`)
	var got event.Enriched
	if err := newEnricher(t).Enrich(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.TrafficSource != "campaign" || got.UtmSource != "news" || got.UtmMedium != "email" || got.UtmCampaign != "spring sale" || got.ReferrerHost != "mail.google.com" {
		t.Errorf("%s: %q %q %q from %s", got.TrafficSource, got.UtmSource, got.UtmMedium, got.UtmCampaign, got.ReferrerHost)
	}
}

// What the decoder and the clock had to change is told in the row; what is stored is what is said.
func TestARowTellsWhatIsNotAsItWasSent(t *testing.T) {
	raw := rawEvent(t, "open", "published")
	raw.SentAt = 0
	raw.Value = []byte(`{"time": 8640000000000000, "type": "play", "data": {"type": "wt", "oId": "undefined", "oName": "Log in \ud83d"},
		"user": {"id": 12345, "guid": "null"}, "session": "s", "page": {"url": " https://user:pw@h.example/` + strings.Repeat("p", recorder.MaxURL) + `", "title": ["x"]},
		"env": {"screen": {"width": 1279.5652, "height": "864"}}, "props": {"x\udc00": 1e400}}`)
	var got event.Enriched
	if err := newEnricher(t).Enrich(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"no_id:data.oId", "replaced:data.oName", "converted:user.id", "no_id:user.guid", "cut:page.url", "dropped:page.title",
		"converted:env.screen.width", "converted:env.screen.height", "replaced:props", "converted:props", "clamped:time", "redacted:page.url",
	}
	if diff := cmp.Diff(want, got.Flags); diff != "" {
		t.Error(diff)
	}
	if got.ItemId != "" || got.ItemName != "Log in \ufffd" || got.UserId != "12345" || got.VisitorId == "null" || got.ScreenWidth != 1280 || got.ScreenHeight != 864 ||
		string(got.Props) != `{"x\ufffd": "1e400"}` || got.ClientTime != recorder.MaxTime || len(got.Url) != recorder.MaxURL || !strings.HasPrefix(got.Url, "https://h.example/ppp") {
		t.Errorf("%v", &got)
	}
}

// A cut does not part a password from the @ that shows what it is.
func TestAURLIsCutAfterItsCredentialsAreOff(t *testing.T) {
	raw := rawEvent(t, "open", "published")
	secret := strings.Repeat("s3cret", 2000)
	raw.Value = []byte(`{"time": 1, "type": "view", "data": {"type": "page"}, "page": {"url": "https://u:` + secret + `@h.example/p", "referrer": "//u:` + secret + `@h.example/"}}`)
	var got event.Enriched
	if err := newEnricher(t).Enrich(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Url != "https://h.example/p" || got.UrlHost != "h.example" || got.Referrer != "//h.example/" {
		t.Errorf("%.100q, host %.100q, referrer %.100q", got.Url, got.UrlHost, got.Referrer)
	}
}

func TestEnrichEveryExample(t *testing.T) {
	e := newEnricher(t)
	names, err := fs.Glob(schemas.Examples(), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for _, account := range []string{"open", "strict"} {
			var got event.Enriched
			err := e.Enrich(rawEvent(t, account, strings.TrimSuffix(name, ".json")), &got)
			if r := event.AsRejection(err); account == "strict" && r != nil && r.Reason == event.ReasonNotCollected {
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got.StepId == "" && got.StepIndex != -1 {
				t.Errorf("%s: names no step but step_index is %d", name, got.StepIndex)
			}
			if len(got.Detail) > 0 && !jsontext.Value(got.Detail).IsValid() {
				t.Errorf("%s: detail is no JSON: %s", name, got.Detail)
			}
			if account == "strict" && got.UserId+got.Url+got.UrlHost+got.UrlPath+got.Referrer+got.PageTitle != "" {
				t.Errorf("%s: the strictest policy stores %v", name, &got)
			}
		}
	}
}

func TestEnrichRefuses(t *testing.T) {
	e := newEnricher(t)
	for name, c := range map[string]struct {
		change func(*event.Raw)
		reason event.Reason
		path   string
	}{
		"what is no event":         {func(r *event.Raw) { r.Value = []byte("[]") }, event.ReasonNotAnObject, "$"},
		"an unknown item type":     {func(r *event.Raw) { r.Value = []byte(`{"time":1,"type":"play","data":{"type":"hologram"}}`) }, event.ReasonUnknownItemType, "$.data.type"},
		"an unknown event":         {func(r *event.Raw) { r.Value = []byte(`{"time":1,"type":"explode","data":{"type":"wt"}}`) }, event.ReasonUnknownEvent, "$.type"},
		"an unknown account":       {func(r *event.Raw) { r.AccountID = "nobody" }, event.ReasonUnknownAccount, ""},
		"another region's account": {func(r *event.Raw) { r.AccountID = "elsewhere" }, event.ReasonWrongRegion, ""},
		"a denied consent": {func(r *event.Raw) {
			r.Value = []byte(`{"time":1,"type":"play","data":{"type":"hologram"},"consent":"denied"}`)
		}, event.ReasonNotCollected, ""},
		"a signal":                   {func(r *event.Raw) { r.GPC = true }, event.ReasonNotCollected, ""},
		"a receipt beyond all times": {func(r *event.Raw) { r.ReceivedAt = maxMillis + 1 }, event.ReasonBadHeaders, ""},
	} {
		t.Run(name, func(t *testing.T) {
			raw := rawEvent(t, "open", "published")
			c.change(raw)
			got := event.AsRejection(e.Enrich(raw, new(event.Enriched)))
			if got == nil || got.Reason != c.reason || got.Path != c.path {
				t.Errorf("got %v, want %s at %q", got, c.reason, c.path)
			}
		})
	}
}

// Whatever an edge may have written, Enrich gives an event that can be encoded, or a reason.
func FuzzEnrich(f *testing.F) {
	names, err := fs.Glob(schemas.Examples(), "*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		value, err := fs.ReadFile(schemas.Examples(), name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value, chrome72, int64(receivedAt), int64(receivedAt))
	}
	e := newEnricher(f)
	f.Fuzz(func(t *testing.T, value []byte, userAgent string, sentAt, received int64) {
		raw := &event.Raw{AccountID: "open", EventID: uuid.Max, ReceivedAt: max(received, 1), SentAt: sentAt, UserAgent: userAgent, Value: value}
		var out event.Enriched
		if err := e.Enrich(raw, &out); err != nil {
			if event.AsRejection(err) == nil {
				t.Fatalf("no rejection: %v", err)
			}
			return
		}
		text, err := out.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		if err := proto.Unmarshal(text, new(event.Enriched)); err != nil {
			t.Fatalf("an enriched event that others cannot read: %v", err)
		}
	})
}

func BenchmarkEnrich(b *testing.B) {
	e := newEnricher(b)
	raw := rawEvent(b, "open", "walkthru-step")
	var out event.Enriched
	buf := make([]byte, 64<<10)
	b.Run("enrich", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(raw.Value)))
		for b.Loop() {
			if err := e.Enrich(raw, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		var sent recorder.Event
		for b.Loop() {
			if err := recorder.Decode(raw.Value, &sent); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := out.MarshalToSizedBufferVT(buf[:out.SizeVT()]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
