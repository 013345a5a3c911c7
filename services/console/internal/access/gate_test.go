package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func gate(t *testing.T, change func(*Config)) *Gate {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Mode, cfg.SessionKey = ModeToken, "a key of the tests, 32 characters or more"
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	store, err := new(Store).With(&List{Users: []User{{Name: "dana", Tokens: []string{hashOf("token of dana")}, ProxyUsers: []string{"dana"}, ProxyGroups: []string{"g"}, Accounts: []string{"shop"}}}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGate(cfg, store)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestASessionEnds(t *testing.T) {
	g := gate(t, nil)
	now := time.Now()
	g.now = func() time.Time { return now }
	cookie := g.SignIn("token of dana")
	if cookie == nil || g.Who(request("Cookie", cookie.Name+"="+cookie.Value)) == nil {
		t.Fatal("not signed in")
	}
	for _, wrong := range []string{"", "token of dan", strings.Repeat("x", longestToken+1)} {
		if g.SignIn(wrong) != nil {
			t.Errorf("signed in by %q", wrong)
		}
	}
	now = now.Add(g.cfg.SessionTime)
	if g.Who(request("Cookie", cookie.Name+"="+cookie.Value)) != nil {
		t.Error("the session goes on")
	}
	// Another console's key, a random one too, signs others.
	for _, key := range []func(*Config){func(c *Config) { c.SessionKey = "another key of the tests, 32 or more" }, func(c *Config) { c.SessionKey = "" }} {
		other := gate(t, key)
		if other.Who(request("Cookie", cookie.Name+"="+cookie.Value)) != nil {
			t.Error("another key's session is good")
		}
		own := other.SignIn("token of dana")
		if other.Who(request("Cookie", own.Name+"="+own.Value)) == nil {
			t.Error("its own is not")
		}
	}
}

// Whoever can make the hash that is in the users file, which is no secret, cannot make a cookie of it.
func TestACookieIsNobodysToMake(t *testing.T) {
	g := gate(t, nil)
	hashed := hashOf("token of dana")
	for _, value := range []string{"", ".", "..", "9999999999." + hashed, "9999999999." + hashed + ".", "9999999999." + hashed + ".!", hashed, "9999999999.", ".." + hashed} {
		if g.unseal(value) != "" {
			t.Errorf("%q is let in", value)
		}
	}
	good := g.seal(hashed, time.Now().Add(time.Hour))
	if g.unseal(good) != hashed {
		t.Error("its own cookie is not")
	}
	if longer := "9" + good; g.unseal(longer) != "" {
		t.Error("one that lasts longer is let in")
	}
}

func TestAProxyIsBelievedOnce(t *testing.T) {
	g := gate(t, func(c *Config) { c.Mode, c.TrustedProxies = ModeProxy, []string{"192.0.2.0/24"} })
	for what, c := range map[string]struct {
		peer    string
		headers []string
		in      bool
	}{
		"a trusted one":               {"192.0.2.7:1234", []string{"X-Auth-Request-Email", "dana"}, true},
		"by its group":                {"192.0.2.7:1234", []string{"X-Auth-Request-Email", "x", "X-Auth-Request-Groups", "f,g"}, true},
		"IPv4 in IPv6":                {"[::ffff:192.0.2.7]:1234", []string{"X-Auth-Request-Email", "dana"}, true},
		"another address":             {"192.0.3.7:1234", []string{"X-Auth-Request-Email", "dana"}, false},
		"no address":                  {"", []string{"X-Auth-Request-Email", "dana"}, false},
		"two of the header":           {"192.0.2.7:1234", []string{"X-Auth-Request-Email", "x", "X-Auth-Request-Email", "dana"}, false},
		"two of the groups' header":   {"192.0.2.7:1234", []string{"X-Auth-Request-Email", "x", "X-Auth-Request-Groups", "f", "X-Auth-Request-Groups", "g"}, false},
		"nobody's group":              {"192.0.2.7:1234", []string{"X-Auth-Request-Email", "x", "X-Auth-Request-Groups", "gg"}, false},
		"a group without a user":      {"192.0.2.7:1234", []string{"X-Auth-Request-Groups", "g"}, false},
		"what a client says it is by": {"192.0.3.7:1234", []string{"X-Forwarded-For", "192.0.2.7", "X-Auth-Request-Email", "dana"}, false},
	} {
		r := request(c.headers...)
		r.RemoteAddr = c.peer
		if who := g.Who(r); (who != nil) != c.in {
			t.Errorf("%s: %v", what, who)
		}
	}
	r := request("X-Auth-Request-Email", "x", "X-Auth-Request-Groups", "g")
	r.RemoteAddr = "192.0.2.7:1234"
	if who := g.Who(r); who.Name != "x" || !who.May("shop") || who.May("rival") || g.store.List().Users[0].Name != "dana" {
		t.Errorf("%+v", who)
	}
	if g.SignIn("token of dana") != nil {
		t.Error("a session beside the proxy's")
	}
}

func TestAccountsAreSeenByName(t *testing.T) {
	some, all := &User{Accounts: []string{"shop", "blog"}}, &User{Accounts: []string{"*"}}
	for account, want := range map[string]bool{"shop": true, "blog": true, "": false, "*": false, "sho": false, "rival": false} {
		if some.May(account) != want {
			t.Errorf("%q: %v", account, !want)
		}
	}
	if !all.May("rival") || all.May("") || some.All() || !all.All() {
		t.Error("of all")
	}
}

func TestAUsersFileThatIsWrongIsRefusedWithoutSayingWhatStandsThere(t *testing.T) {
	good := func() List {
		return List{Users: []User{{Name: "dana", Tokens: []string{hashOf("a")}, Accounts: []string{"shop"}}, {Name: "eve", ProxyUsers: []string{"eve"}, Accounts: []string{"*"}}},
			SQL: map[string]Analyst{"shop": {User: "a"}}}
	}
	if _, err := NewList(good()); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*List){
		"user 1: name":           func(l *List) { l.Users[0].Name = "" },
		"user 2: the name":       func(l *List) { l.Users[1].Name = "dana" },
		"user 1: want tokens":    func(l *List) { l.Users[0].Tokens = nil },
		"user 1: tokens[0]":      func(l *List) { l.Users[0].Tokens[0] = "secret" },
		"user 2: tokens[0]":      func(l *List) { l.Users[1].Tokens = l.Users[0].Tokens },
		"user 2: proxy_users[1]": func(l *List) { l.Users[1].ProxyUsers = []string{"secret", "secret"} },
		"user 1: accounts":       func(l *List) { l.Users[0].Accounts = nil },
		"sql.shop.user":          func(l *List) { l.SQL["shop"] = Analyst{} },
	} {
		l := good()
		change(&l)
		if _, err := NewList(l); err == nil || !strings.HasPrefix(err.Error(), what) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestConfigNamesTheSettingThatIsWrong(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"mode":            func(c *Config) { c.Mode = "" },
		"session_key":     func(c *Config) { c.SessionKey = "short" },
		"session_time":    func(c *Config) { c.SessionTime = time.Second },
		"trusted_proxies": func(c *Config) { c.Mode = ModeProxy },
		"user_header":     func(c *Config) { c.Mode, c.TrustedProxies, c.UserHeader = ModeProxy, []string{"::1"}, "" },
	} {
		cfg := DefaultConfig()
		cfg.Mode = ModeToken
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestForged(t *testing.T) {
	for _, c := range []struct {
		headers []string
		forged  bool
	}{
		{[]string{Header, "1"}, false}, {[]string{Header, "1", "Sec-Fetch-Site", "same-origin"}, false}, {[]string{Header, "1", "Sec-Fetch-Site", "none"}, false},
		{nil, true}, {[]string{Header, "0"}, true}, {[]string{"Sec-Fetch-Site", "same-origin"}, true}, {[]string{Header, "1", "Sec-Fetch-Site", "cross-site"}, true},
		{[]string{Header, "1", "Sec-Fetch-Site", "same-site"}, true},
	} {
		if Forged(request(c.headers...)) != c.forged {
			t.Errorf("%q: %v", c.headers, !c.forged)
		}
	}
}
