package collect

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// segmentLimits are wide enough for Segment's own.
var segmentLimits = Limits{Limits: intake.Limits{EventBytes: 1024, Depth: 8}, BatchEvents: 5, BodyBytes: 1 << 20, DecodedBytes: 10 << 20, InFlightBytes: 64 << 20}

const trackBody = `{"type":"track","event":"Order Placed","userId":"u","messageId":"ajs-next-1"}`

type segmentAnswer struct {
	Success                  bool
	Accepted, Rejected, Dead int
	Results                  []intake.Result
	Error                    struct{ Code, Message string }
}

// ask sends a request and reads the answer, which must be JSON.
func ask(t testing.TB, h http.Handler, method, path, body string, change ...func(*http.Request)) (*httptest.ResponseRecorder, segmentAnswer) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var a segmentAnswer
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("the answer is no JSON: %q", w.Body)
		}
	}
	return w, a
}

func basic(user string) func(*http.Request) {
	return with("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":")))
}

func headerOf(t *testing.T, s *store, n int, name string) string {
	t.Helper()
	if n >= len(s.stored) {
		t.Fatalf("%d records, want more than %d", len(s.stored), n)
	}
	return string(s.stored[n].Header(name))
}

func TestSegmentEndpoints(t *testing.T) {
	batch := `{"writeKey":"wk_us_key","sentAt":"2026-11-25T22:22:43.513Z","context":{"library":{"name":"analytics-java"}},"batch":[` + trackBody + `]}`
	for path, c := range map[string]struct{ body, format string }{
		"/v1/batch": {batch, "segment/1"}, "/v1/b": {batch, "segment/1"}, "/v1/import": {batch, "segment/1"}, "//v1//batch/": {batch, "segment/1"},
		"/v1/track": {trackBody, "segment/1/track"}, "/v1/t": {trackBody, "segment/1/track"}, "/api/s/track": {trackBody, "segment/1/track"}, "/api/s/s2s/track": {trackBody, "segment/1/track"},
		"/v1/p": {trackBody, "segment/1/page"}, "/v1/page": {trackBody, "segment/1/page"}, "/v1/s": {trackBody, "segment/1/screen"}, "/v1/i": {trackBody, "segment/1/identify"},
		"/v1/g": {`{"groupId":"g"}`, "segment/1/group"}, "/v1/a": {`{"userId":"u","previousId":"a"}`, "segment/1/alias"}, "/api/s/identify": {trackBody, "segment/1/identify"},
	} {
		t.Run(path, func(t *testing.T) {
			h, s := newHandler(t, segmentLimits)
			w, got := ask(t, h, http.MethodPost, path, c.body, basic("wk_us_key"), with("Content-Type", "text/plain"))
			if w.Code != 200 || !got.Success || got.Accepted != 1 || len(s.stored) != 1 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if format := headerOf(t, s, 0, event.HeaderFormat); format != c.format {
				t.Errorf("format %s, want %s", format, c.format)
			}
			want := c.body
			if c.format == "segment/1" {
				want = trackBody
				if context, sent := headerOf(t, s, 0, event.HeaderContext), headerOf(t, s, 0, event.HeaderSentAt); context != `{"library":{"name":"analytics-java"}}` || sent != "1795645363513" {
					t.Errorf("context %s, sent at %s", context, sent)
				}
			} else if headerOf(t, s, 0, event.HeaderContext) != "" {
				t.Error("a message's own context is a batch's")
			}
			if string(s.stored[0].Value) != want {
				t.Errorf("stored %s, want the client's own bytes", s.stored[0].Value)
			}
		})
	}
}

func TestSegmentKeys(t *testing.T) {
	keyed := `{"writeKey":"wk_us_key","type":"page"}`
	for name, c := range map[string]struct {
		path, body string
		header     func(*http.Request)
		status     int
	}{
		"Basic":                     {"/v1/page", `{}`, basic("wk_us_key"), 200},
		"X-Write-Key":               {"/v1/page", `{}`, with("X-Write-Key", "wk_us_key"), 200},
		"Jitsu's":                   {"/api/s/page", `{"writeKey":"wk_us_key:***"}`, with("X-Write-Key", "wk_us_key:secret"), 200},
		"Bearer":                    {"/v1/page", `{}`, with("Authorization", "Bearer wk_us_key"), 200},
		"OAuth, and the body's":     {"/v1/page", keyed, with("Authorization", "Bearer eyJhbGciOi.x.y"), 200},
		"the body's":                {"/v1/page", keyed, without("none"), 200},
		"a batch's":                 {"/v1/batch", `{"batch":[],"writeKey":"wk_us_key"}`, without("none"), 200},
		"the beacon's query":        {"/beacon/v1/batch?writeKey=wk_us_key", `{"batch":[]}`, without("none"), 200},
		"a query that is no beacon": {"/v1/batch?writeKey=wk_us_key", `{"batch":[]}`, without("none"), 401},
		"unknown":                   {"/v1/page", keyed, basic("wk_unknown"), 401},
		"an event's own":            {"/v1/batch", `{"batch":[` + keyed + `]}`, without("none"), 401},
		"none":                      {"/v1/page", `{}`, without("none"), 401},
		"another region's":          {"/v1/page", `{}`, basic("wk_eu_key"), 421},
	} {
		h, _ := newHandler(t, segmentLimits)
		if w, _ := ask(t, h, http.MethodPost, c.path, c.body, c.header); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.status)
		}
	}
}

