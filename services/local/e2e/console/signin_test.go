package console

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/services/console"
)

// endpoints are all that need somebody to be signed in.
var endpoints = []struct{ method, path string }{
	{http.MethodGet, "/api/me"}, {http.MethodGet, "/api/questions"}, {http.MethodGet, "/api/ask/end_users?account=shop"}, {http.MethodPost, "/api/sql"},
	{http.MethodGet, "/api/live?account=shop"}, {http.MethodGet, "/api/health-data?account=shop"},
}

// locked checks that nobody is let in with these headers.
func (h *house) locked(what string, headers ...string) {
	h.t.Helper()
	for _, e := range endpoints {
		a := h.do(e.method, e.path, "", headers...)
		h.refused(what+" at "+e.path, a, http.StatusUnauthorized, "sign_in")
		if a.SignIn != string(h.cfg.SignIn.Mode) || strings.Contains(a.text, "shop") {
			h.t.Errorf("%s at %s: %s", what, e.path, a.text)
		}
	}
}

func TestNobodyIsLetInWithoutAToken(t *testing.T) {
	h := newHouse(t)
	h.as = ""
	h.locked("nobody")
	for _, token := range []string{"", "x", dana + "x", dana[1:], hashOf(dana), strings.Repeat("x", 5000)} {
		h.locked("a wrong token", "Authorization", "Bearer "+token)
	}
	h.locked("another scheme", "Authorization", "Basic "+dana)
	h.locked("a proxy's word", "X-Auth-Request-Email", "dana@shop.example")
	h.locked("a forged cookie", "Cookie", "waymark_console=9999999999."+hashOf(dana)+".AAAA")
	if a := h.get("/api/me", "Authorization", "bearer "+dana); a.status != http.StatusOK {
		t.Errorf("the scheme's case counts: %d", a.status)
	}
}

