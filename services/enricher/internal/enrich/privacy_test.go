package enrich

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/privacy"
)

func TestProtect(t *testing.T) {
	page := event.Page{URL: "https://user:secret@Shop.example:8443/a/b?token=t#c", Title: "Log in", Referrer: "https://u@search.example/?q=x"}
	stored := event.Enriched{
		Url: "https://Shop.example:8443/a/b?token=t#c", UrlHost: "shop.example", UrlPath: "/a/b", Referrer: "https://search.example/?q=x",
		ReferrerHost: "search.example", TrafficSource: "referral",
	}
	for name, c := range map[string]struct {
		ip     string
		policy account.Policy
		want   *event.Enriched
	}{
		"strictest":         {"203.0.113.77", account.Policy{}, &event.Enriched{}},
		"title only":        {"203.0.113.77", account.Policy{Level: account.Page, IP: account.MaskIP, CollectTitle: true}, &event.Enriched{IpMasked: "203.0.113.0", PageTitle: "Log in"}},
		"path only":         {"203.0.113.77", account.Policy{Level: account.Page, CollectPath: true}, &event.Enriched{UrlHost: stored.UrlHost, UrlPath: stored.UrlPath, Flags: []string{"redacted:page.url"}}},
		"URL only":          {"203.0.113.77", account.Policy{Level: account.Page, IP: account.MaskIP, CollectURL: true, Scrubbing: account.Scrubbing{KeepQuery: []string{"*"}}}, &event.Enriched{IpMasked: "203.0.113.0", Url: stored.Url, UrlHost: stored.UrlHost, UrlPath: stored.UrlPath, Referrer: stored.Referrer, ReferrerHost: stored.ReferrerHost, TrafficSource: stored.TrafficSource, Flags: []string{"redacted:page.url", "redacted:page.referrer"}}},
		"IPv6":              {"2001:db8:1:2:3:4:5:6", account.Policy{IP: account.MaskIP}, &event.Enriched{IpMasked: "2001:db8:1::"}},
		"IPv4 in IPv6":      {"::ffff:203.0.113.77", account.Policy{IP: account.MaskIP}, &event.Enriched{IpMasked: "203.0.113.0"}},
		"IPv6 with a zone":  {"fe80::1:2:3%eth0", account.Policy{IP: account.MaskIP}, &event.Enriched{IpMasked: "fe80::"}},
		"address not known": {"", account.Policy{}, &event.Enriched{}},
	} {
		t.Run(name, func(t *testing.T) {
			ip, _ := netip.ParseAddr(c.ip)
			got := &event.Enriched{}
			protect(ip, page, c.policy, got)
			if diff := cmp.Diff(c.want, got, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// protect is what two stages make of a page.
func protect(ip netip.Addr, page event.Page, policy account.Policy, out *event.Enriched) {
	arrive(privacy.AddressStored(&policy, ip), &event.Sent{Page: page}, out)
	policy.RetentionDays = account.Forever
	privacy.Apply(&policy, out)
	cutURLs(out)
}

func FuzzProtect(f *testing.F) {
	f.Add([]byte{203, 0, 113, 77}, "https://a.example/x", "Log in", false, false)
	f.Add(netip.MustParseAddr("2001:db8:1:2:3:4:5:6").AsSlice(), "", "", true, true)
	f.Fuzz(func(t *testing.T, address []byte, pageURL, title string, collectURL, collectTitle bool) {
		ip, known := netip.AddrFromSlice(address)
		var out event.Enriched
		protect(ip, event.Page{URL: pageURL, Title: title, Referrer: pageURL}, account.Policy{Level: account.Page, IP: account.MaskIP, CollectURL: collectURL, CollectTitle: collectTitle}, &out)
		if !collectURL && out.Url+out.UrlHost+out.UrlPath+out.Referrer != "" || !collectTitle && out.PageTitle != "" {
			t.Errorf("stored against the policy: %v", &out)
		}
		if !known {
			if out.IpMasked != "" {
				t.Errorf("an address from nowhere: %s", out.IpMasked)
			}
			return
		}
		masked, err := netip.ParseAddr(out.IpMasked)
		if err != nil {
			t.Fatal(err)
		}
		kept := 48
		switch {
		case masked.Is4():
			kept = 24
		case netip.MustParsePrefix("2002::/16").Contains(masked):
			kept = 16 + 24
		}
		if prefix, err := ip.Unmap().WithZone("").Prefix(kept); err != nil || prefix.Addr() != masked {
			t.Errorf("%s is stored as %s, more or less than its first %d bits", ip, masked, kept)
		}
	})
}

func TestSplitURL(t *testing.T) {
	for sent, want := range map[string]pageURL{
		"":                                     {},
		"https://a.example":                    {text: "https://a.example", host: "a.example", path: ""},
		"https://a.example?q":                  {text: "https://a.example?q", host: "a.example", path: ""},
		"https://a.example/x%2Fy/?q=/z#f":      {text: "https://a.example/x%2Fy/?q=/z#f", host: "a.example", path: "/x%2Fy/"},
		"http://LocalHost:3000/#/route":        {text: "http://LocalHost:3000/#/route", host: "localhost", path: "/"},
		"https://[2001:db8::1]:8443/p":         {text: "https://[2001:db8::1]:8443/p", host: "2001:db8::1", path: "/p"},
		"https://u:p@a.example/p":              {"https://a.example/p", "a.example", "/p", true},
		"https://u:p@x@a.example/p@q":          {"https://a.example/p@q", "a.example", "/p@q", true},
		"https://a.example/100%":               {text: "https://a.example/100%", host: "a.example", path: "/100%"},
		"https://a.example/a b\\c":             {text: "https://a.example/a b\\c", host: "a.example", path: "/a b\\c"},
		"https://münchen.example/straße":       {text: "https://münchen.example/straße", host: "münchen.example", path: "/straße"},
		"chrome-extension://abcdef/popup.html": {text: "chrome-extension://abcdef/popup.html", host: "abcdef", path: "/popup.html"},
		"file:///home/jane/a.html":             {text: "file:///home/jane/a.html", host: "", path: "/home/jane/a.html"},
		"/relative/path?x":                     {text: "/relative/path?x", host: "", path: "/relative/path"},
		" https://a.example/p \x00":            {text: "https://a.example/p", host: "a.example", path: "/p"},
		"about:blank":                          {text: "about:blank", host: "", path: ""},
		"://nothing":                           {text: "://nothing", host: "", path: ""},
		"https://":                             {text: "https://", host: "", path: ""},
	} {
		if got := splitURL(sent); got != want {
			t.Errorf("%q: %+v, want %+v", sent, got, want)
		}
	}
}

// Where net/url understands a web address, splitURL says the same; but for spaces around it, which browsers take no note of.
func FuzzSplitURL(f *testing.F) {
	for _, seed := range []string{"https://u:p@A.example:1/p?q#f", "http://[::1]:80/", "//a/b", "https://a.example/\x00", "http://@", "a+b://c", "https://a.example/p "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		got := splitURL(sent)
		if len(got.text) > len(sent) {
			t.Errorf("%q grew to %q", sent, got.text)
		}
		u, err := url.Parse(strings.Trim(sent, " "))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(sent, "\\") {
			return
		}
		if strings.ContainsAny(u.Host, "%[]") {
			return // net/url decodes escapes in host names; we leave them
		}
		if got.host != strings.ToLower(u.Hostname()) || got.path != rawPath(u) {
			t.Errorf("%q: host %q path %q, want %q %q", sent, got.host, got.path, strings.ToLower(u.Hostname()), rawPath(u))
		}
		if password, ok := u.User.Password(); ok && len(password) > 3 && !strings.Contains(u.Host+u.Path+u.RawPath+u.RawQuery+u.Fragment+u.RawFragment+u.Scheme, password) && strings.Contains(got.text, password) {
			t.Errorf("%q: the password stands in %q", sent, got.text)
		}
	})
}

func rawPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.Path
}

func BenchmarkProtect(b *testing.B) {
	ip := netip.MustParseAddr("203.0.113.77")
	page := event.Page{URL: "https://shop.example/account/login?utm_source=news", Title: "Log in", Referrer: "https://shop.example/"}
	policy := account.Policy{Level: account.Page, IP: account.MaskIP, CollectURL: true, CollectTitle: true}
	var out event.Enriched
	b.ReportAllocs()
	for b.Loop() {
		protect(ip, page, policy, &out)
	}
}