// SDKs never send a single event of a batch again: what cannot be used must be kept.
func TestASegmentMessageThatCannotBeUsedIsStoredAndFailsNothing(t *testing.T) {
	h, s := newHandler(t, segmentLimits)
	large := `{"type":"track","event":"` + strings.Repeat("x", 40<<10) + `"}`
	events := []string{trackBody, `{"type":"track","messageId":"m-2"}`, `[1]`, `null`, large, `{"type":"page","type":"page"}`, trackBody}
	w, got := ask(t, h, http.MethodPost, "/v1/batch", `{"batch":[`+strings.Join(events, ",")+`]}`, basic("wk_us_key"))
	if w.Code != 200 || !got.Success || got.Accepted != 2 || got.Dead != 5 || got.Rejected != 0 {
		t.Fatalf("%d %.300s", w.Code, w.Body)
	}
	if len(s.stored) != 6 { // one is there twice
		t.Fatalf("%d are stored", len(s.stored))
	}
	for i, code := range []event.Reason{"", event.ReasonMissingField, event.ReasonNotAnObject, event.ReasonNotAnObject, event.ReasonTooLarge, event.ReasonMalformedJSON} {
		r := got.Results[i]
		if r.Code != string(code) || (code == "") != (r.Status == intake.Accepted) || r.ID != headerOf(t, s, i, event.HeaderEventID) || string(s.stored[i].Value) != events[i] {
			t.Errorf("event %d: %+v, stored %.50s", i, r, s.stored[i].Value)
		}
	}
	if got.Results[1].Path != "$.event" || got.Results[0].ID != got.Results[6].ID {
		t.Errorf("%+v", got.Results)
	}
}