func TestASessionLastsUntilItIsEndedOrItsTokenIsTakenBack(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.yaml")
	write := func(token string) {
		t.Helper()
		if err := os.WriteFile(users, []byte("users: [{name: dana, tokens: ["+hashOf(token)+"], accounts: [shop]}]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(dana)
	h := newHouse(t, func(cfg *console.Config) {
		cfg.Users, cfg.UserList, cfg.SignIn.InsecureCookie, cfg.SignIn.SessionKey = users, nil, false, "a key of the tests, 32 characters or more"
	})
	h.as = ""
	const form = "application/json"
	for body, status := range map[string]int{`{"token":"` + eve + `"}`: 401, `{"token":""}`: 401, `{}`: 401, `x`: 400} {
		if a := h.do(http.MethodPost, "/api/session", body, "X-Waymark-Console", "1", "Content-Type", form); a.status != status || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", body, a.status, a.header)
		}
	}
	for name, headers := range map[string][]string{
		"without the header": {"Content-Type", form},
		"another site's":     {"Content-Type", form, "X-Waymark-Console", "1", "Sec-Fetch-Site", "cross-site"},
		"a neighbour's":      {"Content-Type", form, "X-Waymark-Console", "1", "Sec-Fetch-Site", "same-site"},
	} {
		h.refused(name, h.do(http.MethodPost, "/api/session", `{"token":"`+dana+`"}`, headers...), http.StatusForbidden, "forged")
	}
	a := h.do(http.MethodPost, "/api/session", `{"token":"`+dana+`"}`, "X-Waymark-Console", "1", "Content-Type", form, "Sec-Fetch-Site", "same-origin")
	cookie := a.header.Get("Set-Cookie")
	if a.status != http.StatusNoContent || !strings.HasPrefix(cookie, "__Host-waymark_console=") {
		t.Fatalf("%d %q", a.status, cookie)
	}
	for _, attribute := range []string{"; Path=/", "; Max-Age=43200", "; HttpOnly", "; Secure", "; SameSite=Strict"} {
		if !strings.Contains(cookie, attribute) {
			t.Errorf("%q has no %q", cookie, attribute)
		}
	}
	session, _, _ := strings.Cut(cookie, ";")
	if strings.Contains(session, dana) {
		t.Error("the cookie has the token")
	}
	if me := h.get("/api/me", "Cookie", session); me.status != http.StatusOK || !strings.Contains(me.text, `"dana"`) {
		t.Errorf("%d %s", me.status, me.text)
	}
	for i := len("__Host-waymark_console="); i < len(session); i++ { // each character counts, but those of which a base64 has unused bits
		changed := session[:i] + string(session[i]^1) + session[i+1:]
		if me := h.get("/api/me", "Cookie", changed); me.status != http.StatusUnauthorized {
			t.Errorf("%q in %q's place is let in", changed, session)
		}
	}
	if me := h.get("/api/me", "Cookie", session+"; "+session); me.status != http.StatusUnauthorized {
		t.Errorf("two cookies of the name: %d", me.status)
	}
	h.refused("a POST by cookie alone", h.do(http.MethodPost, "/api/sql", `{}`, "Cookie", session, "Content-Type", form), http.StatusForbidden, "forged")
	if out := h.do(http.MethodDelete, "/api/session", "", "Cookie", session); out.status != http.StatusForbidden {
		t.Errorf("signed out by another site: %d", out.status)
	}
	if out := h.do(http.MethodDelete, "/api/session", "", "Cookie", session, "X-Waymark-Console", "1"); out.status != http.StatusNoContent || !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("%d %v", out.status, out.header)
	}
	// The service is started again, with the same key: the session is good, until the token is taken back.
	if err := h.service.Stop(); err != nil {
		t.Fatal(err)
	}
	h.start()
	if me := h.get("/api/me", "Cookie", session); me.status != http.StatusOK {
		t.Errorf("after a restart: %d %s", me.status, me.text)
	}
	write(eve)
	h.within("signed out", func() bool { return h.get("/api/me", "Cookie", session).status == http.StatusUnauthorized })
	if me := h.get("/api/me", "Authorization", "Bearer "+eve); me.status != http.StatusOK {
		t.Errorf("the new token: %d %s", me.status, me.text)
	}
	if err := os.WriteFile(users, []byte("users: [{name: dana, tokens: [x]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.within("reported", func() bool {
		return h.service.Logs.FilterMessageSnippet("users file cannot be taken over").Len() > 0
	})
	if me := h.get("/api/me", "Authorization", "Bearer "+eve); me.status != http.StatusOK {
		t.Errorf("with a broken file: %d %s", me.status, me.text)
	}
}

func TestAProxysWordIsBelievedFromTrustedAddressesAlone(t *testing.T) {
	h := newHouse(t, func(cfg *console.Config) {
		cfg.SignIn.Mode, cfg.SignIn.TrustedProxies = console.ModeProxy, []string{"127.0.0.1"}
	})
	h.as = ""
	for _, c := range []struct{ user, groups, sees, not string }{
		{"dana@shop.example", "", `"shop"`, `"rival"`},
		{"someone@rival.example", "others, rivals", `"rival"`, `"shop"`},
		{"dana@shop.example", "rivals", `"shop"`, `"rival"`},
	} {
		a := h.get("/api/me", "X-Auth-Request-Email", c.user, "X-Auth-Request-Groups", c.groups)
		if a.status != http.StatusOK || !strings.Contains(a.text, c.sees) || strings.Contains(a.text, c.not) || strings.Contains(c.user, "rival.") && !strings.Contains(a.text, c.user) {
			t.Errorf("%s of %s: %d %s", c.user, c.groups, a.status, a.text)
		}
	}
	h.locked("nobody")
	h.locked("a stranger", "X-Auth-Request-Email", "x@shop.example", "X-Auth-Request-Groups", "x")
	h.locked("groups without a user", "X-Auth-Request-Groups", "rivals")
	h.locked("another header", "X-Forwarded-User", "dana@shop.example")
	h.as = dana
	if a := h.get("/api/me"); a.status != http.StatusOK {
		t.Errorf("a script's token: %d", a.status)
	}
	if err := h.service.Stop(); err != nil {
		t.Fatal(err)
	}
	h.cfg.SignIn.TrustedProxies = []string{"192.0.2.1"}
	h.start()
	h.as = ""
	h.locked("an address that is not trusted", "X-Auth-Request-Email", "dana@shop.example")
}

func TestOpenIsForEverybody(t *testing.T) {
	h := newHouse(t, func(cfg *console.Config) { cfg.SignIn.Mode, cfg.UserList.Users = console.ModeOpen, nil })
	h.as = ""
	if a := h.get("/api/me"); a.status != http.StatusOK || !strings.Contains(a.text, `"sign_in":"open"`) || !strings.Contains(a.text, `"rival"`) {
		t.Errorf("%d %s", a.status, a.text)
	}
	// Another site's page in somebody's browser is not everybody.
	h.refused("forged", h.do(http.MethodPost, "/api/sql", `{"account":"shop","sql":"SELECT 1"}`, "Content-Type", "application/json"), http.StatusForbidden, "forged")
}
