package account

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Policy is what an account allows to be collected and stored. The zero value stores the least: item events alone, nobody identified, no
// address, no location, no page, text scrubbed, privacy signals honoured, for a year. A file that leaves out level, geo or ip gets 3, city and
// mask, as platforms of this field have it; all else is as in the zero value. Package privacy carries it out.
type Policy struct {
	// Identification says which end-user identifier is stored as user_id, and in which form.
	Identification Identification `yaml:"identification"`
	// Level says which events are collected, and how much of each. 0 is ItemEvents; a file without it has Everything.
	Level Level `yaml:"level"`
	// Environments have a level of their own, by the event's environment in small letters. One that is not named has Level.
	Environments map[string]Environment `yaml:"environments"`

	// CollectURL stores url, url_host, url_path, referrer, and what they tell of the traffic's source. From level Page on.
	CollectURL bool `yaml:"collect_url"`
	// CollectPath stores url_host and url_path, though CollectURL be false. From level Page on.
	CollectPath bool `yaml:"collect_path"`
	// CollectTitle stores page_title. From level Page on.
	CollectTitle bool `yaml:"collect_title"`
	// Hide keeps single properties out that the level collects.
	Hide []Property `yaml:"hide"`

	// Geo says how much of the location is stored. "" is GeoNone; a file without it has GeoCity, or GeoNone where ip is drop.
	Geo Geo `yaml:"geo"`
	// IP says what is kept of the client's address. "" is DropIP; a file without it has MaskIP.
	IP IP `yaml:"ip"`
	// IPAt is where that is done. "" is AtEdge: no whole address reaches Kafka.
	IPAt Place `yaml:"ip_at"`

	Consent   Consent   `yaml:"consent"`
	Scrubbing Scrubbing `yaml:"scrubbing"`

	// RetentionDays is how long rows are kept, in days after the event: 1–36500, or "forever". "" is 365.
	RetentionDays string `yaml:"retention_days"`
}

// Environment is what differs in one of an account's environments (production, test, …).
type Environment struct {
	Level Level `yaml:"level"`
}

// Consent says when events are collected at all.
type Consent struct {
	// Required: events without a granted consent are not collected. Those that say it was denied never are.
	Required bool `yaml:"required"`
	// Purposes that must each be granted where the event names purposes. Up to 16, of 1–64 characters.
	Purposes []string `yaml:"purposes"`
	// IgnoreGPC collects events that came with Sec-GPC: 1, which else counts as denied; IgnoreDNT the same for DNT: 1.
	IgnoreGPC bool `yaml:"ignore_gpc"`
	IgnoreDNT bool `yaml:"ignore_dnt"`
}

// Scrubbing says what is taken out of texts.
type Scrubbing struct {
	// Off stores e-mail addresses, phone and card numbers and tokens within texts as they were sent.
	Off bool `yaml:"off"`
	// KeepQuery are the parameters of URLs that are stored besides utm_*; "*" keeps all. Up to 100.
	KeepQuery []string `yaml:"keep_query"`
}

// Level is how much is collected. Each has all of the one before.
type Level int

const (
	// ItemEvents collects what happens to items, and nothing of page, browser or text.
	ItemEvents Level = 1
	// Page adds page and session events, the environment, the company, and of the page what the policy's switches say.
	Page Level = 2
	// Everything adds custom events, props, search queries, answers, and error texts.
	Everything Level = 3
)

// Property is one that Hide keeps out.
type Property string

// The properties that can be hidden, and the columns each empties.
const (
	Browser        Property = "browser"         // browser, browser_version, bot_name
	BrowserVersion Property = "browser_version" // browser_version
	OS             Property = "os"              // os, os_version
	OSVersion      Property = "os_version"      // os_version
	Device         Property = "device"          // device_type, device_brand, device_model
	Screen         Property = "screen"          // screen_width, screen_height
	Language       Property = "language"        // language
	Timezone       Property = "timezone"        // timezone
	Path           Property = "path"            // url_path, and url but for scheme and host
	Referrer       Property = "referrer"        // referrer, referrer_host, traffic_source
	Campaign       Property = "campaign"        // utm_*, traffic_source
	Company        Property = "company"         // company_id
	Session        Property = "session"         // session_id
)

