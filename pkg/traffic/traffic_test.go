package traffic

import (
	"slices"
	"strings"
	"testing"
)

func TestWhereAVisitorCameFrom(t *testing.T) {
	const page = "https://app.shop.example/start"
	for _, c := range []struct {
		what, page, referrer, want string
	}{
		{"no referrer", page, "", Direct},
		{"a search engine", page, "www.google.com", Search},
		{"of a country", page, "www.google.co.uk", Search},
		{"of a country with one ending", page, "google.de", Search},
		{"a country's part of one", page, "de.search.yahoo.com", Search},
		{"Bing", page, "www.bing.com", Search},
		{"DuckDuckGo", page, "duckduckgo.com", Search},
		{"Baidu", page, "www.baidu.com", Search},
		{"Yandex", page, "yandex.ru", Search},
		{"another service of a search engine's", page, "docs.google.com", Referral},
		{"its mail", page, "mail.google.com", Mail},
		{"its assistant", page, "gemini.google.com", Referral},
		{"an assistant", page, "chatgpt.com", Referral},
		{"a social network", page, "www.facebook.com", Social},
		{"a subdomain of one", page, "l.facebook.com", Social},
		{"its shortener", page, "t.co", Social},
		{"LinkedIn", page, "www.linkedin.com", Social},
		{"what only ends like one", page, "notfacebook.com", Referral},
		{"a company's web mail", page, "webmail.acme.example", Mail},
		{"the site itself", page, "app.shop.example", Internal},
		{"the site it is a part of", page, "www.shop.example", Internal},
		{"a part of the site", "https://shop.example/", "help.shop.example", Internal},
		{"a search engine's app", page, "com.google.android.googlequicksearchbox", Search},
		{"a mail app", page, "com.google.android.gm", Mail},
		{"a social network's app", page, "com.linkedin.android", Social},
		{"another app", page, "com.slack", Referral},
		{"one parameter of five", page + "?utm_medium=push", "", Campaign},
		{"any other site", page, "blog.example", Referral},
		{"a campaign", page + "?utm_source=news&utm_medium=email", "mail.google.com", Campaign},
		{"a campaign without a referrer", page + "?a=1&utm_campaign=spring", "", Campaign},
		{"an advertisement", page + "?gclid=Cj0", "www.google.com", Campaign},
		{"a campaign in the fragment", page + "#/home?utm_source=x", "", Campaign},
		{"an empty parameter", page + "?utm_source=", "", Direct},
		{"a parameter that only looks like one", page + "?xutm_source=1&gclidx=2", "", Direct},
		{"an address", page, "192.0.2.7", Referral},
	} {
		host := strings.TrimPrefix(strings.Split(c.page, "/")[2], "www.")
		if got := Of(c.page, host, c.referrer).Source; got != c.want {
			t.Errorf("%s (%s): %s, want %s", c.what, c.referrer, got, c.want)
		}
	}
}

func TestACampaignsParametersAreDecodedAndCut(t *testing.T) {
	long := strings.Repeat("é", MaxUTM+1)
	v := Of("https://shop.example/?utm_source=news+letter&UTM_Medium=e%2Dmail&utm_campaign=%ZZ&utm_term="+long+"&utm_content=a&utm_content=b", "shop.example", "")
	want := UTM{Source: "news letter", Medium: "e-mail", Campaign: "%ZZ", Term: strings.Repeat("é", MaxUTM), Content: "a"}
	if v.UTM != want {
		t.Errorf("got %+v, want %+v", v.UTM, want)
	}
}

func TestTheListsAreWhole(t *testing.T) {
	if len(known.exact) < 500 || len(known.domains) < 50 || len(known.ends) < 10 || len(known.begins) < 10 {
		t.Errorf("%d hosts, %d networks, %d endings, %d begins", len(known.exact), len(known.domains), len(known.ends), len(known.begins))
	}
}

func FuzzOf(f *testing.F) {
	f.Add("https://a.example/?utm_source=%F0%9F%98%80#x", "a.example", "www.google.co.uk")
	f.Fuzz(func(t *testing.T, page, pageHost, referrerHost string) {
		v := Of(page, pageHost, referrerHost)
		if !slices.Contains(Sources, v.Source) {
			t.Errorf("source %q", v.Source)
		}
		for _, text := range []string{v.UTM.Source, v.UTM.Medium, v.UTM.Campaign, v.UTM.Term, v.UTM.Content} {
			if n := len([]rune(text)); n > MaxUTM {
				t.Errorf("%d characters", n)
			}
		}
	})
}

func BenchmarkOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Of("https://app.shop.example/start?plan=pro&ref=abc", "app.shop.example", "www.google.co.uk")
	}
}
