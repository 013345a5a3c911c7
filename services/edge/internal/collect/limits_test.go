package collect

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

func gathererOf(t *testing.T, h *Handler) prometheus.Gatherer {
	t.Helper()
	g, ok := h.intake.Registry.(prometheus.Gatherer)
	if !ok {
		t.Fatal("the registry cannot be read")
	}
	return g
}

// limited has two accounts of region us. The first has what members say, and its key wk_us_key what key says.
func limited(members, key string) string {
	return fmt.Sprintf(`accounts:
- {id: a-us, region: us, %s keys: [{sha256: %s, scope: any, %s}, {sha256: %s, scope: any}]}
- {id: b-us, region: us, keys: [{sha256: %s, scope: any}]}
`, members, account.HashKey("wk_us_key"), key, account.HashKey("wk_us_other"), account.HashKey("wk_of_b"))
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

// Each limit refuses whom it is for, says so in every way that clients read, and leaves others alone.
func TestEachLimitIsItsOwners(t *testing.T) {
	two := "[" + good("a") + "," + good("b") + "]"
	for name, c := range map[string]struct {
		members, key string
		limits       intake.Limits
		passes       int // requests of two events, then one is refused
		code, policy string
		other        func(*http.Request) // who passes all the same
		next         func(*http.Request) // who is refused too
	}{
		"client_requests": {"", "", intake.Limits{ClientRequests: 2}, 4, "rate_limited", `"client_requests";q=2;qu="requests";w=1`, from("198.51.100.2:1"), with("X-Write-Key", "wk_of_b")},
		"client_requests of IPv6": {"", "", intake.Limits{ClientRequests: 1}, 2, "rate_limited", `"client_requests";q=1;qu="requests";w=1`,
			from("[2001:db8:0:2::1]:1"), from("[2001:db8:0:1:ffff::9]:1")},
		"client_events": {"", "", intake.Limits{ClientEvents: 3}, 3, "rate_limited", `"client_events";q=3;qu="events";w=1`, from("198.51.100.2:1"), with("X-Write-Key", "wk_of_b")},
		"key_rate":      {"", "rate: 2", intake.Limits{}, 2, "rate_limited", `"key_rate";q=2;qu="events";w=1`, with("X-Write-Key", "wk_us_other"), from("198.51.100.2:1")},
		"account_rate":  {"rate: 2,", "", intake.Limits{AccountRate: 1000}, 2, "rate_limited", `"account_rate";q=2;qu="events";w=1`, with("X-Write-Key", "wk_of_b"), with("X-Write-Key", "wk_us_other")},
		"account_rate of the edge": {"", "", intake.Limits{AccountRate: 1}, 1, "rate_limited", `"account_rate";q=1;qu="events";w=1`,
			with("X-Write-Key", "wk_of_b"), with("X-Write-Key", "wk_us_other")},
		"key_quota":     {"", "monthly_quota: 3", intake.Limits{}, 2, "quota_exceeded", `"key_quota";q=3;qu="events";w=2678400`, with("X-Write-Key", "wk_us_other"), from("198.51.100.2:1")},
		"account_quota": {"monthly_quota: 4,", "", intake.Limits{}, 2, "quota_exceeded", `"account_quota";q=4;qu="events";w=2678400`, with("X-Write-Key", "wk_of_b"), with("X-Write-Key", "wk_us_other")},
	} {
		t.Run(name, func(t *testing.T) {
			limits := testLimits
			c.limits.EventBytes, c.limits.Depth = limits.EventBytes, limits.Depth
			limits.Limits = c.limits
			h, s := newHandlerFor(t, limited(c.members, c.key), limits)
			h.origins = []string{"*"}
			here := from("203.0.113.7:99")
			if name == "client_requests of IPv6" {
				here = from("[2001:db8:0:1::1]:1")
			}
			page := with("Origin", "https://shop.example")
			for n := range c.passes {
				if w, _ := post(t, h, two, here, page); w.Code != 200 {
					t.Fatalf("request %d: %d %s", n+1, w.Code, w.Body)
				}
			}
			for _, who := range []func(*http.Request){here, c.next} {
				w, got := post(t, h, two, here, page, who)
				header := w.Header()
				wait, err := strconv.Atoi(header.Get("Retry-After"))
				if w.Code != 429 || got.Error.Code != c.code || err != nil || wait < 1 || wait > 300 || header.Get("RateLimit-Policy") != c.policy {
					t.Errorf("%d %s %v", w.Code, w.Body, header)
				}
				if !regexp.MustCompile(`^"[a-z_]+";r=0;t=[1-9][0-9]*$`).MatchString(header.Get("RateLimit")) {
					t.Errorf("RateLimit: %s", header.Get("RateLimit"))
				}
				reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
				if until := time.Until(time.UnixMilli(reset)); err != nil || until <= 0 || until > time.Duration(wait)*time.Second {
					t.Errorf("X-RateLimit-Reset is in %s, Retry-After %d", until, wait)
				}
				if header.Get("Access-Control-Allow-Origin") == "" || header.Get("Access-Control-Expose-Headers") != "Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Reset, X-Waymark-Result" {
					t.Errorf("a page cannot read why: %v", header)
				}
			}
			if w, _ := post(t, h, two, here, page, c.other); w.Code != 200 {
				t.Errorf("another: %d %s", w.Code, w.Body)
			}
			if len(s.stored) != 2*c.passes+2 {
				t.Errorf("%d stored", len(s.stored))
			}
		})
	}
}

// What one limit refuses must not use the others up: a client that comes again would never get through.
func TestARefusalTakesNothingOfOtherLimits(t *testing.T) {
	limits := testLimits
	limits.ClientEvents = 4
	h, _ := newHandlerFor(t, limited("rate: 1,", ""), limits)
	two := "[" + good("a") + "," + good("b") + "]"
	post(t, h, two)
	for range 10 {
		if w, _ := post(t, h, two); w.Code != 429 || w.Header().Get("RateLimit-Policy")[:15] != `"account_rate";` {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
	}
	if w, _ := post(t, h, two, with("X-Write-Key", "wk_of_b")); w.Code != 200 {
		t.Errorf("the address's own limit was used up: %d %s", w.Code, w.Body)
	}
}

// Where the address is a proxy's that names nobody, its limit would be everybody's.
func TestAProxyThatNamesNobodyIsNotLimited(t *testing.T) {
	limits := testLimits
	limits.ClientRequests, limits.ClientEvents = 1, 1
	h, _ := newHandler(t, limits)
	for n := range 20 {
		if w, _ := post(t, h, good("a"), from("10.0.0.1:1")); w.Code != 200 {
			t.Fatalf("request %d: %d %s", n+1, w.Code, w.Body)
		}
	}
	// Nor does a client escape by what it writes into the header itself: the proxy's own entry counts.
	codes := make(map[int]int)
	for n := range 20 {
		w, _ := post(t, h, good("a"), from("10.0.0.1:1"), with("X-Forwarded-For", fmt.Sprintf("192.0.2.%d, 203.0.113.7", n)))
		codes[w.Code]++
	}
	if codes[200] > 3 {
		t.Errorf("a client that makes addresses up: %v", codes)
	}
}

// Only what was stored counts against a quota.
func TestWhatIsNotStoredCountsAgainstNoQuota(t *testing.T) {
	h, s := newHandlerFor(t, limited("monthly_quota: 2, drop: [{event: noise}],", ""), testLimits)
	s.err = fmt.Errorf("no leader")
	for range 3 {
		if w, _ := post(t, h, good("a")); w.Code != 503 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	s.err = nil
	for _, body := range []string{`{}`, `{"time":1,"type":"noise","data":{"type":"wt"}}`, `{}`, "[" + good("a") + "," + good("a") + "]"} {
		if w, _ := post(t, h, body); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if w, _ := post(t, h, good("b")); w.Code != 200 {
		t.Errorf("one was stored, and the second is refused: %d %s", w.Code, w.Body)
	}
	if w, _ := post(t, h, good("c")); w.Code != 429 {
		t.Errorf("two were stored, and the third is not refused: %d %s", w.Code, w.Body)
	}
}

func TestWhatAnAccountDoesNotWantIsAnsweredAndNotStored(t *testing.T) {
	h, s := newHandlerFor(t, limited("visitor_rate: 3, drop: [{event: step, item_type: walkthru}, {name: Noise}],", ""), testLimits)
	event := func(visitor, what, name string) string {
		return fmt.Sprintf(`{"time":1,"type":%q,"data":{"type":"wt","oName":%q},"user":{"guid":%q}}`, what, name, visitor)
	}
	w, got := post(t, h, "["+event("v1", "step", "x")+","+event("v1", "play", "Noise")+","+event("v1", "play", "x")+"]")
	if w.Code != 200 || got.Accepted != 1 || got.Rejected != 0 || got.Results[0].Code != "drop_list" || got.Results[1].Code != "drop_list" ||
		got.Results[0].Status != intake.Dropped || got.Results[0].ID != "" || len(s.stored) != 1 {
		t.Fatalf("%d %s, %d stored", w.Code, w.Body, len(s.stored))
	}
	// Two more of v1 are its three; what was dropped by the list did not count.
	for range 4 {
		w, got = post(t, h, "["+event("v1", "play", "x")+","+event("v2", "play", "x")+"]")
	}
	if w.Code != 200 || got.Results[0].Status != intake.Dropped || got.Results[0].Code != "visitor_rate" || len(s.stored) != 1+2+3 {
		t.Errorf("%d %s, %d stored", w.Code, w.Body, len(s.stored))
	}
	// Visitors without a name are not one.
	for range 5 {
		if _, got := post(t, h, good("")); got.Accepted != 1 {
			t.Errorf("%+v", got)
		}
	}
	if n := counted(t, h, "waymark_edge_events_total", "visitor_rate"); n != 3 {
		t.Errorf("%v counted", n)
	}
}

// counted is a counter's value with a label of that value.
func counted(t *testing.T, h *Handler, name, label string) (n float64) {
	t.Helper()
	families, err := gathererOf(t, h).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetValue() == label {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}
