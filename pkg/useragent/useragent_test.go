package useragent

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func newParser(t testing.TB) *Parser {
	t.Helper()
	p, err := New(Config{CacheEntries: 10_000}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	webkit    = " AppleWebKit/537.36 (KHTML, like Gecko) "
	windows   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit
	mac       = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" + webkit
	linux     = "Mozilla/5.0 (X11; Linux x86_64)" + webkit
	androidK  = "Mozilla/5.0 (Linux; Android 10; K)" + webkit
	chrome141 = "Chrome/141.0.0.0 Safari/537.36"
	mobile141 = "Chrome/141.0.0.0 Mobile Safari/537.36"
	brands141 = `"Not?A_Brand";v="8", "Chromium";v="141", "Google Chrome";v="141"`
)

func TestParse(t *testing.T) {
	p := newParser(t)
	for name, c := range map[string]struct {
		ua    string
		hints Hints
		want  Environment
	}{
		"nothing": {},
		"before user agents were frozen": {
			windows + "Chrome/72.0.3626.121 Safari/537.36", Hints{},
			Environment{Browser: "Chrome", BrowserVersion: "72.0.3626.121", OS: "Windows", OSVersion: "10", DeviceType: Desktop},
		},
		"Windows 10 or 11": {
			windows + chrome141, Hints{},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.0.0", OS: "Windows", OSVersion: "10 or later", DeviceType: Desktop},
		},
		"Windows 11 by hint": {
			windows + chrome141, Hints{UA: brands141, Mobile: "?0", Platform: `"Windows"`, PlatformVersion: `"15.0.0"`},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.0.0", OS: "Windows", OSVersion: "11", DeviceType: Desktop},
		},
		"Windows 10 by hint, full version": {
			windows + chrome141,
			Hints{UA: brands141, FullVersionList: `"Google Chrome";v="141.0.7390.55", "Not?A_Brand";v="8.0.0.0", "Chromium";v="141.0.7390.55"`, Platform: `"Windows"`, PlatformVersion: `"10.0.0"`},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.7390.55", OS: "Windows", OSVersion: "10", DeviceType: Desktop},
		},
		"Windows 8.1 by hint": {
			windows + chrome141, Hints{Platform: `"Windows"`, PlatformVersion: `"0.3.0"`},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.0.0", OS: "Windows", OSVersion: "8.1", DeviceType: Desktop},
		},
		"the deprecated full version, when it is the brand's": {
			windows + chrome141, Hints{UA: brands141, FullVersion: `"141.0.7390.55"`},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.7390.55", OS: "Windows", OSVersion: "10 or later", DeviceType: Desktop},
		},
		"the deprecated full version, when it is Chromium's": {
			windows + chrome141 + " OPR/124.0.0.0", Hints{UA: `"Opera";v="124", "Chromium";v="140"`, FullVersion: `"140.0.7339.41"`},
			Environment{Browser: "Opera", BrowserVersion: "124.0.0.0", OS: "Windows", OSVersion: "10 or later", DeviceType: Desktop},
		},
		"a browser that only its brand names": {
			mac + chrome141, Hints{UA: `"(Not(A:Brand";v="8", "Chromium";v="141", "Brave";v="141"`, Platform: `"macOS"`, PlatformVersion: `"15.6.1"`},
			Environment{Browser: "Brave", BrowserVersion: "141", OS: "Mac OS X", OSVersion: "15.6.1", DeviceType: Desktop, DeviceBrand: "Apple", DeviceModel: "Mac"},
		},
		"a hint of another browser is not believed": {
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", Hints{UA: brands141, FullVersionList: `"Google Chrome";v="141.0.7390.55"`},
			Environment{Browser: "Firefox", BrowserVersion: "143.0", OS: "Windows", OSVersion: "10 or later", DeviceType: Desktop},
		},
		"Edge": {
			windows + chrome141 + " Edg/141.0.0.0", Hints{UA: `"Microsoft Edge";v="141", "Chromium";v="141"`, FullVersionList: `"Microsoft Edge";v="141.0.3537.57", "Chromium";v="141.0.7390.55"`},
			Environment{Browser: "Edge", BrowserVersion: "141.0.3537.57", OS: "Windows", OSVersion: "10 or later", DeviceType: Desktop},
		},
		"macOS": {
			mac + chrome141, Hints{},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.0.0", OS: "Mac OS X", OSVersion: "10.15 or later", DeviceType: Desktop, DeviceBrand: "Apple", DeviceModel: "Mac"},
		},
		"an older macOS": {
			"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6)" + webkit + "Chrome/80.0.3987.122 Safari/537.36", Hints{},
			Environment{Browser: "Chrome", BrowserVersion: "80.0.3987.122", OS: "Mac OS X", OSVersion: "10.14.6", DeviceType: Desktop, DeviceBrand: "Apple", DeviceModel: "Mac"},
		},
		"Linux": {
			linux + chrome141, Hints{Platform: `"Linux"`, PlatformVersion: `"6.14.0"`},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.0.0", OS: "Linux", OSVersion: "6.14", DeviceType: Desktop},
		},
		"a distribution is more than the hint says": {
			"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", Hints{Platform: `"Linux"`},
			Environment{Browser: "Firefox", BrowserVersion: "143.0", OS: "Ubuntu", DeviceType: Desktop},
		},
		"Chrome OS": {
			"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + webkit + chrome141, Hints{Platform: `"Chrome OS"`, PlatformVersion: `"16002.44.0"`},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.0.0", OS: "Chrome OS", OSVersion: "16002.44", DeviceType: Desktop},
		},
		"a reduced Android phone": {
			androidK + mobile141, Hints{},
			Environment{Browser: "Chrome Mobile", BrowserVersion: "141.0.0.0", OS: "Android", OSVersion: "10 or later", DeviceType: Mobile},
		},
		"its hints": {
			androidK + mobile141, Hints{UA: brands141, Mobile: "?1", Model: `"Pixel 8"`, Platform: `"Android"`, PlatformVersion: `"15.0.0"`},
			Environment{Browser: "Chrome Mobile", BrowserVersion: "141.0.0.0", OS: "Android", OSVersion: "15", DeviceType: Mobile, DeviceBrand: "Google", DeviceModel: "Pixel 8"},
		},
		"a model whose maker uap-core does not know": {
			androidK + mobile141, Hints{Mobile: "?1", Model: `"FP5"`, Platform: `"Android"`},
			Environment{Browser: "Chrome Mobile", BrowserVersion: "141.0.0.0", OS: "Android", OSVersion: "10 or later", DeviceType: Mobile, DeviceBrand: "Fairphone", DeviceModel: "FP5"},
		},
		"a reduced Android tablet": {
			androidK + chrome141, Hints{Mobile: "?0"},
			Environment{Browser: "Chrome", BrowserVersion: "141.0.0.0", OS: "Android", OSVersion: "10 or later", DeviceType: Tablet},
		},
		"an Android that says it all": {
			"Mozilla/5.0 (Linux; Android 12; SM-G991B)" + webkit + "Chrome/99.0.4844.73 Mobile Safari/537.36", Hints{},
			Environment{Browser: "Chrome Mobile", BrowserVersion: "99.0.4844.73", OS: "Android", OSVersion: "12", DeviceType: Mobile, DeviceBrand: "Samsung", DeviceModel: "SM-G991B"},
		},
		"an app's web view": {
			"Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A; wv)" + webkit + "Version/4.0 Chrome/141.0.7390.55 Mobile Safari/537.36", Hints{RequestedWith: "org.telegram.messenger"},
			Environment{Browser: "Telegram", OS: "Android", OSVersion: "14", DeviceType: Mobile, DeviceBrand: "Google", DeviceModel: "Pixel 8"},
		},
		"an XMLHttpRequest is no app": {
			androidK + mobile141, Hints{RequestedWith: "XMLHttpRequest"},
			Environment{Browser: "Chrome Mobile", BrowserVersion: "141.0.0.0", OS: "Android", OSVersion: "10 or later", DeviceType: Mobile},
		},
		"iPhone": {
			"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", Hints{},
			Environment{Browser: "Mobile Safari", BrowserVersion: "18.6", OS: "iOS", OSVersion: "18.6", DeviceType: Mobile, DeviceBrand: "Apple", DeviceModel: "iPhone"},
		},
		"iPad": {
			"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1", Hints{},
			Environment{Browser: "Mobile Safari", BrowserVersion: "18.5", OS: "iOS", OSVersion: "18.5", DeviceType: Tablet, DeviceBrand: "Apple", DeviceModel: "iPad"},
		},
		"a web view on an iPad that says it is a Mac": {
			"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_4) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", Hints{},
			Environment{Browser: "Mobile Safari UI/WKWebView", OS: "iOS", OSVersion: "13 or later", DeviceType: Tablet, DeviceBrand: "Apple", DeviceModel: "iPad"},
		},
		"bot": {
			"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Hints{},
			Environment{Browser: "Googlebot", BrowserVersion: "2.1", DeviceType: Bot, IsBot: true, BotName: "Googlebot"},
		},
		"a bot that looks like a phone": {
			androidK + mobile141 + " (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Hints{},
			Environment{Browser: "Googlebot", BrowserVersion: "2.1", OS: "Android", OSVersion: "10 or later", DeviceType: Bot, IsBot: true, BotName: "Googlebot"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, p.Parse(c.ua, c.hints)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.want, p.Parse(c.ua, c.hints)); diff != "" {
				t.Errorf("from the cache:\n%s", diff)
			}
		})
	}
}

