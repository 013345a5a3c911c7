package collect

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

const accountsFile = `accounts:
  - {id: a-us, region: us, write_keys: [wk_us_key], policy: {identification: cookie, level: 3, ip: mask, ip_at: enricher, consent: {ignore_gpc: true, ignore_dnt: true}}}
  - {id: a-eu, region: eu, write_keys: [wk_eu_key]}
`

// store keeps what was sent, as Kafka would.
type store struct {
	mu     sync.Mutex
	topic  string
	stored []event.Record
	err    error
}

func (s *store) SendEach(_ context.Context, topic string, records []event.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.topic = topic
	for i := range records {
		s.stored = append(s.stored, *records[i].Clone()) // the handler takes its memory back
	}
	return nil
}

var testLimits = Limits{Limits: intake.Limits{EventBytes: 1024, Depth: 8}, BatchEvents: 5, BodyBytes: 16 << 10, DecodedBytes: 64 << 10, InFlightBytes: 1 << 20}

func newHandler(t testing.TB, limits Limits) (*Handler, *store) {
	t.Helper()
	h, s, _ := newHandlerOf(t, limits, accountsFile)
	return h, s
}

// newHandlerFor makes a handler for the accounts of a file's text.
func newHandlerFor(t testing.TB, text string, limits Limits) (*Handler, *store) {
	t.Helper()
	h, s, _ := newHandlerOf(t, limits, text)
	return h, s
}

// newHandlerOf is newHandlerFor, with its metrics.
func newHandlerOf(t testing.TB, limits Limits, text string) (*Handler, *store, prometheus.Registerer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	accounts, err := account.Open(file, zap.NewNop(), registry)
	if err != nil {
		t.Fatal(err)
	}
	resolver, err := clientip.New([]string{"10.0.0.0/8"}, clientip.XForwardedFor)
	if err != nil {
		t.Fatal(err)
	}
	s := new(store)
	h, err := New(Dependencies{Dependencies: intake.Dependencies{Accounts: accounts, Regions: map[string]intake.Sender{"us": s}, Log: zap.NewNop(), Registry: registry}, ClientIP: resolver}, limits, []string{"https://shop.example"})
	if err != nil {
		t.Fatal(err)
	}
	return h, s, registry
}

func good(id string) string {
	return `{"id":"` + id + `","time":1700000000000,"type":"play","data":{"type":"wt"}}`
}

type answer struct {
	Accepted, Rejected, Ignored int
	Results                     []intake.Result
	Error                       struct{ Code, Message string }
}

// post sends body and returns the answer; change may set headers.
func post(t testing.TB, h http.Handler, body string, change ...func(*http.Request)) (*httptest.ResponseRecorder, answer) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
	r.Header.Set("X-Write-Key", "wk_us_key")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var a answer
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("the answer is no JSON: %q", w.Body)
		}
	}
	return w, a
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func without(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Del(name) }
}

