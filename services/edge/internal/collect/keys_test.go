package collect

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/waymark-events/waymark/pkg/account"
)

// keysFile has an account with a key of every kind.
var keysFile = `accounts:
- id: shop
  region: us
  keys:
  - {sha256: ` + account.HashKey("wk_of_server") + `, scope: server}
  - {sha256: ` + account.HashKey("wk_of_page") + `, origins: ["https://*.shop.example", "https://shop.example"]}
  - {sha256: ` + account.HashKey("wk_of_any_page") + `}
  - {sha256: ` + account.HashKey("wk_of_trial") + `, scope: any}
  - {sha256: ` + account.HashKey("wk_of_last_year") + `, scope: any, expires: 2025-12-31}
  - {sha256: ` + account.HashKey("wk_of_next_century") + `, scope: any, not_before: 2100-01-01}
`

func TestAKeyIsTakenFromWhereItMayCome(t *testing.T) {
	for name, c := range map[string]struct {
		key, origin string
		status      int
		code        string
	}{
		"a server":                          {"wk_of_server", "", 200, ""},
		"a server's key in a page":          {"wk_of_server", "https://shop.example", 403, "server_key_in_page"},
		"its page":                          {"wk_of_page", "https://shop.example", 200, ""},
		"a page below it":                   {"wk_of_page", "https://www.shop.example", 200, ""},
		"a page of another":                 {"wk_of_page", "https://evil.example", 403, "origin_not_allowed"},
		"a page's key in a server":          {"wk_of_page", "", 403, "origin_required"},
		"any page":                          {"wk_of_any_page", "https://any.example", 200, ""},
		"any page's key in a server":        {"wk_of_any_page", "", 403, "origin_required"},
		"a trial's, from a page":            {"wk_of_trial", "https://any.example", 200, ""},
		"a trial's, from a server":          {"wk_of_trial", "", 200, ""},
		"expired":                           {"wk_of_last_year", "", 401, "write_key_expired"},
		"not valid yet":                     {"wk_of_next_century", "", 401, "write_key_not_valid_yet"},
		"the hash that the file has for it": {account.HashKey("wk_of_trial"), "", 401, "unknown_write_key"},
	} {
		for place, change := range map[string]func(*http.Request){
			"header": with("X-Write-Key", c.key), "body": without("X-Write-Key"),
		} {
			h, s := newHandlerFor(t, keysFile, testLimits)
			h.origins = []string{"*"}
			w, got := post(t, h, `{"key":"`+c.key+`","events":[`+good("a")+`]}`, change, func(r *http.Request) {
				if c.origin != "" {
					r.Header.Set("Origin", c.origin)
				}
			})
			if w.Code != c.status || got.Error.Code != c.code || len(s.stored) != map[bool]int{true: 1}[c.status == 200] {
				t.Errorf("%s, in the %s: %d %s, %d stored, want %d %s", name, place, w.Code, w.Body, len(s.stored), c.status, c.code)
			}
			// A page is to learn why.
			if c.origin != "" && w.Header().Get("Access-Control-Allow-Origin") != c.origin {
				t.Errorf("%s: a page cannot read its answer", name)
			}
		}
	}
}

func TestRefusedKeysAreCountedByReason(t *testing.T) {
	h, _ := newHandlerFor(t, keysFile, testLimits)
	post(t, h, good("a"), with("X-Write-Key", "wk_of_server"), with("Origin", "https://shop.example"))
	post(t, h, good("a"), with("X-Write-Key", "wk_of_nobody"))
	post(t, h, good("a"), without("X-Write-Key"))
	const want = `# HELP waymark_edge_refused_keys_total Requests refused for their write key, by reason (none, unknown, early, expired, server_key_in_page, no_origin, other_origin).
# TYPE waymark_edge_refused_keys_total counter
waymark_edge_refused_keys_total{reason="early"} 0
waymark_edge_refused_keys_total{reason="expired"} 0
waymark_edge_refused_keys_total{reason="no_origin"} 0
waymark_edge_refused_keys_total{reason="none"} 1
waymark_edge_refused_keys_total{reason="other_origin"} 0
waymark_edge_refused_keys_total{reason="server_key_in_page"} 1
waymark_edge_refused_keys_total{reason="unknown"} 1
`
	if err := testutil.GatherAndCompare(gathererOf(t, h), strings.NewReader(want), "waymark_edge_refused_keys_total"); err != nil {
		t.Error(err)
	}
}