func TestSegmentRefusals(t *testing.T) {
	many := func(n int, of string) string { return `{"batch":[` + strings.Repeat(of+",", n-1) + of + `]}` }
	for name, c := range map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"as many as may be":     {"/v1/batch", many(2500, `{"type":"page"}`), 200, ""},
		"one more":              {"/v1/batch", many(2501, `{"type":"page"}`), 400, "too_many_events"},
		"too many bytes":        {"/v1/batch", many(500, `{"type":"page","a":"`+strings.Repeat("x", 1100)+`"}`), 400, "too_large"},
		"beyond the edge's own": {"/v1/batch", strings.Repeat(" ", 2<<20), 400, "too_large"},
		"no event":              {"/v1/batch", `{"batch":[]}`, 200, ""},
		"no batch":              {"/v1/batch", `{"events":[]}`, 400, "no_events"},
		"batch is no list":      {"/v1/batch", `{"batch":{}}`, 400, "no_events"},
		"empty":                 {"/v1/batch", ``, 400, "no_events"},
		"a list":                {"/v1/batch", `[{"type":"page"}]`, 400, "no_events"}, // rudderlabs/rudder-server#1997
		"a list of one":         {"/v1/page", `[{"type":"page"}]`, 400, "no_events"},
		"broken":                {"/v1/batch", `{"batch":[{"type":"page"}`, 400, "malformed_json"},
		"broken within":         {"/v1/batch", `{"batch":[{"type":"page",}]}`, 400, "malformed_json"},
		"more after it":         {"/v1/page", `{} {}`, 400, "malformed_json"},
		"half an emoji":         {"/v1/page", `{"name":"\ud83d"}`, 200, ""},
		"bytes, no UTF-8":       {"/v1/page", "{\"name\":\"\xff\"}", 200, ""},
		"a byte order mark":     {"/v1/page", "\xef\xbb\xbf{}", 200, ""},
		"a path that is none":   {"/v1/shout", `{}`, 404, "not_found"},
	} {
		h, s := newHandler(t, segmentLimits)
		w, got := ask(t, h, http.MethodPost, c.path, c.body, basic("wk_us_key"))
		if w.Code != c.status || got.Error.Code != c.code || got.Success != (c.status == 200) || c.status != 200 && len(s.stored) > 0 {
			t.Errorf("%s: %d %.200s, want %d %s", name, w.Code, w.Body, c.status, c.code)
		}
	}
	h, _ := newHandler(t, segmentLimits)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead} {
		if w, _ := ask(t, h, method, "/v1/batch", `{}`, basic("wk_us_key")); w.Code != 405 {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestSegmentBodiesMayBeCompressed(t *testing.T) {
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	_, _ = zip.Write([]byte(`{"batch":[` + trackBody + `]}`))
	_ = zip.Close()
	h, _ := newHandler(t, segmentLimits)
	if w, got := ask(t, h, http.MethodPost, "/v1/batch", body.String(), basic("wk_us_key"), with("Content-Encoding", "gzip"), with("Content-Type", "application/x-www-form-urlencoded")); w.Code != 200 || got.Accepted != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestATooFastAccountIsToldWhenToComeAgain(t *testing.T) {
	limits := segmentLimits
	limits.AccountRate = 1
	h, _ := newHandler(t, limits)
	body := `{"batch":[` + strings.Repeat(`{"type":"page"},`, 2499) + `{"type":"page"}]}`
	if w, _ := ask(t, h, http.MethodPost, "/v1/batch", body, basic("wk_us_key")); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	before := time.Now()
	w, _ := ask(t, h, http.MethodPost, "/v1/batch", body, basic("wk_us_key"))
	seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if w.Code != 429 || err != nil || seconds < 1 || seconds > 300 {
		t.Fatalf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	reset, err := strconv.ParseInt(w.Header().Get("X-RateLimit-Reset"), 10, 64)
	if wait := reset - before.UnixMilli(); err != nil || wait < int64(seconds-1)*1000 || wait > int64(seconds+5)*1000 {
		t.Errorf("X-RateLimit-Reset %d, %d ms from now", reset, wait)
	}
	// No SDK waits longer, and what it would wait for then is lost.
	if wait := intake.Refuse(http.StatusTooManyRequests, "", "").After(time.Hour).RetryAfter; wait != 5*time.Minute {
		t.Errorf("asks to wait %v", wait)
	}
}

// A new SDK drops what is answered 401: an edge that knows nobody yet must not say so.
func TestWithoutAnyAccountKeysAreNotUnknown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte("accounts: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	accounts, err := account.Open(file, zap.NewNop(), registry)
	if err != nil {
		t.Fatal(err)
	}
	resolver, err := clientip.New(nil, clientip.XForwardedFor)
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Dependencies{Dependencies: intake.Dependencies{Accounts: accounts, Log: zap.NewNop(), Registry: registry}, ClientIP: resolver}, segmentLimits, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	if w, _ := ask(t, h, http.MethodPost, "/v1/page", `{}`, basic("wk_us_key")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSegmentPreflights(t *testing.T) {
	const asked = "authorization, anonymousid, content-type, rsa-recovered, rsa-retry-attempt, rsa-since-first-attempt, rsa-since-last-attempt, sentat, x-retry-count"
	for _, path := range []string{"/v1/t", "/v1/batch", "/api/s/track", "/v1/m", "/v1/projects/wk_us_key/settings", "/sourceConfig/"} {
		for origin, status := range map[string]int{"https://shop.example": 204, "https://evil.example": 403} {
			h, _ := newHandler(t, segmentLimits)
			w, _ := ask(t, h, http.MethodOptions, path, "", with("Origin", origin), with("Access-Control-Request-Method", "POST"), with("Access-Control-Request-Headers", asked))
			if w.Code != status {
				t.Errorf("%s from %s: %d", path, origin, w.Code)
			}
			allowed := strings.Split(w.Header().Get("Access-Control-Allow-Headers"), ", ")
			for _, name := range strings.Split(asked, ", ") {
				if status == 204 && !strings.Contains(fmt.Sprint(allowed), name) {
					t.Errorf("%s: %s is not allowed: %v", path, name, allowed)
				}
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); (got == origin) != (status == 204) {
				t.Errorf("%s: origin %q", path, got)
			}
		}
	}
	// sendBeacon sends credentials, and text/plain without asking first (rudderlabs/rudder-sdk-js#460).
	h, s := newHandler(t, segmentLimits)
	w, _ := ask(t, h, http.MethodPost, "/beacon/v1/batch?writeKey=wk_us_key", `{"batch":[`+trackBody+`]}`, with("Origin", "https://shop.example"), with("Content-Type", "text/plain"))
	if w.Code != 200 || w.Header().Get("Access-Control-Allow-Credentials") != "true" || w.Header().Get("Access-Control-Allow-Origin") != "https://shop.example" || len(s.stored) != 1 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// Whose address, browser and clock a record has in its header.
func TestWhoseWordCounts(t *testing.T) {
	const (
		said  = `"ip":"192.0.2.99","userAgent":"Said/1","userAgentData":{"brands":[{"brand":"B","version":"1"}],"model":"M"}`
		page  = `"library":{"name":"analytics.js"}`
		asked = "203.0.113.7"
	)
	message := func(context string) string {
		return `{"type":"page","sentAt":"2026-11-25T22:22:43.513Z","context":{` + context + `}}`
	}
	for name, c := range map[string]struct {
		body           string
		origin         bool
		ip, ua, ch, md string
	}{
		"a server's":                 {message(said), false, "192.0.2.99", "Said/1", `"B";v="1"`, `"M"`},
		"a server that says nothing": {message(""), false, "", "", "", ""},
		"a page's, by its origin":    {message(said), true, asked, "Real/1", `"R";v="9"`, `"M"`},
		"a page's, by its library":   {message(said + "," + page), false, asked, "Real/1", `"R";v="9"`, `"M"`},
		"an app's":                   {message(`"device":{"type":"ios"}`), false, asked, "Real/1", `"R";v="9"`, ""},
		"an app that says its own":   {message(`"device":{"type":"ios"},"userAgent":"Said/1"`), false, asked, "Said/1", "", ""},
		"a server's nobody":          {message(`"ip":"0.0.0.0","userAgent":"Said/1"`), false, "", "Said/1", "", ""},
		"a page that asks not to":    {message(`"ip":"0.0.0.0"`), true, "", "Real/1", `"R";v="9"`, ""},
		"a message that is none":     {`[]`, true, asked, "Real/1", `"R";v="9"`, ""},
		"an address that is none":    {message(`"ip":"localhost"`), false, "", "", "", ""},
		"an address within IPv6":     {message(`"ip":"::ffff:192.0.2.99"`), false, "192.0.2.99", "", "", ""},
		"an address with a zone":     {message(`"ip":"fe80::1%eth0"`), false, "fe80::1", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHandler(t, segmentLimits)
			change := []func(*http.Request){basic("wk_us_key"), with("User-Agent", "Real/1"), with("Sec-CH-UA", `"R";v="9"`), func(r *http.Request) { r.RemoteAddr = asked + ":1" }}
			if c.origin {
				change = append(change, with("Origin", "https://shop.example"))
			}
			w, _ := ask(t, h, http.MethodPost, "/v1/batch", `{"sentAt":"2020-01-01T00:00:00Z","batch":[`+c.body+`]}`, change...)
			if w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			for header, want := range map[string]string{event.HeaderClientIP: c.ip, event.HeaderUserAgent: c.ua, event.HeaderCHUA: c.ch, event.HeaderCHModel: c.md} {
				if got := headerOf(t, s, 0, header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if sent := headerOf(t, s, 0, event.HeaderSentAt); c.body != "[]" && sent != "1795645363513" {
				t.Errorf("sent at %s, want the message's own time before the batch's", sent)
			}
		})
	}
}

// An event under one messageId is one, whichever batch it comes in.
func TestASegmentRetryHasTheSameID(t *testing.T) {
	h, s := newHandler(t, segmentLimits)
	for range 2 {
		ask(t, h, http.MethodPost, "/v1/batch", `{"batch":[`+trackBody+`]}`, basic("wk_us_key"))
		ask(t, h, http.MethodPost, "/v1/t", trackBody, basic("wk_us_key"))
	}
	for i := range s.stored {
		if headerOf(t, s, i, event.HeaderEventID) != headerOf(t, s, 0, event.HeaderEventID) || string(s.stored[i].Key) != string(s.stored[0].Key) {
			t.Error("a repetition has another id or key")
		}
	}
	if len(s.stored) != 4 || headerOf(t, s, 0, event.HeaderEventID)[14] != '5' {
		t.Errorf("%d records, the first is %s", len(s.stored), headerOf(t, s, 0, event.HeaderEventID))
	}
}

func TestSettingsForPages(t *testing.T) {
	h, _ := newHandler(t, segmentLimits)
	at := func(path string, change ...func(*http.Request)) (int, map[string]any) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "events.example"
		for _, f := range change {
			f(r)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s: %q", path, w.Body)
		}
		return w.Code, answer
	}
	for name, c := range map[string]struct {
		change func(*http.Request)
		scheme string
	}{
		"a page by HTTPS": {with("Origin", "https://shop.example"), "https"}, "a page of this host": {with("Referer", "https://events.example/x"), "https"},
		"a proxy": {with("X-Forwarded-Proto", "https"), "https"}, "nobody": {without("none"), "http"},
	} {
		status, got := at("/any/path/v1/projects/wk_us_key/settings", c.change) // segmentio/analytics-next#1198
		segment, _ := got["integrations"].(map[string]any)["Segment.io"].(map[string]any)
		if status != 200 || segment["apiHost"] != "events.example/v1" || segment["protocol"] != c.scheme || segment["apiKey"] != "wk_us_key" {
			t.Errorf("%s: %d %v", name, status, got)
		}
	}
	status, got := at("/config/sourceConfig/?p=npm&writeKey=wk_us_key")
	source, _ := got["source"].(map[string]any)
	if destinations, ok := source["destinations"].([]any); status != 200 || source["enabled"] != true || source["id"] == "" || source["config"] == nil || !ok || len(destinations) > 0 {
		t.Errorf("%d %v", status, got)
	}
	if status, _ := at("/sourceConfig", basic("wk_us_key")); status != 200 {
		t.Errorf("with the key in the header: %d", status)
	}
	for path, want := range map[string]int{"/v1/projects/wk_unknown/settings": 401, "/v1/projects/wk_eu_key/settings": 421, "/sourceConfig/?writeKey=wk_unknown": 401, "/v1/projects//settings": 404} {
		if status, _ := at(path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if w, got := ask(t, h, http.MethodPost, "/v1/m", `{"series":[]}`); w.Code != 200 || !got.Success {
		t.Errorf("metrics: %d", w.Code)
	}
}