// Properties are all of them.
var Properties = []Property{Browser, BrowserVersion, OS, OSVersion, Device, Screen, Language, Timezone, Path, Referrer, Campaign, Company, Session}

// Geo is how much of a location is stored.
type Geo string

// What a location is stored of. Country has the network (asn, as_name) too; none has neither.
const (
	GeoNone    Geo = "none"
	GeoCountry Geo = "country"
	GeoCity    Geo = "city"
)

// IP is what is kept of the client's address.
type IP string

const (
	// DropIP keeps nothing, and so no location either.
	DropIP IP = "drop"
	// MaskIP keeps the network: IPv4 /24, IPv6 /48.
	MaskIP IP = "mask"
)

// Place is where addresses are dropped or masked.
type Place string

const (
	// AtEdge: before Kafka and the spool. Locations are those of the masked address.
	AtEdge Place = "edge"
	// AtEnricher: the raw topic, and dead letters, have whole addresses for as long as they are kept.
	AtEnricher Place = "enricher"
)

// Identification is an account's end-user identification setting.
type Identification string

const (
	// IdentifyNone stores no user id.
	IdentifyNone Identification = "none"
	// IdentifyGenerated stores the visitor's anonymous id, whatever the client sends.
	IdentifyGenerated Identification = "generated"
	// These store the id their provider gave, and the visitor's anonymous id where it gave none.
	IdentifyCookie   Identification = "cookie"
	IdentifyVariable Identification = "variable"
	IdentifyElement  Identification = "element"
	IdentifyIDP      Identification = "idp"
	IdentifyCRM      Identification = "crm"
	// IdentifyHashed stores an id that the client hashed with SHA-256, of any provider, and the anonymous id in place of any other.
	IdentifyHashed Identification = "hashed"
	// IdentifyPseudonymised stores a keyed hash (package pseudonym) of the id, of any provider.
	IdentifyPseudonymised Identification = "pseudonymised"
)

var identifications = []Identification{
	IdentifyNone, IdentifyGenerated, IdentifyCookie, IdentifyVariable, IdentifyElement, IdentifyIDP, IdentifyCRM, IdentifyHashed, IdentifyPseudonymised,
}

// Accepts tells whether a user id that came from provider may be stored under the setting, be it hashed. An empty provider is one that the
// client did not name: the chosen one.
func (i Identification) Accepts(provider string) bool {
	switch i {
	case IdentifyHashed, IdentifyPseudonymised:
		return true
	}
	return i.Stores() && i != IdentifyGenerated && (provider == "" || provider == string(i))
}

// Stores tells whether the setting stores a user id at all, be it the visitor's anonymous one. What a later accounts file may say
// stores none.
func (i Identification) Stores() bool {
	return i != IdentifyNone && slices.Contains(identifications, i)
}

// Plain tells whether the setting stores user ids as clients send them.
func (i Identification) Plain() bool {
	return i.Accepts("") && i != IdentifyHashed && i != IdentifyPseudonymised
}

// LevelIn is the level in an event's environment. What a later accounts file may say is the lowest.
func (p *Policy) LevelIn(environment string) Level {
	level := p.Level
	if len(p.Environments) > 0 {
		if own, named := p.Environments[strings.ToLower(environment)]; named {
			level = own.Level
		}
	}
	if level < ItemEvents || level > Everything {
		return ItemEvents
	}
	return level
}

// Hides tells whether a property is kept out.
func (p *Policy) Hides(property Property) bool { return slices.Contains(p.Hide, property) }

// DefaultRetention is how long rows are kept where an account does not say, in days.
const DefaultRetention = 365

// Forever is the RetentionDays of rows that are not deleted.
const Forever = "forever"

// Expiry is when a row of an event that happened at a time, both Unix milliseconds, may be deleted; 0 is never.
func (p *Policy) Expiry(at int64) int64 {
	days := p.Retention()
	if days == 0 {
		return 0
	}
	return at + int64(days)*24*time.Hour.Milliseconds()
}

