package useragent

import (
	"cmp"
	"strings"
)

// Hints are the values of a request's User-Agent Client Hints, as sent; "" for those that are not.
// See https://wicg.github.io/ua-client-hints/#http-ua-hints; the values are RFC 8941 structured fields.
type Hints struct {
	UA              string // Sec-CH-UA: brands and their major versions
	FullVersionList string // Sec-CH-UA-Full-Version-List
	FullVersion     string // Sec-CH-UA-Full-Version, deprecated
	Mobile          string // Sec-CH-UA-Mobile: ?0 or ?1
	Model           string // Sec-CH-UA-Model
	Platform        string // Sec-CH-UA-Platform
	PlatformVersion string // Sec-CH-UA-Platform-Version
	FormFactors     string // Sec-CH-UA-Form-Factors
	RequestedWith   string // X-Requested-With: an Android web view's package name
}

// A brand of a browser, with the version that goes with it.
type brand struct{ name, version string }

// hinted is what the hints say.
type hinted struct {
	brand           brand  // with the major version, from Sec-CH-UA
	full            string // the same brand's full version
	mobile          string // "?1", "?0" or ""
	model           string
	platform        string
	platformVersion string
	formFactors     string // lower case
	app             string
	bot             string // a brand that no person browses with: "HeadlessChrome", "Lighthouse"
}

func readHints(h Hints) hinted {
	brands, fulls := brandList(clean(h.UA)), brandList(clean(h.FullVersionList))
	out := hinted{
		brand: product(brands), mobile: strings.TrimSpace(h.Mobile), model: text(h.Model), platform: text(h.Platform),
		platformVersion: text(h.PlatformVersion), formFactors: strings.ToLower(clean(h.FormFactors)), app: text(h.RequestedWith),
		bot: cmp.Or(automated(brands), automated(fulls)),
	}
	switch deprecated := text(h.FullVersion); {
	case out.brand.name == "":
		if full := product(fulls); full.name != "" {
			out.brand, out.full = brand{full.name, major(full.version)}, full.version
		}
	case len(fulls) > 0:
		out.full = fullVersion(fulls, out.brand)
	case major(deprecated) == major(out.brand.version):
		out.full = deprecated
	}
	return out
}

// fullVersion is what the list says of the brand. Some browsers, Opera long among them, put Chromium's version here, and in
// the deprecated Sec-CH-UA-Full-Version: it shows in another major.
func fullVersion(fulls []brand, of brand) string {
	for _, full := range fulls {
		if full.name == of.name && major(full.version) == major(of.version) {
			return full.version
		}
	}
	return ""
}

// automated is the first brand of a browser that no person browses with.
func automated(brands []brand) string {
	for _, b := range brands {
		if tools.in(b.name) {
			return b.name
		}
	}
	return ""
}

var tools = words{"Headless", "Lighthouse", "Puppeteer", "Playwright", "Selenium", "PhantomJS", "Bot", "bot", "Crawler", "crawler", "Spider", "spider"}

// text reads an sf-string, tolerating one without quotes.
func text(value string) string {
	value = strings.TrimSpace(clean(value))
	if s, _, ok := quoted(value); ok {
		return strings.TrimSpace(s)
	}
	return value
}

// brandList reads a list of brands and their versions.
func brandList(list string) []brand {
	var out []brand
	for list != "" {
		name, rest, ok := quoted(strings.TrimLeft(list, " ,\t"))
		if !ok {
			break
		}
		var parameters string
		parameters, list = cutMember(rest)
		b := brand{name: name}
		if _, v, ok := strings.Cut(parameters, "v="); ok {
			if version, _, ok := quoted(strings.TrimSpace(v)); ok && digits(version) {
				b.version = version
			}
		}
		out = append(out, b)
	}
	return out
}

// product picks from a brand list the product: neither the made-up brand nor, where another is named, the engine.
func product(brands []brand) brand {
	var engine brand
	for _, b := range brands {
		switch {
		case madeUp(b.name):
		case b.name == "Chromium":
			engine = b
		default:
			return b
		}
	}
	return engine
}

// cutMember splits at the comma that ends a member; one inside quotes does not.
func cutMember(s string) (member, rest string) {
	inside := false
	for i := 0; i < len(s); i++ {
		switch {
		case inside && s[i] == '\\':
			i++
		case s[i] == '"':
			inside = !inside
		case s[i] == ',' && !inside:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// quoted reads an sf-string at the start of s.
func quoted(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return clean(b.String()), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", s, false
}

// madeUp tells GREASE (https://wicg.github.io/ua-client-hints/#grease): "Not?A_Brand", " Not A;Brand", "(Not(A:Brand".
func madeUp(name string) bool {
	letters := strings.Map(func(r rune) rune {
		if r |= 0x20; 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, name)
	return letters == "notabrand" || letters == "notanybrand"
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// digits reports whether s is a version of digits and dots.
func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == "" && s[0] != '.'
}
