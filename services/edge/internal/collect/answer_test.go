package collect

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// Whatever is answered, a browser must take it for nothing but data, and keep none of it.
func TestEveryAnswerIsProtected(t *testing.T) {
	limits := testLimits
	limits.ClientRequests = 1
	for name, c := range map[string]struct {
		status int
		change func(*http.Request)
	}{
		"taken":       {200, func(*http.Request) {}},
		"no key":      {401, without("X-Write-Key")},
		"elsewhere":   {404, func(r *http.Request) { r.URL.Path = "/metrics" }},
		"a GET":       {405, func(r *http.Request) { r.Method = http.MethodGet }},
		"a preflight": {204, preflight()},
		"limited":     {429, func(r *http.Request) { r.Method = http.MethodPut }},
	} {
		h, _ := newHandler(t, limits)
		if c.status == 429 {
			post(t, h, good("a"))
			post(t, h, good("a"))
			c.change = func(*http.Request) {}
		}
		w, _ := post(t, h, good("a"), c.change)
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "no-store",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Server": "", "X-Powered-By": "",
		} {
			if got := w.Header().Get(header); w.Code != c.status || got != want {
				t.Errorf("%s: %d, %s: %q, want %q", name, w.Code, header, got, want)
			}
		}
	}
}

// What an operator's port shows, the public one does not.
func TestTheCollectorServesNothingOfTheAdminPort(t *testing.T) {
	h, _ := newHandler(t, testLimits)
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/v1/../metrics", "//metrics", "/%6detrics"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, "http://edge"+path, nil))
			if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "waymark_") {
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
		}
	}
}

// planted stands in every part of a request; nothing of it may come back, but an allowed page's own origin, the names of headers that a
// preflight asks for, and ids of events, which are UUIDs.
const planted = `Zq7<script>"'`

func TestNothingOfARequestIsReflected(t *testing.T) {
	plantedJSON := `Zq7<script>\"'`
	everywhere := func(r *http.Request) {
		r.URL.RawQuery, r.Host = "callback=Zq7&writeKey=Zq7", "Zq7.example"
		for _, name := range []string{"User-Agent", "Referer", "X-Forwarded-For", "Cookie", "X-Request-Id", "Accept", "X-Sent-At", "Sec-CH-UA", "X-Zq7"} {
			r.Header.Set(name, planted)
		}
	}
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
	}{
		"taken":                 {`{"id":"Zq7-1","time":1,"type":"Zq7","data":{"type":"Zq7","oName":"` + plantedJSON + `"},"props":{"` + plantedJSON + `":1}}`, nil},
		"wrong types":           {`[{"time":"` + plantedJSON + `","type":"play","data":{"type":"wt"}},{"time":1,"type":{"Zq7":1},"data":{"type":"wt"}}]`, nil},
		"names":                 {`{"time":1,"type":"play","data":{"type":"wt","Zq7":{"Zq7":1}},"Zq7":[1],"props":{"a":"Zq7\ud800","Zq7\udc00":"Zq7\ud800"}}`, nil},
		"a name twice":          {`{"time":1,"type":"play","data":{"type":"wt"},"Zq7":1,"Zq7":2}`, nil},
		"a name twice in props": {`{"time":1,"type":"play","data":{"type":"wt"},"props":{"Zq7":1,"Zq7":2}}`, nil},
		"warnings":              {`{"time":1,"type":"play","data":{"type":"wt","oName":"` + strings.Repeat("Zq7", 300) + `"},"user":{"id":12,"guid":"undefined"},"page":{"url":"https://Zq7:Zq7@x/"},"props":[1,"Zq7"]}`, nil},
		"no event":              {`["Zq7",{"Zq7":1},[["Zq7"]]]`, nil},
		"no JSON":               {planted, nil},
		"cut off":               {`{"time":1,"Zq7":"Zq7`, nil},
		"an unknown key":        {good("a"), with("X-Write-Key", "Zq7-Zq7-Zq7")},
		"an unknown key as Basic user": {good("a"), func(r *http.Request) {
			r.Header.Del("X-Write-Key")
			r.SetBasicAuth("Zq7", "Zq7")
		}},
		"an unknown key in the body":      {`{"key":"Zq7","events":[` + good("a") + `]}`, without("X-Write-Key")},
		"a path":                          {good("a"), func(r *http.Request) { r.URL.Path = "/v1/Zq7<script>" }},
		"a method":                        {good("a"), func(r *http.Request) { r.Method = "ZQ7" }},
		"an encoding":                     {good("a"), with("Content-Encoding", "Zq7")},
		"what is no gzip":                 {planted, with("Content-Encoding", "gzip")},
		"a content type":                  {good("a"), with("Content-Type", "Zq7/Zq7")},
		"an origin that is not allowed":   {good("a"), with("Origin", "https://zq7.example")},
		"a preflight of no token":         {"", func(r *http.Request) { preflight("Zq7<script>")(r); r.Header.Set("Origin", "https://shop.example") }},
		"a preflight of another's origin": {"", func(r *http.Request) { preflight("zq7")(r); r.Header.Set("Origin", "https://zq7.example") }},
	} {
		h, _ := newHandler(t, testLimits)
		change := c.change
		if change == nil {
			change = func(*http.Request) {}
		}
		w, got := post(t, h, c.body, everywhere, change)
		answer := strings.Builder{}
		if err := w.Result().Header.Write(&answer); err != nil {
			t.Fatal(err)
		}
		answer.WriteString(w.Body.String())
		if strings.Contains(strings.ToLower(answer.String()), "zq7") {
			t.Errorf("%s: %d\n%s", name, w.Code, answer.String())
		}
		for _, r := range got.Results {
			if r.Status == intake.Accepted && len(r.ID) != 36 {
				t.Errorf("%s: id %q", name, r.ID)
			}
		}
	}
}

func TestAnswersAreWhatMarshalMakes(t *testing.T) {
	for _, results := range [][]intake.Result{
		{},
		{{Status: intake.Accepted, ID: "0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"}},
		{{Status: intake.Dropped, Code: "drop_list", Message: `"<'>"`}, {Status: intake.Ignored}, {Status: intake.Dead, ID: "x", Path: "$.time"}},
		{{Status: intake.Rejected}, {Status: intake.Accepted, Warnings: []event.Warning{{Code: event.WarnCut, Path: "$.page.title"}}}, {Status: intake.Accepted, Warnings: []event.Warning{}}},
	} {
		for begin, write := range map[string]func(http.ResponseWriter, []intake.Result){"{": writeResults, `{"success":true,`: writeSegmentResults} {
			want, err := json.Marshal(count(results))
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			if write(w, results); w.Body.String() != begin+string(want[1:])+"\n" || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s, want %s%s", w.Body, begin, want[1:])
			}
		}
	}
}