// Retention is how long rows are kept, in days; 0 is forever.
func (p *Policy) Retention() int {
	switch p.RetentionDays { // asked of every event: Atoi's error would be one allocation
	case "":
		return DefaultRetention
	case Forever:
		return 0
	}
	if days, err := strconv.Atoi(p.RetentionDays); err == nil && days > 0 {
		return days
	}
	return DefaultRetention
}

// validate fills in what a file leaves out, and names the first member that is wrong. Who says nothing of it collects the events that are sent and
// an approximate location, and nothing that names anybody: no user, no page, no address.
func (p *Policy) validate() error {
	p.Identification = cmp.Or(p.Identification, IdentifyNone)
	p.Level = cmp.Or(p.Level, Everything)
	p.IP = cmp.Or(p.IP, MaskIP)
	if p.Geo == "" {
		p.Geo = GeoNone
		if p.IP == MaskIP {
			p.Geo = GeoCity
		}
	}
	return first(
		oneOf("identification", p.Identification, identifications),
		p.validateLevels(),
		p.validateProperties(),
		oneOf("geo", p.Geo, []Geo{"", GeoNone, GeoCountry, GeoCity}),
		oneOf("ip", p.IP, []IP{"", DropIP, MaskIP}),
		oneOf("ip_at", p.IPAt, []Place{"", AtEdge, AtEnricher}),
		when(p.IP != MaskIP && p.Geo != "" && p.Geo != GeoNone, "geo: a location needs ip: mask"),
		names("consent.purposes", p.Consent.Purposes, 16),
		names("scrubbing.keep_query", p.Scrubbing.KeepQuery, 100),
		p.validateRetention(),
	)
}

func (p *Policy) validateLevels() error {
	most := p.Level
	if p.Level < ItemEvents || p.Level > Everything {
		return errLevel("level")
	}
	if len(p.Environments) > 50 {
		return errors.New("environments: want at most 50")
	}
	for name, own := range p.Environments {
		switch {
		case !environmentPattern.MatchString(name): // it may be something else: it is not named
			return errors.New("environments: want names of 1–64 small letters, digits, '.', '_', '-'")
		case own.Level < ItemEvents || own.Level > Everything:
			return errLevel("environments.*.level")
		}
		most = max(most, own.Level)
	}
	return when(most < Page && (p.CollectURL || p.CollectPath || p.CollectTitle), "level: the page is collected from level 2 on: collect_url, collect_path and collect_title need it")
}

func errLevel(path string) error {
	return fmt.Errorf("%s: want 1 (item events), 2 (and the page) or 3 (everything)", path)
}

func (p *Policy) validateProperties() error {
	for i, property := range p.Hide {
		if !slices.Contains(Properties, property) {
			return fmt.Errorf("hide[%d]: want one of %v", i, Properties)
		}
	}
	return nil
}

func (p *Policy) validateRetention() error {
	if p.RetentionDays == "" || p.RetentionDays == Forever {
		return nil
	}
	days, err := strconv.Atoi(p.RetentionDays)
	return when(err != nil || days < 1 || days > 36500, `retention_days: want 1–36500, or "forever"`)
}

var (
	environmentPattern = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)
	namePattern        = regexp.MustCompile(`^[\pL\pN*._\[\]-]{1,64}$`)
)

func names(path string, list []string, most int) error {
	if len(list) > most {
		return fmt.Errorf("%s: want at most %d", path, most)
	}
	for i, name := range list {
		if !namePattern.MatchString(name) {
			return fmt.Errorf("%s[%d]: want 1–64 letters, digits, '.', '_', '-', '[', ']' or '*'", path, i)
		}
	}
	return nil
}

func oneOf[T ~string](path string, value T, of []T) error {
	if slices.Contains(of, value) {
		return nil
	}
	return fmt.Errorf("%s: want one of %v", path, slices.DeleteFunc(slices.Clone(of), func(v T) bool { return v == "" }))
}

func when(holds bool, sentence string) error {
	if holds {
		return errors.New(sentence)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
