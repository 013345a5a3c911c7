package useragent

import "testing"

func TestFullVersionCountsOnlyForItsOwnBrand(t *testing.T) {
	const (
		opera  = windows + "Chrome/105.0.0.0 Safari/537.36 OPR/91.0.4516.16"
		opera0 = windows + "Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0"
	)
	p := newParser(t)
	for name, c := range map[string]struct {
		ua    string
		hints Hints
		want  string
	}{
		"Opera that gives Chromium's as its own": {
			opera, Hints{UA: `"Opera";v="91", "Not)A;Brand";v="8", "Chromium";v="105"`, FullVersionList: `"Opera";v="105.0.5195.102", "Not)A;Brand";v="8.0.0.0", "Chromium";v="105.0.5195.102"`, FullVersion: `"105.0.5195.102"`},
			"Opera 91.0.4516.16",
		},
		"and without the short list": {
			opera, Hints{FullVersionList: `"Opera";v="105.0.5195.102", "Chromium";v="105.0.5195.102"`}, "Opera 91.0.4516.16",
		},
		"Opera that gives its own": {
			opera0, Hints{UA: `"Opera";v="124", "Chromium";v="140"`, FullVersionList: `"Opera";v="124.0.5705.15", "Chromium";v="140.0.7339.41"`}, "Opera 124.0.5705.15",
		},
		"Opera's mobile, which names both": {
			"Mozilla/5.0 (Linux; Android 8.1.0; ZC554KL)" + webkit + "Chrome/96.0.4664.104 Mobile Safari/537.36 OPR/67.1.3508.63168",
			Hints{UA: `" Not A;Brand";v="99", "Chromium";v="96", "Opera";v="82", "OperaMobile";v="67"`, Platform: `"Android"`, Mobile: "?1", FullVersion: `"96.0.4664.104"`,
				FullVersionList: `" Not A;Brand";v="99.0.0.0", "Chromium";v="96.0.4664.104", "Opera";v="82.0.4227.43", "OperaMobile";v="67.1.3508.63168"`},
			"Opera Mobile 67.1.3508.63168",
		},
		"the brand's, where the engine's comes first": {
			windows + "Chrome/141.0.0.0 Safari/537.36 Edg/140.0.0.0",
			Hints{UA: `"Chromium";v="141", "Microsoft Edge";v="140"`, FullVersionList: `"Chromium";v="141.0.7390.55", "Microsoft Edge";v="140.0.3485.54"`}, "Edge 140.0.3485.54",
		},
		"a brand that the user agent does not name": {
			windows + "Chrome/141.0.0.0 Safari/537.36", Hints{UA: `"Brave";v="141", "Chromium";v="141"`, FullVersionList: `"Brave";v="141.1.83.118", "Chromium";v="141.0.7390.55"`}, "Brave 141.1.83.118",
		},
		"with another's full version": {
			windows + "Chrome/141.0.0.0 Safari/537.36", Hints{UA: `"Vivaldi";v="7", "Chromium";v="141"`, FullVersionList: `"Vivaldi";v="141.0.7390.55", "Chromium";v="141.0.7390.55"`}, "Vivaldi 7",
		},
		"Chrome": {
			windows + chrome141, Hints{UA: brands141, FullVersionList: `"Google Chrome";v="141.0.7390.55", "Chromium";v="141.0.7390.55"`}, "Chrome 141.0.7390.55",
		},
		"Samsung's, with a minor version in the short list": {
			androidK + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
			Hints{UA: `"Chromium";v="130", "Samsung Internet";v="28.0"`, FullVersionList: `"Chromium";v="130.0.6723.199", "Samsung Internet";v="28.0.0.59"`, Mobile: "?1"}, "Samsung Internet 28.0.0.59",
		},
	} {
		if e := p.ParseUncached(c.ua, c.hints); e.Browser+" "+e.BrowserVersion != c.want {
			t.Errorf("%s: %s %s, want %s", name, e.Browser, e.BrowserVersion, c.want)
		}
	}
}

func TestBrowsersOnIOSThatNameThemselvesLate(t *testing.T) {
	const safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6 Mobile/15E148 Safari/604.1"
	p := newParser(t)
	for ua, want := range map[string]string{
		safari + " Brave":     "Brave ",
		safari + " OPT/6.5.0": "Opera Touch 6.5.0",
		safari + " Ddg/26.6":  "DuckDuckGo Mobile 26.6",
		safari:                "Mobile Safari 26.6",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_4) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148": "Mobile Safari UI/WKWebView ",
	} {
		if e := p.ParseUncached(ua, Hints{}); e.Browser+" "+e.BrowserVersion != want || e.OS != "iOS" {
			t.Errorf("%q %q on %s, want %q: %s", e.Browser, e.BrowserVersion, e.OS, want, ua)
		}
	}
}
