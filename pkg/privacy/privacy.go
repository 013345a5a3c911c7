// Package privacy carries an account's policy out. All of it is pure: from a policy and an event to what may be kept of it.
//
//	Refuses         whether the event is collected at all: asked by the edge, before Kafka, and again by the enricher, for what was accepted before
//	                the policy changed
//	AddressAtEdge   what of the client's address reaches Kafka
//	Details, Apply  what is stored of an event that is collected, last of all stages
//	Scrub           what is taken out of texts
//	Hashed          which user ids are hashes
//
// A raw record has the event's own bytes whatever the policy stores of it, for as long as the raw topic is kept (docs/privacy.md).
package privacy

import (
	"slices"
	"strings"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

// Apply takes out of e what the policy forbids (what calls say of an end user or a company, traits and ids alike, where ids are not stored as they
// were sent, too), scrubs the texts that stay, and sets when the row expires. Which of several ids is user_id, and in
// which form, the stage before has decided; URLs must still be whole, or a cut could hide what is in them. Of user.traits there is nothing in e.
func Apply(p *account.Policy, e *event.Enriched) {
	level := p.LevelIn(environment(e.Environment))
	if !p.Identification.Stores() {
		e.UserId, e.CompanyId = "", ""
		forget(e, "user.id", "userId", "company", "groupId", "context.groupId")
	}
	locate(p, e)
	page(p, level, e)
	surroundings(p, level, e)
	if level < account.Everything {
		e.Props = nil
		forget(e, "props", "data.answers", "data.query", "data.error", "data.event", "properties", "traits", "context.traits")
	}
	if e.ItemType == event.UserItem && !p.Identification.Plain() {
		e.Props, e.Detail, e.Flags = nil, nil, nil
	}
	if level < account.Page {
		forget(e, "data.pInit")
	}
	if p.Hides(account.Session) {
		e.SessionId = ""
		forget(e, "session", "context.sessionId", "properties.session_id")
	}
	if !p.Scrubbing.Off {
		scrub(p, e)
	}
	e.Expires = p.Expiry(e.Time)
}

// Details are those of an event that the level of its environment collects; list is used again.
func Details(p *account.Policy, in string, list []event.Detail) []event.Detail {
	level := p.LevelIn(environment(in))
	if level == account.Everything {
		return list
	}
	return slices.DeleteFunc(list, func(d event.Detail) bool { return detailLevel(d.Name) > level })
}

// detailLevel is the lowest level that stores a detail: ids, names and scores of what items have are item events; what a person typed, and what a
// page threw, is text.
func detailLevel(name string) account.Level {
	switch name {
	case "goal", "lesson", "quiz", "action", "rule", "result":
		return account.ItemEvents
	case "init":
		return account.Page
	}
	return account.Everything // answers, query, error, name, and what later versions add
}

// locate leaves of address and location what the policy names.
func locate(p *account.Policy, e *event.Enriched) {
	if p.IP != account.MaskIP {
		e.IpMasked = ""
	}
	located := p.Geo
	if p.IP != account.MaskIP {
		located = account.GeoNone
	}
	if located != account.GeoCity {
		e.Subdivision, e.City, e.Latitude, e.Longitude = "", "", nil, nil
	}
	if located != account.GeoCity && located != account.GeoCountry {
		e.CountryCode, e.Country, e.Asn, e.AsName = "", "", 0, ""
	}
}

// page leaves of the page and of what led to it what the policy names.
func page(p *account.Policy, level account.Level, e *event.Enriched) {
	url := p.CollectURL && level >= account.Page
	if !url {
		e.Url, e.Referrer, e.ReferrerHost, e.TrafficSource = "", "", "", ""
		e.UtmSource, e.UtmMedium, e.UtmCampaign, e.UtmTerm, e.UtmContent = "", "", "", "", ""
		forget(e, "page.referrer", "context.page.referrer", "context.campaign")
	}
	if !url && (!p.CollectPath || level < account.Page) {
		e.UrlHost, e.UrlPath = "", ""
		forget(e, "page.url", "context.page.url")
	}
	if !p.CollectTitle || level < account.Page {
		e.PageTitle = ""
		forget(e, "page.title", "context.page.title")
	}
	if p.Hides(account.Path) {
		e.Url, e.UrlPath = origin(e.Url), ""
	}
	if p.Hides(account.Referrer) {
		e.Referrer, e.ReferrerHost, e.TrafficSource = "", "", ""
		forget(e, "page.referrer", "context.page.referrer")
	}
	if p.Hides(account.Campaign) {
		e.UtmSource, e.UtmMedium, e.UtmCampaign, e.UtmTerm, e.UtmContent, e.TrafficSource = "", "", "", "", "", ""
		e.Url = withoutCampaign(e.Url)
	}
}

// origin is scheme and host of a URL; "" of one that has neither.
func origin(url string) string {
	at := strings.Index(url, "//")
	if at < 0 {
		return ""
	}
	if end := strings.IndexAny(url[at+2:], `/\?#`); end >= 0 {
		return url[:at+2+end]
	}
	return url
}

// withoutCampaign is a URL without parameters that name a campaign, which are few: without any query at all.
func withoutCampaign(url string) string {
	if !strings.Contains(url, "utm_") {
		return url
	}
	if end := strings.IndexAny(url, "?#"); end >= 0 {
		return url[:end]
	}
	return url
}

// surroundings leaves of browser, device and company what the level collects and the policy does not hide. Whether it is a bot stays: no person is
// one, and rates are wrong with them.
func surroundings(p *account.Policy, level account.Level, e *event.Enriched) {
	hidden := func(property account.Property) bool { return level < account.Page || p.Hides(property) }
	if hidden(account.Browser) {
		e.Browser, e.BotName = "", "" // a bot's name is what its user agent says
		forget(e, "env.browser")
	}
	if hidden(account.Browser) || p.Hides(account.BrowserVersion) {
		e.BrowserVersion = ""
	}
	if hidden(account.OS) {
		e.Os = ""
		forget(e, "env.os", "context.os")
	}
	if hidden(account.OS) || p.Hides(account.OSVersion) {
		e.OsVersion = ""
	}
	if hidden(account.Device) {
		e.DeviceType, e.DeviceBrand, e.DeviceModel = "", "", ""
	}
	if hidden(account.Screen) {
		e.ScreenWidth, e.ScreenHeight = 0, 0
		forget(e, "env.screen", "context.screen")
	}
	if hidden(account.Language) {
		e.Language = ""
		forget(e, "env.language", "context.locale")
	}
	if hidden(account.Timezone) {
		e.Timezone = ""
		forget(e, "env.timezone", "context.timezone")
	}
	if hidden(account.Company) {
		e.CompanyId = ""
		forget(e, "company", "groupId", "context.groupId")
	}
}

// scrub scrubs every text that people write. Ids of items, steps, plays, sessions and visitors stay: they join rows, and a masked one joins strangers.
func scrub(p *account.Policy, e *event.Enriched) {
	text := func(member string, fields ...*string) {
		for _, field := range fields {
			clean, taken := Scrub(*field)
			if *field = clean; taken {
				scrubbed(e, member)
			}
		}
	}
	text("data.oName", &e.ItemName)
	text("data.step.name", &e.StepName)
	text("data.pInit", &e.Trigger)
	text("data.dismissReason", &e.DismissReason)
	text("data.error", &e.FailureReason)
	text("page.title", &e.PageTitle)
	text("page.url", &e.UtmSource, &e.UtmMedium, &e.UtmCampaign, &e.UtmTerm, &e.UtmContent)
	keep := p.Scrubbing.KeepQuery
	for _, url := range [...]struct {
		member string
		field  *string
	}{{"page.url", &e.Url}, {"page.url", &e.UrlPath}, {"page.referrer", &e.Referrer}} {
		clean, taken := ScrubURL(*url.field, keep)
		if *url.field = clean; taken {
			scrubbed(e, url.member)
		}
	}
	for _, object := range [...]struct {
		member string
		field  *[]byte
	}{{"props", &e.Props}, {"data", &e.Detail}} {
		clean, taken := ScrubJSON(*object.field, keep)
		if *object.field = clean; taken {
			scrubbed(e, object.member)
		}
	}
}

// scrubbed flags a member, once.
func scrubbed(e *event.Enriched, member string) {
	if flag := (event.Warning{Code: event.WarnScrubbed, Path: "$." + member}).Flag(); !slices.Contains(e.Flags, flag) {
		e.Flags = append(e.Flags, flag)
	}
}

// forget takes out the flags of members, as the wire formats call them, and of those below them: what was wrong with a text tells that there was one.
func forget(e *event.Enriched, members ...string) {
	e.Flags = slices.DeleteFunc(e.Flags, func(flag string) bool {
		_, of, _ := strings.Cut(flag, ":")
		return slices.ContainsFunc(members, func(member string) bool {
			below, is := strings.CutPrefix(of, member)
			return is && (below == "" || below[0] == '.')
		})
	})
}