func TestEveryShapeOfBatch(t *testing.T) {
	a, b := good("a"), good("b")
	for name, c := range map[string]struct {
		body        string
		contentType string
		want        []string
	}{
		"one event":                  {a, "application/json", []string{a}},
		"one event, padded":          {"\xef\xbb\xbf \n" + a + "\n ", "application/json", []string{a}},
		"an array":                   {"[ " + a + " ,\n" + b + "]", "application/json", []string{a, b}},
		"an envelope":                {`{"key":"x","sentAt":1700000000500,"events":[` + a + `,` + b + `],"more":{"y":1}}`, "application/json", []string{a, b}},
		"NDJSON":                     {a + "\n\n" + b + "\r\n", "application/x-ndjson", []string{a, b}},
		"NDJSON by its looks":        {a + "\n" + b, "", []string{a, b}},
		"sendBeacon":                 {a, "text/plain;charset=UTF-8", []string{a}},
		"an event with events in it": {`{"time":1,"type":"play","data":{"type":"wt"},"events":{"x":1}}`, "", []string{`{"time":1,"type":"play","data":{"type":"wt"},"events":{"x":1}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHandler(t, testLimits)
			w, got := post(t, h, c.body, with("Content-Type", c.contentType))
			if w.Code != 200 || got.Accepted != len(c.want) || len(s.stored) != len(c.want) {
				t.Fatalf("%d %s, %d stored", w.Code, w.Body, len(s.stored))
			}
			for i, rec := range s.stored {
				if string(rec.Value) != c.want[i] {
					t.Errorf("event %d: stored %q, want the client's own bytes %q", i, rec.Value, c.want[i])
				}
			}
			if s.topic != "events.raw.us" {
				t.Errorf("topic %s", s.topic)
			}
		})
	}
}

func TestABadEventIsRejectedAloneWithItsReason(t *testing.T) {
	deep := `{"time":1,"type":"play","data":{"type":"wt"},"props":` + strings.Repeat(`{"a":`, 8) + "1" + strings.Repeat("}", 8) + "}"
	for name, c := range map[string]struct{ bad, code, path string }{
		"wrong type":     {`{"time":"now","type":"play","data":{"type":"wt"}}`, "wrong_type", "$.time"},
		"wrong data":     {`{"time":1,"type":"play","data":"wt"}`, "wrong_type", "$.data"},
		"missing field":  {`{"time":1,"data":{"type":"wt"}}`, "missing_field", "$.type"},
		"too large":      {good(strings.Repeat("x", 1100)), "too_large", ""},
		"too deep":       {deep, "too_deep", ""},
		"invalid UTF-8":  {`{"time":1,"type":"pl` + "\xff" + `ay","data":{"type":"wt"}}`, "invalid_utf8", ""},
		"a name twice":   {`{"time":1,"time":2,"type":"play","data":{"type":"wt"}}`, "malformed_json", ""},
		"not an object":  {`42`, "not_an_object", ""},
		"nested wrongly": {`[]`, "not_an_object", ""},
	} {
		for shape, body := range map[string]string{"array": "[" + good("a") + "," + c.bad + "," + good("b") + "]", "NDJSON": good("a") + "\n" + c.bad + "\n" + good("b")} {
			t.Run(name+" in "+shape, func(t *testing.T) {
				h, s := newHandler(t, testLimits)
				kind := map[string]string{"array": "application/json", "NDJSON": "application/x-ndjson"}[shape]
				w, got := post(t, h, body, with("Content-Type", kind))
				if w.Code != 200 || got.Accepted != 2 || got.Rejected != 1 || len(s.stored) != 2 {
					t.Fatalf("%d %s, %d stored", w.Code, w.Body, len(s.stored))
				}
				if r := got.Results[1]; r.Status != intake.Rejected || r.Code != c.code || r.Path != c.path && c.path != "" || r.Message == "" {
					t.Errorf("result %+v, want %s at %q", r, c.code, c.path)
				}
			})
		}
	}
	t.Run("a line that is no JSON", func(t *testing.T) {
		h, s := newHandler(t, testLimits)
		w, got := post(t, h, good("a")+"\n{\"time\":\n"+good("b"), with("Content-Type", "application/x-ndjson"))
		if w.Code != 200 || got.Accepted != 2 || got.Results[1].Code != "malformed_json" || len(s.stored) != 2 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	t.Run("unknown item types are the enricher's to judge", func(t *testing.T) {
		h, _ := newHandler(t, testLimits)
		if w, got := post(t, h, `{"time":1,"type":"play","data":{"type":"hologram"}}`); got.Accepted != 1 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestRefusals(t *testing.T) {
	bomb := compress(t, "gzip", strings.Repeat(" ", 65<<10)+good("a"))
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
		code   string
	}{
		"no key":                    {good("a"), without("X-Write-Key"), 401, "no_write_key"},
		"unknown key":               {good("a"), with("X-Write-Key", "wk_nobody"), 401, "unknown_write_key"},
		"unknown key in the body":   {`{"key":"nope","events":[` + good("a") + `]}`, without("X-Write-Key"), 401, "unknown_write_key"},
		"account of another region": {good("a"), with("X-Write-Key", "wk_eu_key"), 421, "wrong_region"},
		"empty":                     {"", nil, 400, "no_events"},
		"empty array":               {"[]", nil, 400, "no_events"},
		"no JSON":                   {"time=1", nil, 400, "malformed_json"},
		"array cut off":             {"[" + good("a") + ",", nil, 400, "malformed_json"},
		"more after the array":      {"[" + good("a") + "] x", nil, 400, "malformed_json"},
		"object cut off":            {`{"time":1`, nil, 400, "malformed_json"},
		"too many events":           {"[" + strings.Repeat(good("a")+",", 5) + good("a") + "]", nil, 413, "too_many_events"},
		"too many bytes":            {strings.Repeat(" ", 16<<10) + good("a"), nil, 413, "too_large"},
		"too many, length not said": {strings.Repeat(" ", 16<<10) + good("a"), func(r *http.Request) { r.ContentLength = -1 }, 413, "too_large"},
		"a bomb":                    {bomb, with("Content-Encoding", "gzip"), 413, "too_large"},
		"unknown encoding":          {good("a"), with("Content-Encoding", "compress"), 415, "unknown_encoding"},
		"not what it says":          {"time=1", with("Content-Encoding", "gzip"), 400, "bad_body"},
		"cut off":                   {compress(t, "gzip", good("a"))[:20], with("Content-Encoding", "gzip"), 400, "bad_body"},
		"GET":                       {"", func(r *http.Request) { r.Method = "GET" }, 405, "method_not_allowed"},
		"elsewhere":                 {good("a"), func(r *http.Request) { r.URL.Path = "/v2/events" }, 404, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHandler(t, testLimits)
			change := c.change
			if change == nil {
				change = func(*http.Request) {}
			}
			w, got := post(t, h, c.body, change)
			if w.Code != c.status || got.Error.Code != c.code || got.Error.Message == "" || len(s.stored) != 0 {
				t.Errorf("%d %s, %d stored; want %d %s", w.Code, w.Body, len(s.stored), c.status, c.code)
			}
		})
	}
}

func TestTheLimitsThemselvesAreAccepted(t *testing.T) {
	h, _ := newHandler(t, testLimits)
	exact := good(strings.Repeat("x", 200))
	exact = exact[:len(exact)-1] + `,"session":"` + strings.Repeat("s", 1024-len(exact)-len(`,"session":""`)) + `"}`
	if len(exact) != 1024 {
		t.Fatalf("the test's event has %d bytes", len(exact))
	}
	for name, body := range map[string]string{
		"events":     "[" + strings.Repeat(good("a")+",", 4) + good("a") + "]",
		"body bytes": strings.Repeat(" ", 16<<10-len(good("a"))) + good("a"),
		"depth":      `{"time":1,"type":"play","data":{"type":"wt"},"props":` + strings.Repeat(`{"a":`, 7) + "1" + strings.Repeat("}", 7) + "}",
	} {
		if w, got := post(t, h, body); w.Code != 200 || got.Rejected != 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w, got := post(t, h, exact); w.Code != 200 || got.Rejected == 1 && got.Results[0].Code == "too_large" {
		t.Errorf("event bytes: %d %s", w.Code, w.Body)
	}
}

func compress(t testing.TB, encoding, text string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		w, _ = zstd.NewWriter(&out)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestEveryContentEncoding(t *testing.T) {
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		h, s := newHandler(t, testLimits)
		if w, _ := post(t, h, compress(t, encoding, good("a")), with("Content-Encoding", encoding)); w.Code != 200 || len(s.stored) != 1 || string(s.stored[0].Value) != good("a") {
			t.Errorf("%s: %d %s", encoding, w.Code, w.Body)
		}
	}
}

func TestEveryPlaceOfTheWriteKey(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
	}{
		"Basic":       {good("a"), func(r *http.Request) { r.SetBasicAuth("wk_us_key", "") }},
		"Bearer":      {good("a"), with("Authorization", "bearer wk_us_key")},
		"X-Write-Key": {good("a"), with("X-Write-Key", "wk_us_key")},
		"body":        {`{"events":[` + good("a") + `],"key":"wk_us_key"}`, func(*http.Request) {}},
	} {
		h, s := newHandler(t, testLimits)
		if w, _ := post(t, h, c.body, without("X-Write-Key"), c.change); w.Code != 200 || len(s.stored) != 1 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestTheRecordHoldsWhatTheRequestSaid(t *testing.T) {
	h, s := newHandler(t, testLimits)
	const id = "0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"
	_, got := post(t, h, `{"sentAt":"2023-11-14T22:13:20.5Z","events":[`+good(id)+`]}`, func(r *http.Request) {
		r.RemoteAddr = "10.1.1.1:99"
		for name, value := range map[string]string{
			"X-Forwarded-For": "203.0.113.9", "User-Agent": strings.Repeat("u", 2000), "DNT": "1", "Sec-GPC": "1", "X-Requested-With": "com.example",
			"Sec-CH-UA": "ua", "Sec-CH-UA-Full-Version-List": "list", "Sec-CH-UA-Full-Version": "full", "Sec-CH-UA-Mobile": "?1", "Sec-CH-UA-Model": "model",
			"Sec-CH-UA-Platform": "platform", "Sec-CH-UA-Platform-Version": "version", "Sec-CH-UA-Form-Factors": "form",
		} {
			r.Header.Set(name, value)
		}
	})
	var raw event.Raw
	if err := event.ParseRaw(&s.stored[0], &raw); err != nil {
		t.Fatal(err)
	}
	want := event.Hints{UA: "ua", FullVersionList: "list", FullVersion: "full", Mobile: "?1", Model: "model", Platform: "platform", PlatformVersion: "version", FormFactors: "form", RequestedWith: "com.example"}
	if raw.Hints != want || !raw.DNT || !raw.GPC || raw.ClientIP.String() != "203.0.113.9" || raw.SentAt != 1_700_000_000_500 ||
		len(raw.UserAgent) != 1024 || raw.AccountID != "a-us" || raw.EventID.String() != id || got.Results[0].ID != id || raw.ReceivedAt != s.stored[0].Timestamp {
		t.Errorf("%+v", raw)
	}
}

func TestOneIDTwiceInARequestIsOneEvent(t *testing.T) {
	h, s := newHandler(t, testLimits)
	_, got := post(t, h, "["+good("same")+","+good("same")+","+good("other")+"]")
	if got.Accepted != 3 || len(s.stored) != 2 || got.Results[0].ID != got.Results[1].ID || got.Results[0].ID == got.Results[2].ID {
		t.Errorf("%+v, %d stored", got, len(s.stored))
	}
}

func TestWhatKafkaDoesNotTakeIsAnswered503(t *testing.T) {
	for name, err := range map[string]error{"away": errors.New("no leader"), "full": kafka.ErrBufferFull} {
		h, s := newHandler(t, testLimits)
		s.err = err
		if w, got := post(t, h, good("a")); w.Code != 503 || w.Header().Get("Retry-After") == "" || got.Error.Code != "unavailable" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// What Kafka will never take is refused by itself, once and for all; a client that repeats an id is told so at each place.
func TestAnEventTooLargeForKafkaIsRejectedAlone(t *testing.T) {
	h, s := newHandler(t, testLimits)
	s.err = &kafka.TooLarge{Topic: "events.raw.us", Records: []int{1}}
	w, got := post(t, h, "["+good("a")+",{},"+good("large")+","+good("b")+","+good("large")+"]")
	if w.Code != 200 || got.Accepted != 2 || got.Rejected != 3 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for i, want := range []string{intake.Accepted, intake.Rejected, intake.Rejected, intake.Accepted, intake.Rejected} {
		if got.Results[i].Status != want {
			t.Errorf("event %d: %+v, want %s", i, got.Results[i], want)
		}
	}
	for _, i := range []int{2, 4} {
		if r := got.Results[i]; r.Code != "too_large" || r.ID != "" || r.Message == "" {
			t.Errorf("event %d: %+v", i, r)
		}
	}
}

func TestLoadIsBounded(t *testing.T) {
	limits := testLimits
	limits.AccountRate = 3
	h, _ := newHandler(t, limits)
	codes := make(map[int]int)
	for range 4 {
		w, _ := post(t, h, "["+good("a")+","+good("b")+"]")
		codes[w.Code]++
		if w.Code == 429 && w.Header().Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
	if codes[200] != 3 || codes[429] != 1 {
		t.Errorf("a burst of 6 events: %v", codes)
	}
	h, _ = newHandler(t, testLimits)
	other, err := h.budget.enter(netip.MustParseAddr("192.0.2.9"), false)
	if err != nil || other.take(testLimits.InFlightBytes-10) != nil {
		t.Fatal("something is in flight")
	}
	if w, got := post(t, h, good("a")); w.Code != 503 || got.Error.Code != "busy" || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	other.leave()
	if w, _ := post(t, h, good("a")); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if h.budget.bytes != 0 || len(h.budget.peers) != 0 {
		t.Error("a request did not give its bytes back")
	}
}

func FuzzHandler(f *testing.F) {
	f.Add([]byte(good("a")), "application/json", "")
	f.Add([]byte("["+good("a")+",{}]"), "", "")
	f.Add([]byte(`{"key":"x","events":[1]}`), "text/plain", "identity")
	f.Add([]byte(compress(f, "zstd", good("a"))), "", "zstd")
	f.Add([]byte(compress(f, "br", good("a"))), "", "br")
	f.Fuzz(func(t *testing.T, body []byte, contentType, encoding string) {
		h, s := newHandler(t, testLimits)
		w, got := post(t, h, string(body), with("Content-Type", contentType), with("Content-Encoding", encoding))
		if w.Code >= 500 {
			t.Errorf("%d %s for bad input", w.Code, w.Body)
		}
		if w.Code != 200 && len(s.stored) > 0 || w.Code == 200 && len(s.stored) > got.Accepted {
			t.Errorf("%d, %d accepted, %d stored", w.Code, got.Accepted, len(s.stored))
		}
		for _, rec := range s.stored {
			if encoding == "" && !bytes.Contains(body, rec.Value) {
				t.Errorf("stored %q, which is not in the body", rec.Value)
			}
		}
	})
}

// benchBody is an array of n events.
func benchBody(n int) string {
	event := `{"id":"0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f","time":1700000000000,"type":"step","data":{"type":"wt","oId":124909,"oName":"Log in","pId":"1551350000000-124909-ab","step":{"id":"s1","index":1,"name":"Name"}},` +
		`"page":{"url":"https://shop.example/a/b?c=d","title":"Pink Alligator - ShopMe"},"user":{"guid":"5f1d7a84-7ae0-4b4e-9d0c-9a6f5f0f3c55"},"session":"s-1","props":{"plan":"pro","seats":12}}`
	var events []string
	for i := range n {
		events = append(events, strings.Replace(event, "0190c3a2", fmt.Sprintf("%08x", i), 1))
	}
	return "[" + strings.Join(events, ",") + "]"
}

var benchLimits = Limits{Limits: intake.Limits{EventBytes: 32 << 10, Depth: 32}, BatchEvents: 500, BodyBytes: 1 << 20, DecodedBytes: 10 << 20, InFlightBytes: 1 << 30}

func BenchmarkHandler(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d events", n), func(b *testing.B) {
			h, s := newHandler(b, benchLimits)
			body := benchBody(n)
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
				r.Header.Set("X-Write-Key", "wk_us_key")
				h.ServeHTTP(httptest.NewRecorder(), r)
				s.stored = s.stored[:0]
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}

// Ids are looked for in two ways, by how many there are.
func TestOneIDTwiceAmongManyIsOneEvent(t *testing.T) {
	limits := testLimits
	limits.BatchEvents, limits.BodyBytes = 200, 64<<10
	h, s := newHandler(t, limits)
	var events []string
	for i := range 50 {
		events = append(events, good(fmt.Sprint("e", i)), good(fmt.Sprint("e", i)), good(fmt.Sprint("e", 49-i)))
	}
	_, got := post(t, h, "["+strings.Join(events, ",")+"]")
	if got.Accepted != 150 || len(s.stored) != 50 {
		t.Fatalf("%d accepted, %d stored, want 150 and 50", got.Accepted, len(s.stored))
	}
	for i := range 50 {
		if first := got.Results[3*i].ID; first != got.Results[3*i+1].ID || first != got.Results[3*(49-i)+2].ID {
			t.Errorf("event %d: ids %s, %s, %s", i, first, got.Results[3*i+1].ID, got.Results[3*(49-i)+2].ID)
		}
	}
}