func TestDeviceType(t *testing.T) {
	p := newParser(t)
	for ua, want := range map[string]string{
		"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.5) AppleWebKit/537.36 (KHTML, like Gecko) Version/6.5 TV Safari/537.36":                                           TV,
		"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 WebAppManager":                             TV,
		"Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR3) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36":                                    TV,
		"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15":                                    Console,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.4430.212 Safari/537.36 Edge/44.18363.8131": Console,
		"Mozilla/5.0 (X11; Linux x86_64; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/30.0.0 Chrome/118.0.0.0 VR Safari/537.36":                 Wearable,
		"Mozilla/5.0 (X11; GNU/Linux) AppleWebKit/537.36 (KHTML, like Gecko) Chromium/79.0.3945.130 Chrome/79.0.3945.130 Safari/537.36 Tesla/2020.16.2.1":        Car,
		"Mozilla/5.0 (Linux; Android 12; SM-X906B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.73 Safari/537.36":                                     Tablet,
		"Mozilla/5.0 (Android 13; Mobile; rv:109.0) Gecko/113.0 Firefox/113.0":                                                                                   Mobile,
		"Mozilla/5.0 (Android 13; Tablet; rv:109.0) Gecko/113.0 Firefox/113.0":                                                                                   Tablet,
		"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; Tablet PC 2.0; rv:11.0) like Gecko":                                                                    Desktop,
		"Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3638; U; en) Presto/2.8.119 Version/11.10":                                                               Mobile,
		"Mozilla/5.0 (X11; FreeBSD amd64; rv:109.0) Gecko/20100101 Firefox/117.0":                                                                                Desktop,
		"Mozilla/5.0 (iPod touch; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.0 Mobile/15E148 Safari/604.1":            Mobile,
		"Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5":                                                                         Mobile,
		"Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/94.3.7 like Chrome/94.0.4606.81 Safari/537.36":                       Tablet,
		"Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; Galaxy S II Build/GRJ22) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30":          Mobile,
		"Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch; NOKIA; Lumia 920)":                                       Mobile,
		"Mozilla/5.0 (AppleTV; U; CPU OS 5_3 like Mac OS X; en-us) AppleWebKit/533.17.9 (KHTML, like Gecko)":                                                     TV,
		"Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/601.6 (KHTML, like Gecko) NF/4.0.0.5.9 NintendoBrowser/5.1.0.13341":                        Console,
		"something/1.0 that nobody knows": "",
	} {
		if got := p.ParseUncached(ua, Hints{}); got.DeviceType != want {
			t.Errorf("%q, want %q: %s", got.DeviceType, want, ua)
		}
	}
	for factors, want := range map[string]string{`"Tablet"`: Tablet, `"Mobile", "EInk"`: Mobile, `"Desktop"`: Desktop, `"Automotive"`: Car, `"Watch"`: Wearable, `"XR"`: Wearable, `"Toaster"`: Mobile} {
		if got := p.ParseUncached(androidK+mobile141, Hints{FormFactors: factors}); got.DeviceType != want {
			t.Errorf("form factors %s: %q, want %q", factors, got.DeviceType, want)
		}
	}
}

