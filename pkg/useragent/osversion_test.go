package useragent

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The share of real traffic whose system and version are right, at two dates: before and after iOS 26 froze its own. The
// answers come from the rules at frozen, read again here from the tokens alone.
func TestSystemVersionsOfRealTraffic(t *testing.T) {
	p := newParser(t)
	for _, file := range samples {
		var right, all float64
		for _, b := range weightedBrowsers(t, file) {
			all += b.weight
			e := p.ParseUncached(b.ua, Hints{})
			os, version := systemByTokens(b.ua)
			if e.OS == os && e.OSVersion == version {
				right += b.weight
			} else if b.weight > 0.0005 {
				t.Logf("%s %q, want %s %q: %s", e.OS, e.OSVersion, os, version, b.ua)
			}
		}
		t.Logf("%s: %.2f %%", file, 100*right/all)
		if right/all < 0.99 {
			t.Errorf("%s: %.2f %% of the traffic is right, want 99", file, 100*right/all)
		}
	}
}

var (
	iosToken      = regexp.MustCompile(`\((?:iPhone|iPad|iPod)[^)]*? OS (\d+(?:_\d+)*) like Mac OS X`)
	macToken      = regexp.MustCompile(`Mac OS X (\d+(?:[._]\d+)*)`)
	androidToken  = regexp.MustCompile(`Android (\d+(?:\.\d+)*)`)
	windowsToken  = regexp.MustCompile(`Windows NT (\d+\.\d+)`)
	chromeOSToken = regexp.MustCompile(`CrOS \w+ (\d+(?:\.\d+)*)`)
	safariToken   = regexp.MustCompile(` Version/(\d+)((?:\.\d+)*)`)
	appsToken     = regexp.MustCompile(`; iOS (\d+(?:_\d+)*);|FBSV/(\d+(?:\.\d+)*)`)
	engineToken   = regexp.MustCompile(`(Chrome|Firefox)/(\d+)`)
)

func systemByTokens(ua string) (os, version string) {
	switch ios, mac := iosToken.FindStringSubmatch(ua), macToken.FindStringSubmatch(ua); {
	case ios != nil:
		return "iOS", iosByTokens(strings.ReplaceAll(ios[1], "_", "."), ua)
	case mac != nil && strings.Contains(ua, " Mobile/"):
		if m := safariToken.FindStringSubmatch(ua); m != nil {
			return "iOS", m[1] + m[2]
		}
		return "iOS", "13 or later"
	case mac != nil:
		version := strings.ReplaceAll(mac[1], "_", ".")
		if version == "10.15" || version == "10.15.7" {
			return "Mac OS X", "10.15 or later"
		}
		return "Mac OS X", version
	}
	if m := windowsToken.FindStringSubmatch(ua); m != nil {
		return "Windows", windowsByTokens(m[1], ua)
	}
	if m := chromeOSToken.FindStringSubmatch(ua); m != nil {
		if m[1] == "14541.0.0" {
			return "Chrome OS", "14541 or later"
		}
		return "Chrome OS", m[1]
	}
	if m := androidToken.FindStringSubmatch(ua); m != nil {
		if strings.Contains(ua, "Android 10; K") && !strings.Contains(ua, "Android 10; KF") {
			return "Android", "10 or later"
		}
		return "Android", m[1]
	}
	switch {
	case strings.Contains(ua, "Ubuntu"):
		return "Ubuntu", ""
	case strings.Contains(ua, "Linux"):
		return "Linux", ""
	}
	return "", ""
}

func iosByTokens(token, ua string) string {
	safari := safariToken.FindStringSubmatch(ua)
	switch {
	case token != "18.6" && token != "18.6.2" && token != "18.7":
		return token
	case safari != nil:
		if major, _ := strconv.Atoi(safari[1]); major >= 26 {
			return safari[1] + safari[2]
		}
		return token
	}
	if m := appsToken.FindStringSubmatch(ua); m != nil {
		return strings.ReplaceAll(m[1], "_", ".") + m[2]
	}
	if token == "18.6.2" {
		return token
	}
	return token + " or later"
}

func windowsByTokens(nt, ua string) string {
	if nt != "10.0" {
		return map[string]string{"5.1": "XP", "6.0": "Vista", "6.1": "7", "6.2": "8", "6.3": "8.1"}[nt]
	}
	m := engineToken.FindStringSubmatch(ua)
	if m == nil {
		return "10 or later"
	}
	major, _ := strconv.Atoi(m[2])
	if m[1] == "Chrome" && major < 94 || m[1] == "Firefox" && major < 93 {
		return "10" // from before Windows 11
	}
	return "10 or later"
}

