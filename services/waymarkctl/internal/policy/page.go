// Package policy says an account's privacy policy in words: what is collected, in which form, where it lies and for how long, and what does not work
// under it.
package policy

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/schemas"
)

// A Page is about one account.
type Page struct {
	Account *account.Account
	// Topics are those of its region, Database the one of its region's tables.
	Topics   []schemas.Topic
	Database string
}

// Write prints the page.
func (p Page) Write(out io.Writer) error {
	var b strings.Builder
	a := p.Account
	fmt.Fprintf(&b, "Account %s%s: its events stay in region %s\n", a.ID, named(a.Name), a.Region)
	for _, part := range []struct {
		title string
		lines []string
	}{
		{"What is collected", p.collected()},
		{"When nothing is", p.refused()},
		{"Of whom", p.people()},
		{"From where", p.location()},
		{"Of the page and the browser", p.surroundings()},
		{"What is taken out of texts", p.texts()},
		{"Where it lies, and for how long", p.places()},
		{"What does not work under this policy", p.limits()},
	} {
		fmt.Fprintf(&b, "\n%s\n", part.title)
		for _, line := range part.lines {
			fmt.Fprintf(&b, "  - %s\n", line)
		}
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func named(name string) string {
	if name == "" {
		return ""
	}
	return " (" + name + ")"
}

func (p Page) policy() *account.Policy { return &p.Account.Policy }

// most is the highest level of any environment.
func (p Page) most() account.Level {
	most := p.policy().LevelIn("")
	for name := range p.policy().Environments {
		most = max(most, p.policy().LevelIn(name))
	}
	return most
}

var levels = map[account.Level]string{
	account.ItemEvents: "level 1: what happens to items (plays, steps, clicks, scores), with the item's names; no page or session events, no browser, no text of the visitor's",
	account.Page:       "level 2: item events, page and session events, browser, device, company, and of the page what is said below; no custom events, no text of the visitor's",
	account.Everything: "level 3: all events, properties of the account's own, search queries, answers to surveys, error texts",
}

func (p Page) collected() (out []string) {
	out = append(out, levels[p.policy().LevelIn("")])
	for _, name := range slices.Sorted(maps.Keys(p.policy().Environments)) {
		out = append(out, fmt.Sprintf("in environment %s, %s", name, levels[p.policy().LevelIn(name)]))
	}
	if len(p.policy().Environments) > 0 {
		out = append(out, "an environment that is not named here has the first of these")
	}
	return append(out, "of events that are not collected nothing reaches Kafka: the edge answers that they are ignored, and counts them")
}

func (p Page) refused() []string {
	c := p.policy().Consent
	out := []string{"an event whose consent was denied is not collected"}
	switch {
	case c.Required && len(c.Purposes) > 0:
		out = append(out, "nor is one without a granted consent, which must cover "+strings.Join(c.Purposes, ", ")+" where it names purposes")
	case c.Required:
		out = append(out, "nor is one without a granted consent")
	default:
		out = append(out, "an event that says nothing of consent is collected")
	}
	signal := map[bool]string{false: "counts as denied", true: "is ignored"}
	return append(out, "Global Privacy Control (Sec-GPC: 1) "+signal[c.IgnoreGPC], "Do Not Track (DNT: 1) "+signal[c.IgnoreDNT])
}

func (p Page) people() []string {
	visitor := "visitor_id: the random anonymous id of the browser"
	if p.policy().Hides(account.Session) {
		visitor += "; no session"
	}
	id := map[account.Identification]string{
		account.IdentifyNone:          "user_id: empty; whoever logs in is nobody",
		account.IdentifyGenerated:     "user_id: the anonymous id again, whatever the client sends",
		account.IdentifyHashed:        "user_id: a SHA-256 that the client made, or the anonymous id; an id that is not hashed is not stored. Who knows an address can find its hash",
		account.IdentifyPseudonymised: "user_id: a pseudonym that only the account's key can make again (waymarkctl keys), or the anonymous id",
	}[p.policy().Identification]
	if id == "" {
		id = fmt.Sprintf("user_id: as the client sends it, if it comes from the provider %q; may be personal. Else the anonymous id", p.policy().Identification)
	}
	out := []string{visitor, id}
	if p.most() >= account.Page && p.policy().Identification.Stores() && !p.policy().Hides(account.Company) {
		out = append(out, "company_id: the visitor's company, as the client sends it")
	}
	if p.most() == account.Everything && p.policy().Identification.Plain() {
		out = append(out, "what identify and group calls of Segment's API say of a user or a company: rows of item type user")
	}
	return append(out, "user.traits: in the raw record only")
}

func (p Page) location() []string {
	ip, at := p.policy().IP, cmp.Or(p.policy().IPAt, account.AtEdge)
	if ip != account.MaskIP {
		out := []string{"no address is stored, and no location"}
		if at == account.AtEnricher {
			out = append(out, "whole addresses lie in raw records: see below")
		}
		return out
	}
	out := []string{"ip_masked: the network of the address (IPv4 /24, IPv6 /48)"}
	if at == account.AtEdge {
		out[0] += ", masked before Kafka: no whole address is kept anywhere"
	} else {
		out = append(out, "whole addresses lie in raw records: see below")
	}
	switch p.policy().Geo {
	case account.GeoCity:
		return append(out, "country, subdivision, city, coordinates to about a kilometre, and network operator"+ofMasked(at))
	case account.GeoCountry:
		return append(out, "country and network operator"+ofMasked(at))
	}
	return append(out, "no location")
}

func ofMasked(at account.Place) string {
	if at == account.AtEdge {
		return ", of the masked address"
	}
	return ""
}

func (p Page) surroundings() []string {
	if p.most() < account.Page {
		return []string{"nothing but whether it was a bot"}
	}
	policy := p.policy()
	var out []string
	switch {
	case policy.CollectURL && policy.Hides(account.Path):
		out = append(out, "URL: scheme and host; referrer, campaign, source of traffic")
	case policy.CollectURL:
		out = append(out, "URL, referrer, campaign, source of traffic")
	case policy.CollectPath && policy.Hides(account.Path):
		out = append(out, "host")
	case policy.CollectPath:
		out = append(out, "host and path, no URL, no referrer")
	default:
		out = append(out, "no URL, no referrer")
	}
	title := map[bool]string{true: "page title", false: "no page title"}
	out = append(out, title[policy.CollectTitle], "browser, operating system, device, screen, language, time zone, and whether it was a bot")
	if len(policy.Hide) > 0 {
		var hidden []string
		for _, property := range policy.Hide {
			hidden = append(hidden, string(property))
		}
		slices.Sort(hidden)
		out = append(out, "without: "+strings.Join(hidden, ", "))
	}
	return out
}

func (p Page) texts() []string {
	s := p.policy().Scrubbing
	var out []string
	if s.Off {
		return []string{"nothing: scrubbing is off"}
	}
	out = append(out, "e-mail addresses, phone and card numbers, tokens, in names, titles, paths, referrers, properties and answers; a row's flags say where")
	switch {
	case slices.Contains(s.KeepQuery, "*"):
		out = append(out, "of URLs no parameter")
	case len(s.KeepQuery) > 0:
		out = append(out, "of URLs, queries and fragments, all parameters but utm_* and "+strings.Join(s.KeepQuery, ", "))
	default:
		out = append(out, "of URLs, queries and fragments, all parameters but utm_*")
	}
	return out
}

func (p Page) places() []string {
	kept := map[string]string{}
	for _, t := range p.Topics {
		kept[t.Name] = span(t.Config["retention.ms"])
	}
	raw, enriched, dead := schemas.RawTopic(p.Account.Region), schemas.EnrichedTopic(p.Account.Region), schemas.DeadTopic(p.Account.Region)
	address := "no address"
	switch ip := p.policy().IP; {
	case p.policy().IPAt == account.AtEnricher:
		address = "the whole address"
	case ip == account.MaskIP:
		address = "the masked address"
	}
	rows, ofDay, ofUser := "for ever", "for ever", "for ever"
	if days := p.policy().Retention(); days > 0 {
		rows = fmt.Sprintf("%d days after the event", days)
		ofDay, ofUser = fmt.Sprintf("%d days after the last event of a day", days), fmt.Sprintf("%d days after the user's last event", days)
	}
	content := "the event as the client sent it, user agent, " + address
	return []string{
		"edge's spool, only while Kafka is away: " + content,
		fmt.Sprintf("Kafka topic %s, %s: %s", raw, kept[raw], content),
		fmt.Sprintf("Kafka topic %s, %s: what the table has", enriched, kept[enriched]),
		fmt.Sprintf("Kafka topic %s, %s: of events that cannot be used, the raw record; of those not collected, no content", dead, kept[dead]),
		fmt.Sprintf("ClickHouse %s.events, %s: the row", p.Database, rows),
		fmt.Sprintf("ClickHouse %s.item_activity and visitor_activity, %s: what is computed from the rows, by visitor, user and company", p.Database, ofDay),
		fmt.Sprintf("ClickHouse %s.end_user_activity, %s: first and last seen, latest place and browser, what was last said of the user", p.Database, ofUser),
		fmt.Sprintf("ClickHouse %s.dead_events, until somebody deletes it: event id, account, reason, place", p.Database),
		"logs and metrics: no value of an event",
	}
}

// span says milliseconds in days.
func span(millis string) string {
	n, err := strconv.ParseInt(millis, 10, 64)
	if err != nil || n < 0 {
		return "for ever"
	}
	return fmt.Sprintf("%.4g days", time.Duration(n*int64(time.Millisecond)).Hours()/24)
}

func (p Page) limits() (out []string) {
	policy := p.policy()
	add := func(holds bool, line string) {
		if holds {
			out = append(out, line)
		}
	}
	add(policy.Identification == account.IdentifyNone, "nobody is known again on another device: onboarding tasks and auto-play-once count by browser, and retention and new-against-returning users by visitor_id")
	add(policy.Identification == account.IdentifyPseudonymised, "users under one key are strangers under the next: counts of users over a change of keys are too high")
	add(policy.Identification == account.IdentifyPseudonymised, "a client that sends no visitor's GUID is ordered by session, not by user")
	add(p.most() < account.Page, "no page views, sessions, DAU by browser or device, or splits by page")
	add(p.most() < account.Everything, "no searches by query, no answers, no funnels over custom events")
	add(policy.IP != account.MaskIP || policy.Geo == "" || policy.Geo == account.GeoNone, "no split by country or city")
	add(policy.IP == account.MaskIP && policy.Geo == account.GeoCity && policy.IPAt != account.AtEnricher, "cities are those of the network, where a database knows finer ones")
	add(p.most() >= account.Page && !policy.CollectURL, "no source of traffic, no campaigns")
	add(policy.Hides(account.Session), "no sessions: their length, their number, pages within one")
	add(policy.Consent.Required, "rates are of those who consented")
	if len(out) == 0 {
		out = []string{"everything works"}
	}
	return out
}