func TestListedCrawlersAreFlaggedAndNamed(t *testing.T) {
	p := newParser(t)
	list := lines(string(unzipped(t, "crawlers.txt.gz")))
	missed := 0
	for _, ua := range list {
		switch e := p.ParseUncached(ua, Hints{}); {
		case !e.IsBot:
			missed++
		case e.BotName == "":
			t.Errorf("no name: %s", ua)
		}
	}
	if share := 1 - float64(missed)/float64(len(list)); share < 0.99 {
		t.Errorf("%.2f %% of %d flagged, want 99", share*100, len(list))
	}
}

func TestRealBrowsersAreDescribedAndNotFlagged(t *testing.T) {
	p := newParser(t)
	for _, file := range samples {
		for _, b := range weightedBrowsers(t, file) {
			e := p.ParseUncached(b.ua, Hints{})
			if e.IsBot {
				t.Errorf("flagged as %q: %s", e.BotName, b.ua)
			}
			if strings.Contains(b.ua, "Gecko") && (e.Browser == "" || e.OS == "" || e.DeviceType == "") {
				t.Errorf("%+v of %s", e, b.ua)
			}
		}
	}
}

func TestBotNames(t *testing.T) {
	p := newParser(t)
	for ua, want := range map[string]string{
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)": "bingbot",
		"facebookexternalhit/1.1":                 "facebookexternalhit",
		"Mozilla/5.0 (compatible; AhrefsBot/7.0)": "AhrefsBot",
		"curl/8.5.0": "curl",
		"HomegrownBot/1.0 (+https://example.test)":                         "HomegrownBot",
		windows + "HeadlessChrome/141.0.0.0":                               "HeadlessChrome",
		"Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)": "GPTBot",
	} {
		if got := p.ParseUncached(ua, Hints{}); !got.IsBot || got.BotName != want {
			t.Errorf("%q (bot: %t), want %q: %s", got.BotName, got.IsBot, want, ua)
		}
	}
}

