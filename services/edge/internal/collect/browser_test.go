package collect

import (
	"net/http"
	"strings"
	"testing"
)

func preflight(headers ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Method = http.MethodOptions
		r.Header.Del("X-Write-Key") // a preflight has none
		r.Header.Set("Access-Control-Request-Method", "POST")
		for _, names := range headers {
			r.Header.Add("Access-Control-Request-Headers", names)
		}
	}
}

func TestPagesOfAllowedOriginsMaySendAndOthersAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		allowed []string
		origin  string
		status  int // of a POST
	}{
		"allowed":                     {[]string{"https://shop.example"}, "https://shop.example", 200},
		"another":                     {[]string{"https://shop.example"}, "https://evil.example", 403},
		"another port":                {[]string{"https://shop.example"}, "https://shop.example:8443", 403},
		"another scheme":              {[]string{"https://shop.example"}, "http://shop.example", 403},
		"one that begins like it":     {[]string{"https://shop.example"}, "https://shop.example.evil.example", 403},
		"a sandbox's":                 {[]string{"https://shop.example"}, "null", 403},
		"a sandbox's, allowed":        {[]string{"null"}, "null", 200},
		"any":                         {[]string{"*"}, "https://any.example", 200},
		"none: a server or an app":    {[]string{"https://shop.example"}, "", 200},
		"none, where nobody may send": {[]string{}, "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHandler(t, testLimits)
			h.origins = c.allowed
			origin := func(r *http.Request) {
				if c.origin != "" {
					r.Header.Set("Origin", c.origin)
				}
			}
			w, got := post(t, h, good("a"), origin)
			if w.Code != c.status || len(s.stored) != map[bool]int{true: 1}[c.status == 200] || w.Header().Get("Vary") != "Origin" {
				t.Errorf("%d %s, %d stored, %v", w.Code, w.Body, len(s.stored), w.Header())
			}
			if c.status == 403 && got.Error.Code != "origin_not_allowed" {
				t.Errorf("%s", w.Body)
			}
			asked, _ := post(t, h, "", origin, preflight())
			for _, header := range []http.Header{w.Header(), asked.Header()} {
				allowed, credentials := c.origin, "true"
				if c.status == 403 || c.origin == "" {
					allowed, credentials = "", ""
				}
				if header.Get("Access-Control-Allow-Origin") != allowed || header.Get("Access-Control-Allow-Credentials") != credentials {
					t.Errorf("headers %v", header)
				}
			}
			if want := map[int]int{200: 204, 403: 403}[c.status]; asked.Code != want {
				t.Errorf("preflight %d, want %d", asked.Code, want)
			}
		})
	}
}

func TestAPreflightsUnknownHeadersAreAllowed(t *testing.T) {
	const always = "authorization, content-type, content-encoding, x-write-key, x-sent-at"
	for name, c := range map[string]struct {
		asked []string
		want  string
	}{
		"none":             {nil, always},
		"known":            {[]string{"Content-Type,x-write-key"}, always},
		"unknown":          {[]string{"traceparent, content-type", "X-Session.Id"}, always + ", traceparent, x-session.id"},
		"twice":            {[]string{"a,A, a"}, always + ", a"},
		"no tokens":        {[]string{"a b, c\x00d, e:f, <g>, ,,h"}, always + ", h"},
		"more than enough": {[]string{strings.Repeat("x-long-name,", 200)}, always},
	} {
		h, _ := newHandler(t, testLimits)
		w, _ := post(t, h, "", with("Origin", "https://shop.example"), preflight(c.asked...))
		if got := w.Header().Get("Access-Control-Allow-Headers"); w.Code != 204 || got != c.want {
			t.Errorf("%s: %d, allowed %q, want %q", name, w.Code, got, c.want)
		}
	}
}

// A page that is answered 401 must not make the browser ask its user for a name and a password.
func TestNoBrowserIsChallengedForAPassword(t *testing.T) {
	h, _ := newHandler(t, testLimits)
	w, _ := post(t, h, good("a"), without("X-Write-Key"), with("Origin", "https://shop.example"))
	if challenge := w.Header().Get("WWW-Authenticate"); w.Code != 401 || !strings.HasPrefix(challenge, "Bearer ") {
		t.Errorf("%d, challenge %q", w.Code, challenge)
	}
}

func TestSlashesThatABaseURLAddsAreNothing(t *testing.T) {
	for path, want := range map[string]int{
		"/v1/events": 200, "//v1/events": 200, "/v1/events/": 200, "//v1//events//": 200, "/v1/events/x": 404, "/v1": 404, "/": 404, "/v1/eventsx": 404,
		"/x/../v1/events": 404, "/v1/./events": 404, "v1/events": 404, "*": 404, "/V1/events": 404,
	} {
		h, _ := newHandler(t, testLimits)
		if w, _ := post(t, h, good("a"), func(r *http.Request) { r.URL.Path = path }); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}
