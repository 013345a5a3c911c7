package useragent

import (
	"slices"
	"strings"
)

// deviceType asks the form factor hint, then for words that only one kind of device says, then the system.
func deviceType(ua, system string, h hinted) string {
	if t := formFactor(h.formFactors); t != "" {
		return t
	}
	switch {
	case televisions.in(ua):
		return TV
	case consoles.in(ua):
		return Console
	case wearables.in(ua):
		return Wearable
	case cars.in(ua):
		return Car
	}
	switch {
	case system == "Android" || strings.Contains(ua, "Android"):
		return android(ua, h)
	case tablets.in(ua):
		return Tablet
	case h.mobile == "?1" || phones.in(ua):
		return Mobile
	}
	switch system {
	case "iOS":
		return Mobile
	case "":
		return ""
	}
	return Desktop
}

// android tells a tablet by what is missing: phones say Mobile, by the advice of Android's own browser
// (https://developer.chrome.com/docs/multidevice/user-agent), and ?1 as a hint.
func android(ua string, h hinted) string {
	switch {
	case tablets.in(ua):
		return Tablet
	case h.mobile == "?1":
		return Mobile
	case h.mobile == "?0":
		return Tablet
	case strings.Contains(ua, "Mobi") || phones.in(ua) || !strings.Contains(ua, "AppleWebKit") && !strings.Contains(ua, "Gecko"):
		return Mobile // an app's own user agent has no such word either
	}
	return Tablet
}

// formFactor reads Sec-CH-UA-Form-Factors. Several may be named; the more particular wins.
func formFactor(list string) string {
	for _, f := range []struct{ name, is string }{
		{`"automotive"`, Car}, {`"watch"`, Wearable}, {`"xr"`, Wearable}, {`"tablet"`, Tablet}, {`"mobile"`, Mobile}, {`"desktop"`, Desktop},
	} {
		if strings.Contains(list, f.name) {
			return f.is
		}
	}
	return ""
}

// Words that tell a kind of device.
var (
	televisions = words{"SmartTV", "SMART-TV", "Smart TV", "SMART_TV", "GoogleTV", "Google TV", "Android TV", "AndroidTV", "AppleTV", "Apple TV", "tvOS",
		"HbbTV", "NetCast", "Web0S", "webOS.TV", "NETTV/", "BRAVIA", "CrKey", "Roku", "VIZIO", "Viera", "InettvBrowser", "DTVNetBrowser",
		"MiTV", "MIBOX", "MiBOX", "Large Screen", "POV_TV", "Hisense TV", "PhilipsTV", "AFTB ", "AFTT ", "AFTS ", "AFTM ", "AFTN ", "AFTMM", "AFTSS", "AFTKA", "AFTKM", "AFTR "}
	consoles  = words{"PlayStation", "PLAYSTATION", "Nintendo", "Xbox", "XBOX"}
	wearables = words{"watchOS", "Apple Watch", "Wear OS", "SM-R7", "SM-R8", "SM-R9", "OculusBrowser", "Quest 2", "Quest 3", "Vision Pro"}
	cars      = words{"QtCarBrowser", "Tesla/", "Android Automotive", "AndroidAutomotive", "AAOS"}
	phones    = words{"Mobile", "iPhone", "iPod", "Windows Phone", "Windows CE", "IEMobile", "BlackBerry", "BB10", "Opera Mini", "Opera Mobi", "KAIOS",
		"Symbian", "SymbOS", "Series60", "Series40", "S60", "MIDP", "J2ME", "Nokia", "webOS/", "hpwOS/1", "MeeGo", "Bada", "Palm", "UCWEB", "UP.Browser", "DoCoMo", "MAUI"}
	tablets = words{"iPad", "; Tablet;", "(Tablet;", "Android Tablet", "PlayBook", "Kindle", "Silk-Accelerated", "hp-tablet", "TouchPad", "SM-T", "SM-X", "SM-P", "GT-P", "Nexus 7", "Nexus 9",
		"Nexus 10", "Pixel C", "Pixel Tablet", "Lenovo TB", "MediaPad", "MatePad", "; KF", "Xoom", "Redmi Pad", "Lenovo YT"}
)

type words []string

// in reports whether text holds one of the words. Searching for each in turn is some 10 ns a word, where an alternation
// of them in Go's regexp takes tens of microseconds.
func (w words) in(text string) bool {
	return slices.ContainsFunc(w, func(word string) bool { return strings.Contains(text, word) })
}