func TestWhatLiesBeyondMaxLengthIsNotLookedAt(t *testing.T) {
	p := newParser(t)
	long := windows + chrome141 + strings.Repeat("x", MaxLength)
	if e := p.ParseUncached(long+"Googlebot/2.1", Hints{}); e.IsBot {
		t.Errorf("it was: %+v", e)
	}
	p.Parse(long+"1", Hints{})
	p.Parse(long+"2", Hints{})
	if got := testutil.ToFloat64(p.cache.hits); got != 1 {
		t.Errorf("%v cache hits, want 1", got)
	}
}

func TestCacheKeyTellsEachHintFromTheOthers(t *testing.T) {
	p := newParser(t)
	seen := map[digest]int{}
	for i, h := range []Hints{
		{}, {UA: "x"}, {FullVersionList: "x"}, {FullVersion: "x"}, {Mobile: "x"}, {Model: "x"}, {Platform: "x"}, {PlatformVersion: "x"}, {FormFactors: "x"}, {RequestedWith: "x"},
		{UA: "x", Model: "y"}, {UA: "y", Model: "x"},
	} {
		key := p.cache.key("ua", h)
		if other, ok := seen[key]; ok {
			t.Errorf("hints %d and %d have the same key", i, other)
		}
		seen[key] = i
	}
}

// Half of the requests are a hundred browsers, the other half random user agents: the former must stay cached.
func TestRandomUserAgentsDoNotFloodTheCache(t *testing.T) {
	p, err := New(Config{CacheEntries: 1_000}, nil)
	if err != nil {
		t.Fatal(err)
	}
	list := realBrowsers(t)[:100]
	for i := range 20_000 {
		p.Parse(list[i%len(list)].ua, Hints{})
		p.Parse("random "+strconv.Itoa(i), Hints{})
	}
	if hits := testutil.ToFloat64(p.cache.hits); hits < 19_000 {
		t.Errorf("%v of 20000 requests of frequent browsers were hits", hits)
	}
	p.cache.answers.CleanUp()
	if size := p.cache.answers.EstimatedSize(); size > 1_000 {
		t.Errorf("%d entries, want at most 1000", size)
	}
}

