package useragent

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// An Environment holds "" where nothing is known. All strings are valid UTF-8.
type Environment struct {
	// Browser is the family by uap-core's names: "Chrome", "Chrome Mobile", "Mobile Safari", "Edge", "Firefox", "Samsung
	// Internet", for an app's own view "Facebook", "Instagram", "Chrome Mobile WebView", for a crawler "Googlebot"; where
	// uap-core knows none of a bot's, the bot's name.
	Browser string
	// BrowserVersion has up to four parts, "72.0.3626.121"; those that the browser hides are zeros, as it sends them.
	BrowserVersion string
	// OS is the family by uap-core's names: "Windows", "Mac OS X", "iOS", "Android", "Linux", "Ubuntu", "Chrome OS".
	OS string
	// OSVersion is "11", "10 or later", "8.1", "XP" for Windows, "18.6", "10.15 or later" and the like for others.
	// "Or later" is what stands of a version at which user agents are frozen.
	OSVersion string
	// DeviceType is one of the constants below.
	DeviceType string
	// DeviceBrand is the maker by uap-core's names: "Apple", "Samsung", "Google", "XiaoMi". "" for most desktops.
	DeviceBrand string
	// DeviceModel is the maker's code or name: "iPhone", "SM-G991B", "Pixel 8", "Mac".
	DeviceModel string
	// IsBot is set for crawlers, assistants, monitors, libraries and headless browsers that do not hide, in their user agent
	// or in their brand hints. An empty user agent is no bot.
	IsBot bool
	// BotName names the bot where IsBot is set: "Googlebot", its first product where no list knows it, or "unnamed".
	BotName string
}

// Values of Environment.DeviceType.
const (
	Desktop  = "desktop"
	Mobile   = "mobile"
	Tablet   = "tablet"
	TV       = "tv"
	Console  = "console"
	Wearable = "wearable" // watches, headsets
	Car      = "car"
	Bot      = "bot" // whatever device it claims to be
)

// MaxLength is how much of a user agent is looked at, in bytes. Real ones are shorter; the rest is cut off, so that no
// request can buy more work.
const MaxLength = 512

// Config of a Parser.
type Config struct {
	// CacheEntries is how many combinations of user agent and hints are remembered. Default 50000, at most 10000000.
	CacheEntries int
}

// A Parser is safe for concurrent use. All parsers of a process share their rules, which are read once.
type Parser struct {
	rules *rules
	cache *cache
}

// New registers the cache's metrics with reg, which may be nil.
func New(cfg Config, reg prometheus.Registerer) (*Parser, error) {
	if cfg.CacheEntries == 0 {
		cfg.CacheEntries = 50_000
	}
	if cfg.CacheEntries < 0 || cfg.CacheEntries > 10_000_000 {
		return nil, errors.New("cache_entries: must be 1–10000000")
	}
	r, err := loadRules()
	if err != nil {
		return nil, fmt.Errorf("load the user agent rules: %w", err)
	}
	c, err := newCache(cfg.CacheEntries, reg)
	if err != nil {
		return nil, err
	}
	return &Parser{rules: r, cache: c}, nil
}

// Parse answers from the cache where it can. It keeps neither ua nor h.
func (p *Parser) Parse(ua string, h Hints) Environment {
	key := p.cache.key(ua, h)
	if e, ok := p.cache.get(key); ok {
		return *e
	}
	e := p.ParseUncached(ua, h)
	p.cache.put(key, &e)
	return e
}

// ParseUncached works it out.
func (p *Parser) ParseUncached(ua string, h Hints) Environment {
	ua = undisguised(clean(ua))
	hints := readHints(h)
	found := p.rules.ask(ua)
	if found.isBot {
		if model := androidModel(ua); model != "" {
			// Phones are called M bot 60, televisions Google TV: what is left without the model decides.
			if without := p.rules.ask(withoutModel(ua, model)); !without.isBot {
				found = without
				hints.model = cmp.Or(hints.model, model)
			}
		}
	}
	var e Environment
	if e.IsBot = found.isBot || hints.bot != ""; e.IsBot {
		found.browser = p.rules.browserBesideLinks(ua, found.browser)
	}
	e.OS, e.OSVersion = nameSystem(found.system, ua, hints)
	e.Browser, e.BrowserVersion = nameBrowser(found.browser, ua, hints, e.OS)
	if e.IsBot {
		e.DeviceType = Bot
		e.BotName = cmp.Or(hints.bot, p.rules.crawlers.name(ua, e.Browser, found.device.Brand == spider))
		if e.Browser == "" {
			e.Browser, e.BrowserVersion = e.BotName, versionAfter(ua, e.BotName+"/")
		}
		return e
	}
	e.DeviceType = deviceType(ua, e.OS, hints)
	e.DeviceBrand, e.DeviceModel = p.nameDevice(found.device, hints)
	return e
}

// undisguised writes of an iPad what is a Mac by its user agent. Web views and browsers on iPads say so by default since
// iPadOS 13, and keep what no Mac says: Mobile/, or their own name, CriOS/, FxiOS/. Safari cannot be told from that of a Mac.
func undisguised(ua string) string {
	start := strings.Index(ua, "(Macintosh;")
	if start < 0 || !strings.Contains(ua, " Mobile/") && !strings.Contains(ua, "iOS/") {
		return ua
	}
	end := strings.IndexByte(ua[start:], ')')
	if end < 0 {
		return ua
	}
	return ua[:start] + disguised + ua[start+end+1:]
}

// disguised stands where uap-core's rules look for an iPad. No user agent says it.
const disguised = "(iPad; CPU OS 13_0 like Macintosh)"

// clean cuts what is too long and replaces what is no UTF-8; a replacement may not lengthen it again.
func clean(s string) string {
	s = s[:min(len(s), MaxLength)]
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "?")
}
