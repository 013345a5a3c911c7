package useragent

import (
	"strings"

	"github.com/ua-parser/uap-go/uaparser"
)

// nameBrowser takes the name from the user agent where it names a product of its own, otherwise from the app that shows
// the page, otherwise from the brand hint. The version is the hint's full one, the user agent's, the hint's major, in this order.
func nameBrowser(found uaparser.UserAgent, ua string, h hinted, system string) (name, version string) {
	name = known(found.Family)
	version = wholeVersion(ua, join(found.Major, found.Minor, found.Patch))
	if name == "" || isChrome(name) {
		if app := apps[h.app]; app != "" && system == "Android" {
			return app, "" // the view's version is not the app's
		}
	}
	hint := families[h.brand.name]
	if hint == "" {
		hint = h.brand.name
	}
	switch {
	case hint == "":
		return name, version
	case sameProduct(name, hint):
		if version != "" && major(h.full) != major(version) {
			return name, version // of another product, or the engine
		}
	case name == "" || isChrome(name) && hint != "Chromium":
		if h.mobile == "?1" && (hint == "Edge" || hint == "Opera") {
			hint += " Mobile"
		}
		if hint == "Chrome" && h.mobile == "?1" {
			hint = "Chrome Mobile"
		}
		name, version = hint, h.brand.version
	default:
		return name, version // the hint speaks of another product
	}
	switch {
	case digits(h.full):
		version = h.full
	case version == "":
		version = h.brand.version
	}
	return name, version
}

// isChrome reports whether a family is what any product on Chromium looks like when it does not name itself.
func isChrome(name string) bool {
	return name == "Chrome" || name == "Chrome Mobile" || name == "Chrome Mobile WebView" || name == "Chromium"
}

// sameProduct compares families without regard to the device they are for.
func sameProduct(a, b string) bool {
	return a != "" && (a == b || strings.TrimSuffix(a, " Mobile") == b)
}

// families are uap-core's names of the brands.
var families = map[string]string{
	"Google Chrome":              "Chrome",
	"Microsoft Edge":             "Edge",
	"Microsoft Edge WebView2":    "Edge",
	"Android WebView":            "Chrome Mobile WebView",
	"Opera GX":                   "Opera",
	"OperaMobile":                "Opera Mobile",
	"Opera Mobile":               "Opera Mobile",
	"Opera Mini Android":         "Opera Mini",
	"OperaMini":                  "Opera Mini",
	"YaBrowser":                  "Yandex Browser",
	"Yandex":                     "Yandex Browser",
	"Brave":                      "Brave",
	"Brave Browser":              "Brave",
	"Samsung Internet":           "Samsung Internet",
	"Samsung Internet for Phone": "Samsung Internet",
	"Vivaldi":                    "Vivaldi",
	"DuckDuckGo":                 "DuckDuckGo",
	"Whale":                      "Whale",
	"HuaweiBrowser":              "Huawei Browser",
	"Miui Browser":               "MiuiBrowser",
}

// apps are the browsers' and apps' names by the package that an Android web view says it runs in.
var apps = map[string]string{
	"com.facebook.katana":                     "Facebook",
	"com.facebook.lite":                       "Facebook",
	"com.facebook.orca":                       "Facebook Messenger",
	"com.instagram.android":                   "Instagram",
	"com.zhiliaoapp.musically":                "TikTok",
	"com.ss.android.ugc.trill":                "TikTok",
	"com.twitter.android":                     "Twitter",
	"com.snapchat.android":                    "Snapchat",
	"com.linkedin.android":                    "LinkedIn",
	"com.pinterest":                           "Pinterest",
	"com.reddit.frontpage":                    "Reddit",
	"com.whatsapp":                            "WhatsApp",
	"com.tencent.mm":                          "WeChat",
	"com.google.android.googlequicksearchbox": "Google",
	"com.google.android.gm":                   "Gmail",
	"com.microsoft.teams":                     "Microsoft Teams",
	"com.Slack":                               "Slack",
	"org.telegram.messenger":                  "Telegram",
	"jp.naver.line.android":                   "LINE",
	"com.kakao.talk":                          "KAKAOTALK",
	"com.duckduckgo.mobile.android":           "DuckDuckGo Mobile",
	"com.brave.browser":                       "Brave",
	"com.sec.android.app.sbrowser":            "Samsung Internet",
	"com.mi.globalbrowser":                    "MiuiBrowser",
}

// wholeVersion finds the version in the user agent and reads it on to four parts: uap-core's rules stop at three.
func wholeVersion(ua, version string) string {
	if !digits(version) {
		return version
	}
	for from := 0; ; {
		at := strings.Index(ua[from:], version)
		if at < 0 {
			return version
		}
		start, end := from+at, from+at+len(version)
		if start > 0 && (isDigit(ua[start-1]) || ua[start-1] == '.') || end < len(ua) && isDigit(ua[end]) {
			from = start + 1
			continue
		}
		for parts := strings.Count(version, ".") + 1; parts < 4; parts++ {
			next := end + 1
			for next < len(ua) && isDigit(ua[next]) {
				next++
			}
			if end >= len(ua) || ua[end] != '.' || next == end+1 {
				break
			}
			end = next
		}
		return strings.Clone(ua[start:end])
	}
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// join makes a version of its parts up to the first missing one.
func join(parts ...string) string {
	for i, p := range parts {
		if p == "" {
			parts = parts[:i]
			break
		}
	}
	return strings.Join(parts, ".")
}

func known(family string) string {
	if family == other {
		return ""
	}
	return family
}
