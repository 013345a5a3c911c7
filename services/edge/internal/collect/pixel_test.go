package collect

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image/gif"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/recorder"
)

// lookAt asks for the pixel and looks whether it is one, whatever the answer.
func lookAt(t testing.TB, h http.Handler, query string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/v1/pixel.gif", nil)
	r.URL.RawQuery = query
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if !bytes.Equal(w.Body.Bytes(), pixel) || w.Header().Get("Content-Type") != "image/gif" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%q: %d %v, %q", query, w.Code, w.Header(), w.Body)
	}
	return w
}

func TestThePixelIsATransparentGIF(t *testing.T) {
	picture, err := gif.Decode(bytes.NewReader(pixel))
	if err != nil || len(pixel) != 43 || picture.Bounds().Dx() != 1 || picture.Bounds().Dy() != 1 {
		t.Fatalf("%d bytes, %v", len(pixel), err)
	}
	if _, _, _, alpha := picture.At(0, 0).RGBA(); alpha != 0 {
		t.Error("it can be seen")
	}
}

func TestThePixelMakesARecordersEvent(t *testing.T) {
	whole := `{"time": 1,"type":"open","data":{"type":"resource"},"more":[1]}`
	for name, c := range map[string]struct {
		query, referer, want string
	}{
		"every name": {
			"type=open&item=resource&id=7&name=Guide+%26+%22more%22&guid=g&user=u&session=s&url=https://a.example/x&title=T&referrer=https://b.example/&environment=test" +
				"&event_id=e1&time=1700000000000&consent=granted&props.plan=pro&props.a.b=%0D%0A&_=123",
			"https://c.example/",
			`{"time":1700000000000,"id":"e1","type":"open","session":"s","environment":"test","consent":"granted","data":{"type":"resource","oId":"7","oName":"Guide & \"more\""},` +
				`"page":{"url":"https://a.example/x","title":"T","referrer":"https://b.example/"},"user":{"guid":"g","id":"u"},"props":{"a.b":"\u000d\u000a","plan":"pro"},"library":{"name":"waymark-pixel"}}`,
		},
		"the page from the Referer": {"type=view&item=page&time=1&url=", "https://shop.example/a?b", `{"time":1,"type":"view","data":{"type":"page"},"page":{"url":"https://shop.example/a?b"},"library":{"name":"waymark-pixel"}}`},
		"JSON":                      {"event=" + url.QueryEscape(whole), "https://shop.example/", whole},
		"base64url":                 {"event=" + base64.RawURLEncoding.EncodeToString([]byte(whole)), "", whole},
		"base64url, padded":         {"event=" + base64.URLEncoding.EncodeToString([]byte(whole+" ")), "", whole},
		"an empty event":            {"event=&time=1&type=view&item=page", "", `{"time":1,"type":"view","data":{"type":"page"},"library":{"name":"waymark-pixel"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHandler(t, testLimits)
			h.origins = []string{"*"}
			w := lookAt(t, h, "key=wk_us_key&"+c.query, func(r *http.Request) {
				if c.referer != "" {
					r.Header.Set("Referer", c.referer)
				}
			})
			if w.Code != 200 || w.Header().Get("X-Waymark-Result") != "accepted" || len(s.stored) != 1 {
				t.Fatalf("%d %v, %d stored", w.Code, w.Header(), len(s.stored))
			}
			if got := string(s.stored[0].Value); got != c.want || headerOf(t, s, 0, event.HeaderFormat) != event.FormatRecorder {
				t.Errorf("stored %s\nwant   %s", got, c.want)
			}
		})
	}
	t.Run("now", func(t *testing.T) {
		h, s := newHandler(t, testLimits)
		lookAt(t, h, "key=wk_us_key&type=view&item=page")
		var e recorder.Event
		if err := recorder.Decode(s.stored[0].Value, &e); err != nil || int64(e.Time) != s.stored[0].Timestamp {
			t.Errorf("%v: at %d, received %d", err, e.Time, s.stored[0].Timestamp)
		}
	})
}

func TestWhatThePixelSaysOfWhatIsNotStored(t *testing.T) {
	const good = "key=wk_us_key&type=view&item=page"
	for name, c := range map[string]struct {
		query  string
		change func(*http.Request)
		status int
		result string
	}{
		"no key":                  {"type=view&item=page", nil, 401, "rejected:no_write_key"},
		"an unknown key":          {"key=wk_nobody", nil, 401, "rejected:unknown_write_key"},
		"another region":          {"key=wk_eu_key&type=view&item=page", nil, 421, "rejected:wrong_region"},
		"no item":                 {"key=wk_us_key&type=view", nil, 200, "rejected:missing_field"},
		"nothing":                 {"key=wk_us_key", nil, 200, "rejected:missing_field"},
		"no time":                 {good + "&time=yesterday", nil, 200, "rejected:wrong_type"},
		"a time of words":         {good + "&time=1,%22x%22:1", nil, 200, "rejected:wrong_type"},
		"no JSON":                 {"key=wk_us_key&event=%7Btime", nil, 200, "rejected:malformed_json"},
		"base64 of nothing known": {"key=wk_us_key&event=YWJj", nil, 200, "rejected:malformed_json"},
		"neither":                 {"key=wk_us_key&event=a,b", nil, 400, "rejected:bad_query"},
		"a name twice":            {good + "&type=open", nil, 400, "rejected:ambiguous"},
		"the key twice":           {good + "&key=wk_eu_key", nil, 400, "rejected:ambiguous"},
		"both":                    {good + "&event=%7B%7D", nil, 400, "rejected:ambiguous"},
		"no encoding":             {good + "&x=%zz", nil, 400, "rejected:bad_query"},
		"too long":                {good + "&x=" + strings.Repeat("x", maxQuery), nil, 414, "rejected:query_too_long"},
		"POST":                    {good, func(r *http.Request) { r.Method = http.MethodPost }, 405, "rejected:method_not_allowed"},
		"a page of another":       {good, with("Referer", "https://evil.example/x"), 403, "rejected:origin_not_allowed"},
		"fetched ahead":           {good, with("Sec-Purpose", "prefetch;prerender"), 200, "ignored:prefetch"},
		"ahead by Purpose":        {good, with("Purpose", "Prefetch"), 200, "ignored:prefetch"},
		"ahead by X-Moz":          {good, with("X-Moz", "prefetch"), 200, "ignored:prefetch"},
		"HEAD":                    {good, func(r *http.Request) { r.Method = http.MethodHead }, 200, "ignored:head"},
		"denied":                  {good + "&consent=denied", nil, 200, "ignored:not_collected"},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHandler(t, testLimits)
			change := c.change
			if change == nil {
				change = func(*http.Request) {}
			}
			w := lookAt(t, h, c.query, change)
			if w.Code != c.status || w.Header().Get("X-Waymark-Result") != c.result || len(s.stored) > 0 {
				t.Errorf("%d %q, %d stored; want %d %q", w.Code, w.Header().Get("X-Waymark-Result"), len(s.stored), c.status, c.result)
			}
		})
	}
	t.Run("not stored", func(t *testing.T) {
		h, s := newHandler(t, testLimits)
		s.err = errors.New("no leader")
		if w := lookAt(t, h, good); w.Code != 503 || w.Header().Get("X-Waymark-Result") != "rejected:unavailable" || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
	t.Run("a bug", func(t *testing.T) {
		h, _ := newHandler(t, testLimits)
		h.intake.Regions["us"] = broken(func([]event.Record) { panic("a bug") })
		if w := lookAt(t, h, good); w.Code != 500 || w.Header().Get("X-Waymark-Result") != "rejected:internal" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
	t.Run("a quota", func(t *testing.T) {
		h, s := newHandlerFor(t, `accounts: [{id: a, region: us, write_keys: [wk_us_key], monthly_quota: 1}]`, testLimits)
		lookAt(t, h, good)
		if w := lookAt(t, h, good); w.Code != 429 || w.Header().Get("X-Waymark-Result") != "rejected:quota_exceeded" || w.Header().Get("RateLimit") == "" || len(s.stored) != 1 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
	t.Run("GPC", func(t *testing.T) {
		h, s := newHandlerFor(t, `accounts: [{id: a, region: us, write_keys: [wk_us_key]}]`, testLimits)
		if w := lookAt(t, h, good, with("Sec-GPC", "1")); w.Header().Get("X-Waymark-Result") != "ignored:not_collected" || len(s.stored) != 0 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
	t.Run("drop list", func(t *testing.T) {
		h, s := newHandlerFor(t, `accounts: [{id: a, region: us, write_keys: [wk_us_key], drop: [{item_type: page}]}]`, testLimits)
		if w := lookAt(t, h, good); w.Header().Get("X-Waymark-Result") != "dropped:drop_list" || len(s.stored) != 0 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}

func TestWhoseKeyAPixelMayHave(t *testing.T) {
	for name, c := range map[string]struct {
		key, origin, referer string
		status               int
		result               string
	}{
		"its page, by Referer":                 {"wk_of_page", "", "https://shop.example/a?b#c", 200, "accepted"},
		"its page, by the Referer's origin":    {"wk_of_page", "", "https://www.shop.example", 200, "accepted"},
		"its page, by Origin":                  {"wk_of_page", "https://shop.example", "https://evil.example/", 200, "accepted"},
		"a page of another":                    {"wk_of_page", "", "https://evil.example/", 403, "rejected:origin_not_allowed"},
		"its page's name in another's address": {"wk_of_page", "", "https://shop.example@evil.example/", 403, "rejected:origin_not_allowed"},
		"a port":                               {"wk_of_page", "", "https://shop.example:8443/", 403, "rejected:origin_not_allowed"},
		"no page":                              {"wk_of_page", "", "", 403, "rejected:origin_required"},
		"no page's Referer":                    {"wk_of_page", "", "about:blank", 403, "rejected:origin_required"},
		"a Referer that is none":               {"wk_of_page", "", "https://\x7f", 403, "rejected:origin_required"},
		"any page's":                           {"wk_of_any_page", "", "https://Any.example/", 200, "accepted"},
		"a mail":                               {"wk_of_trial", "", "", 200, "accepted"},
		"a mail in a page":                     {"wk_of_trial", "", "https://mail.example/", 200, "accepted"},
		"a server's":                           {"wk_of_server", "", "", 403, "rejected:server_key_in_page"},
		"a server's, in a page":                {"wk_of_server", "", "https://shop.example/", 403, "rejected:server_key_in_page"},
	} {
		h, s := newHandlerFor(t, keysFile, testLimits)
		h.origins = []string{"*"}
		w := lookAt(t, h, "type=view&item=page&key="+c.key, func(r *http.Request) {
			r.Header.Set("Origin", c.origin)
			r.Header.Set("Referer", c.referer)
		})
		if w.Code != c.status || w.Header().Get("X-Waymark-Result") != c.result || len(s.stored) != map[bool]int{true: 1}[c.status == 200] {
			t.Errorf("%s: %d %q, %d stored", name, w.Code, w.Header().Get("X-Waymark-Result"), len(s.stored))
		}
	}
}

func TestPreflightOfThePixel(t *testing.T) {
	h, _ := newHandler(t, testLimits)
	r := httptest.NewRequest(http.MethodOptions, "/v1/pixel.gif", nil)
	r.Header.Set("Origin", "https://shop.example")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 204 || w.Body.Len() > 0 || w.Header().Get("Access-Control-Allow-Methods") != "GET, HEAD" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// What is sent to hurt costs nobody anything: each has its answer, and nothing of it is in the header.
func TestHostileQueries(t *testing.T) {
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, "&props.%d=", i)
	}
	limits := testLimits
	limits.EventBytes = 32 << 10
	const good = "key=wk_us_key&type=view&item=page&time=1"
	for name, c := range map[string]struct {
		query  string
		status int
		result string
	}{
		"CRLF":                 {good + "&name=a%0d%0aX-Evil:%20b&props.%0d%0aX-Evil:b=c", 200, "accepted"},
		"CRLF in the event":    {"key=wk_us_key&event=%0d%0aX-Evil:%20b", 400, "rejected:bad_query"},
		"8 KiB of %":           {strings.Repeat("%", maxQuery), 400, "rejected:bad_query"},
		"more of it":           {strings.Repeat("%", maxQuery+1), 414, "rejected:query_too_long"},
		"8 KiB of &":           {good + strings.Repeat("&", maxQuery-len(good)), 200, "accepted"},
		"8 KiB of =":           {good + "&" + strings.Repeat("=", maxQuery-len(good)-1), 200, "accepted"},
		"semicolons":           {good + ";a=b", 400, "rejected:bad_query"},
		"many names":           {good + many.String()[:maxQuery-len(good)-8], 200, "accepted"},
		"invalid UTF-8":        {good + "&name=%ff&props.%fe=%fd", 200, "accepted"},
		"two names become one": {good + "&props.%fe=1&props.%fd=2", 200, "rejected:malformed_json"},
		"invalid UTF-8, type":  {"key=wk_us_key&item=page&type=%ff", 200, "rejected:invalid_utf8"},
		"quotes":               {good + `&name=%22,%22type%22:%22x&props.%22%7d=%5c`, 200, "accepted"},
		"NUL":                  {good + "&name=%00", 200, "accepted"},
		"deep JSON":            {"key=wk_us_key&event=" + strings.Repeat("%7B%22a%22:", 500), 200, "rejected:too_deep"},
		"deep arrays, base64":  {"key=wk_us_key&event=" + base64.RawURLEncoding.EncodeToString([]byte(`{"time":1,"type":"view","data":{"type":"page"},"props":`+strings.Repeat("[", 4000))), 200, "rejected:too_deep"},
		"an array of events":   {"key=wk_us_key&event=" + base64.RawURLEncoding.EncodeToString([]byte(`[{"time":1,"type":"view","data":{"type":"page"}}]`)), 200, "rejected:not_an_object"},
		"a number's end":       {"key=wk_us_key&type=view&item=page&time=1" + strings.Repeat("0", 500), 200, "rejected:out_of_range"},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHandler(t, limits)
			w := lookAt(t, h, c.query)
			if w.Code != c.status || w.Header().Get("X-Waymark-Result") != c.result || w.Header().Get("X-Evil") != "" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
			for i := range s.stored {
				var e recorder.Event
				if err := recorder.Decode(s.stored[i].Value, &e); err != nil || e.Type != "view" || e.Data.Type != "page" {
					t.Errorf("stored %q: %v", s.stored[i].Value, err)
				}
			}
		})
	}
	t.Run("a Referer of 16 KiB", func(t *testing.T) {
		h, s := newHandler(t, limits)
		h.origins = []string{"*"}
		if w := lookAt(t, h, good, with("Referer", "https://a.example/"+strings.Repeat("a", 16<<10))); w.Header().Get("X-Waymark-Result") != "accepted" || len(s.stored[0].Value) > maxReferer+200 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}

// FuzzPixel: whatever the query, what is made of it is one JSON object, and says no more than the query does.
func FuzzPixel(f *testing.F) {
	for _, query := range []string{
		"type=view&item=page&time=1", "event=%7B%7D", "event=e30", "props.a=%ff&name=%22", "props.=&props.a=1&props.a=2", "time=1e5&title=%5c", strings.Repeat("%", 100),
	} {
		f.Add(query, "https://a.example/")
	}
	f.Fuzz(func(t *testing.T, query, referer string) {
		names, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		said := names.Get("type")
		made, refused := eventOf(names, referer, time.UnixMilli(1))
		if refused != nil || names.Get("event") != "" {
			return
		}
		var e recorder.Event
		if err := recorder.Decode(made, &e); err == nil && e.Type != said {
			t.Errorf("%q became %q", said, e.Type)
		}
		if !utf8.Valid(made) {
			return
		}
		var any map[string]any
		if err := json.Unmarshal(made, &any); err != nil {
			t.Errorf("%q is no JSON: %v", made, err)
		}
	})
}