func TestSystemVersionBehindFrozenTokens(t *testing.T) {
	const (
		iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS "
		ipad   = "Mozilla/5.0 (iPad; CPU OS "
		engine = " like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
		build  = "Mobile/15E148"
		safari = " Safari/604.1"
	)
	p := newParser(t)
	for name, c := range map[string]struct{ ua, os, version string }{
		"Safari 26 on iOS 26":                     {iphone + "18_6" + engine + "Version/26.0 " + build + safari, "iOS", "26.0"},
		"Safari 26.6.1 on an iPad":                {ipad + "18_7" + engine + "Version/26.6.1 " + build + safari, "iOS", "26.6.1"},
		"Safari 27":                               {iphone + "18_7" + engine + "Version/27.0 " + build + safari, "iOS", "27.0"},
		"the token of iOS 26's first weeks":       {iphone + "18_6_2" + engine + "Version/26.0 " + build + safari, "iOS", "26.0"},
		"Safari 18.6 on iOS 18.6":                 {iphone + "18_6" + engine + "Version/18.6 " + build + safari, "iOS", "18.6"},
		"Safari 18.7.5 on iOS 18.7":               {iphone + "18_7" + engine + "Version/18.7.5 " + build + safari, "iOS", "18.7"},
		"a web view says no Safari":               {iphone + "18_7" + engine + build, "iOS", "18.7 or later"},
		"nor does Chrome":                         {iphone + "18_6" + engine + "CriOS/150.0.0.0 " + build + safari, "iOS", "18.6 or later"},
		"nor Firefox":                             {iphone + "18_7" + engine + "FxiOS/148.1 " + build + safari, "iOS", "18.7 or later"},
		"Chrome that does not freeze":             {iphone + "26_6_2" + engine + "CriOS/154.0.8037.55 " + build + safari, "iOS", "26.6.2"},
		"18.6.2 is a real release":                {iphone + "18_6_2" + engine + "CriOS/145.0.7632.108 " + build + safari, "iOS", "18.6.2"},
		"Edge's Version/ is no reason to doubt":   {iphone + "26_3_1" + engine + "EdgiOS/145.0.3800.99 Version/26.0 " + build + safari, "iOS", "26.3.1"},
		"a pretended older one":                   {iphone + "17_5" + engine + "Version/26.4 " + build + safari, "iOS", "17.5"},
		"Facebook says what it runs on":           {iphone + "18_7" + engine + build + " [FBAN/FBIOS;FBAV/530.0.0.31;FBDV/iPhone17,1;FBMD/iPhone;FBSN/iOS;FBSV/26.0.1;FBSS/3;FBLC/en_US]", "iOS", "26.0.1"},
		"so does Instagram's kin":                 {iphone + "18_7" + engine + "Mobile/23D8133 Barcelona 420.0.0.27.74 (iPhone17,1; iOS 26_3_1; en_US; en; scale=3.00; 1206x2622; 901456714)", "iOS", "26.3.1"},
		"macOS 26":                                {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15", "Mac OS X", "10.15 or later"},
		"Chrome OS":                               {"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + webkit + chrome141, "Chrome OS", "14541 or later"},
		"Chrome OS on ARM":                        {"Mozilla/5.0 (X11; CrOS aarch64 14541.0.0)" + webkit + chrome141, "Chrome OS", "14541 or later"},
		"Chrome OS that says its own":             {"Mozilla/5.0 (X11; CrOS x86_64 14816.131.0)" + webkit + "Chrome/103.0.0.0 Safari/537.36", "Chrome OS", "14816.131.0"},
		"Android's reduced web view":              {"Mozilla/5.0 (Linux; Android 10; K; wv)" + webkit + "Version/4.0 " + mobile141, "Android", "10 or later"},
		"Android 10 on a Kindle":                  {"Mozilla/5.0 (Linux; Android 10; KFTRWI)" + webkit + chrome141, "Android", "10"},
		"a web view on an iPad that plays a Mac":  {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_4) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "iOS", "13 or later"},
		"Instagram there":                         {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 300.0.0.12 (iPad13,4; iPadOS 17_5; en_US; en; scale=2.00; 750x1334; 1)", "iOS", "17.5"},
		"with Safari's version":                   {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1", "iOS", "16.6"},
		"Chrome there has a Version/ of no worth": {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/150 Version/11.1.1 Safari/605.1.15", "iOS", "13 or later"},
	} {
		if e := p.ParseUncached(c.ua, Hints{}); e.OS != c.os || e.OSVersion != c.version {
			t.Errorf("%s: %s %q, want %s %q", name, e.OS, e.OSVersion, c.os, c.version)
		}
	}
}