func TestNewCountsInOneRegistryAndRefusesNonsense(t *testing.T) {
	reg := prometheus.NewRegistry()
	for range 2 {
		p, err := New(Config{}, reg)
		if err != nil {
			t.Fatal(err)
		}
		p.Parse("curl/8.5.0", Hints{})
		p.Parse("curl/8.5.0", Hints{})
	}
	want := `# HELP waymark_enricher_useragent_cache_hits_total User agents answered from the cache.
# TYPE waymark_enricher_useragent_cache_hits_total counter
waymark_enricher_useragent_cache_hits_total 2
# HELP waymark_enricher_useragent_cache_misses_total User agents worked out.
# TYPE waymark_enricher_useragent_cache_misses_total counter
waymark_enricher_useragent_cache_misses_total 2
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	for _, entries := range []int{-1, 10_000_001} {
		if _, err := New(Config{CacheEntries: entries}, nil); err == nil {
			t.Errorf("%d entries: no error", entries)
		}
	}
}

func TestParseIsSafeForConcurrentUse(t *testing.T) {
	p := newParser(t)
	list := realBrowsers(t)[:50]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, b := range list {
				if got := p.Parse(b.ua, Hints{}); got.Browser == "" {
					t.Errorf("no browser: %s", b.ua)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzParse(f *testing.F) {
	f.Add(windows+chrome141, brands141, "?0", "", `"Windows"`, `"15.0.0"`, "")
	f.Add(androidK+mobile141, `"Not;A=Brand";v="99", "a\"b\\";v="1"`, "?1", `"Pixel 8"`, `"Android"`, "", "com.whatsapp")
	f.Add("Mozilla/5.0 (Linux; Android 7.0; M bot 60 Build/NRD90M; wv) Chrome/67.0", `"HeadlessChrome";v="131"`, "?1", `"x; wv"`, "", "", "")
	f.Add("Mozilla/5.0 (Macintosh; ) Mobile/ Version/26.", `"Opera";v="91"`, "", "", "", "", "")
	f.Add("\xff\xfe Chrome/1.", `"`, "?", "\xff", "", "..", "")
	p, err := New(Config{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ua, brands, mobile, model, platform, version, app string) {
		h := Hints{UA: brands, FullVersionList: brands, FullVersion: version, Mobile: mobile, Model: model, Platform: platform, PlatformVersion: version, FormFactors: platform, RequestedWith: app}
		e := p.ParseUncached(ua, h)
		for _, s := range []string{e.Browser, e.BrowserVersion, e.OS, e.OSVersion, e.DeviceType, e.DeviceBrand, e.DeviceModel, e.BotName} {
			if !utf8.ValidString(s) || len(s) > 4*MaxLength {
				t.Errorf("%q", s)
			}
		}
		if e.IsBot != (e.DeviceType == Bot) || e.IsBot != (e.BotName != "") || strings.Contains(e.DeviceModel, ";") {
			t.Errorf("%+v", e)
		}
	})
}

// BenchmarkMiss is limited by the expressions that pass the filter, some twenty a user agent.
func BenchmarkMiss(b *testing.B) {
	p := newParser(b)
	list := realBrowsers(b)
	took := make([]time.Duration, 0, len(list))
	for _, u := range list { // compiles what is needed
		p.ParseUncached(u.ua, Hints{})
	}
	for _, u := range list {
		start := time.Now()
		p.ParseUncached(u.ua, Hints{})
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p.ParseUncached(list[i%len(list)].ua, Hints{})
		i++
	}
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "µs-median")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "µs-p99")
}

// BenchmarkHit is limited by digesting user agent and hints twice.
func BenchmarkHit(b *testing.B) {
	p := newParser(b)
	list := realBrowsers(b)
	for name, h := range map[string]Hints{"plain": {}, "hinted": {UA: brands141, Mobile: "?0", Platform: `"Windows"`}} {
		b.Run(name, func(b *testing.B) {
			for _, u := range list {
				p.Parse(u.ua, h)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				p.Parse(list[i%len(list)].ua, h)
				i++
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readRules(); err != nil {
			b.Fatal(err)
		}
	}
}
