package account

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
)

func TestAKeyIsKeptAsItsHash(t *testing.T) {
	d, err := Read(write(t, fmt.Sprintf(`accounts:
  - id: shop
    region: us
    rate: 100
    monthly_quota: 5000000
    visitor_rate: 600
    drop: [{event: step, item_type: walkthru}]
    keys:
      - {sha256: %s, scope: server, rate: 50, monthly_quota: 1000, not_before: 2026-11-01T00:00:00Z, expires: 2026-12-01}
      - {sha256: %s, origins: ["https://*.shop.example", "null"]}
    write_keys: [wk_of_a_trial]
`, HashKey("wk_server_key"), HashKey("wk_browser_key"))))
	if err != nil {
		t.Fatal(err)
	}
	server, browser, plain := d.Grant("wk_server_key"), d.Grant("wk_browser_key"), d.Grant("wk_of_a_trial")
	if server == nil || server.ID != "shop" || server.Account.Rate != 100 || server.Key.Rate != 50 || server.Key.MonthlyQuota != 1000 || server.Key.Expires.Month() != time.December {
		t.Errorf("server: %+v", server)
	}
	if browser == nil || browser.Key.Scope != ScopeBrowser || browser.Account != server.Account {
		t.Errorf("browser: %+v", browser)
	}
	if plain == nil || plain.Key.Scope != ScopeAny || d.PlainKeys() != 1 {
		t.Errorf("plain: %+v, %d", plain, d.PlainKeys())
	}
	// The hash is not the key: who reads the file cannot send.
	for _, wrong := range []string{HashKey("wk_server_key"), "", "wk_server_ke", "wk_server_key ", "wk_server_key\x00", strings.Repeat("x", 1<<20)} {
		if d.Grant(wrong) != nil || d.ByKey(wrong) != nil {
			t.Errorf("%.30q was taken", wrong)
		}
	}
}

func TestAKeyMayBeUsedFromWhereAndWhenItSays(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	shop := []string{"https://shop.example", "https://*.shop.example", "https://*.dev.example:8443"}
	for name, c := range map[string]struct {
		key    Key
		origin string
		want   error
	}{
		"a server":                                   {Key{Scope: ScopeServer}, "", nil},
		"a server's key in a page":                   {Key{Scope: ScopeServer}, "https://shop.example", ErrServerKey},
		"a server's key in a sandbox":                {Key{Scope: ScopeServer}, "null", ErrServerKey},
		"a page":                                     {Key{Scope: ScopeBrowser}, "https://any.example", nil},
		"a page's key in a server":                   {Key{Scope: ScopeBrowser}, "", ErrNoOrigin},
		"any, from a server":                         {Key{Scope: ScopeAny, Origins: shop}, "", nil},
		"any, from another page":                     {Key{Scope: ScopeAny, Origins: shop}, "https://evil.example", ErrOtherOrigin},
		"its page":                                   {Key{Scope: ScopeBrowser, Origins: shop}, "https://shop.example", nil},
		"a label of its":                             {Key{Scope: ScopeBrowser, Origins: shop}, "https://www.shop.example", nil},
		"a label of its, and the port":               {Key{Scope: ScopeBrowser, Origins: shop}, "https://a.dev.example:8443", nil},
		"without the port":                           {Key{Scope: ScopeBrowser, Origins: shop}, "https://a.dev.example", ErrOtherOrigin},
		"two labels":                                 {Key{Scope: ScopeBrowser, Origins: shop}, "https://a.b.shop.example", ErrOtherOrigin},
		"no label":                                   {Key{Scope: ScopeBrowser, Origins: shop}, "https://.shop.example", ErrOtherOrigin},
		"a name that ends like it":                   {Key{Scope: ScopeBrowser, Origins: shop}, "https://evilshop.example", ErrOtherOrigin},
		"a name that begins like it":                 {Key{Scope: ScopeBrowser, Origins: shop}, "https://www.shop.example.evil.example", ErrOtherOrigin},
		"a path that ends like it":                   {Key{Scope: ScopeBrowser, Origins: shop}, "https://evil.example/.shop.example", ErrOtherOrigin},
		"a user that ends like it":                   {Key{Scope: ScopeBrowser, Origins: shop}, "https://evil.example@x.shop.example", ErrOtherOrigin},
		"another scheme":                             {Key{Scope: ScopeBrowser, Origins: shop}, "http://www.shop.example", ErrOtherOrigin},
		"before it begins":                           {Key{NotBefore: day(26)}, "", ErrEarly},
		"when it begins":                             {Key{NotBefore: day(25)}, "", nil},
		"before it ends":                             {Key{Expires: day(26)}, "", nil},
		"when it ends":                               {Key{Expires: day(25)}, "", ErrExpired},
		"an expired key is not asked for its origin": {Key{Scope: ScopeServer, Expires: day(1)}, "https://shop.example", ErrExpired},
	} {
		if err := c.key.Usable(c.origin, day(25)); !errors.Is(err, c.want) || err == nil != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestKeysAndLimitsAreChecked(t *testing.T) {
	const hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for says, members := range map[string]string{
		"keys[0].sha256:":             "keys: [{sha256: Wk_live_s3cr3t}]",
		"keys[0].scope:":              "keys: [{sha256: HASH, scope: s3cr3t}]",
		"keys[0].rate:":               "keys: [{sha256: HASH, rate: -1}]",
		"keys[0].monthly_quota:":      "keys: [{sha256: HASH, monthly_quota: -1}]",
		"keys[0].origins[1]:":         "keys: [{sha256: HASH, origins: ['https://a.example', 's3cr3t']}]",
		"keys[0].origins[0]:":         "keys: [{sha256: HASH, origins: ['https://*.example']}]",
		"keys[0].origins[0]: want":    "keys: [{sha256: HASH, origins: ['https://a.*.shop.example']}]",
		"keys[0].origins: a key":      "keys: [{sha256: HASH, scope: server, origins: ['https://a.example']}]",
		"keys[0].expires:":            "keys: [{sha256: HASH, not_before: 2026-11-02, expires: 2026-11-01}]",
		"keys[0].expires: want a tim": "keys: [{sha256: HASH, expires: s3cr3t}]",
		"keys[1] belongs to \"a\"":    "keys: [{sha256: HASH}, {sha256: HASH}]",
		"rate: want 0 or more":        "rate: -1",
		"monthly_quota: want":         "monthly_quota: -1",
		"visitor_rate: want":          "visitor_rate: -1",
		"drop[0]: want":               "drop: [{}]",
		"drop[0].item_type: want":     "drop: [{item_type: s3cr3t}]",
	} {
		_, err := Read(write(t, "accounts:\n- id: a\n  region: us\n  "+strings.ReplaceAll(members, "HASH", hash)+"\n"))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), hash) {
			t.Errorf("%s: %v, want %q", members, err, says)
		}
	}
}

func TestTheDropListNamesEventsByAllThatItSays(t *testing.T) {
	l := Limits{Drop: []Drop{{Event: "step"}, {Event: "show", ItemType: event.Launcher}, {Name: "Noise"}}}
	for _, c := range []struct {
		e    event.Sent
		want bool
	}{
		{event.Sent{Event: "step", ItemType: event.Walkthru}, true},
		{event.Sent{Event: "show", ItemType: event.Launcher}, true},
		{event.Sent{Event: "show", ItemType: event.Smarttip}, false},
		{event.Sent{Event: "play", ItemName: "Noise"}, true},
		{event.Sent{Event: "play"}, false},
	} {
		if got := l.Drops(&c.e); got != c.want {
			t.Errorf("%+v: %v", c.e, got)
		}
	}
}
