package answers

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// profiles ask for users of all kinds: each fortieth, who has two visitors, shares one, logs in or does not, and nobody at all.
func profiles() []asked {
	users, visitors := make(map[dataset.Person]int), make(map[dataset.Person]map[string]bool)
	set := dataset.New(seed)
	for _, e := range set.Stored() {
		p := dataset.Person{Account: e.Account, User: e.User}
		if users[p]++; visitors[p] == nil {
			visitors[p] = make(map[string]bool)
		}
		visitors[p][e.Visitor] = true
	}
	sorted := slices.SortedFunc(maps.Keys(users), func(a, b dataset.Person) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(users[b], users[a]), cmp.Compare(a.User, b.User))
	})
	var all []asked
	ask := func(p dataset.Person, from, to time.Time) {
		all = append(all, asked{account: p.Account, from: from, to: to, audience: "live", more: map[string]string{"user": p.User}})
	}
	for i, p := range sorted {
		if i%40 == 0 || users[p] == 1 && i%5 == 0 || len(visitors[p]) > 1 && i%8 == 0 {
			ask(p, dataset.FirstDay, dataset.LastDay)
		}
	}
	ask(sorted[0], day(2, 28), day(3, 1))
	ask(sorted[1], day(5, 1), day(5, 31))
	ask(set.Erased[0], dataset.FirstDay, dataset.LastDay)
	for _, p := range []dataset.Person{{Account: dataset.Acme}, {Account: dataset.Acme, User: `no'"\body日本`}, {Account: dataset.Globex, User: dataset.Acme + "-user-1"}} {
		ask(p, dataset.FirstDay, dataset.LastDay)
	}
	return all
}

// latest is the last event; of several at once the one whose surroundings are the last by alphabet.
func (h happenings) latest() *dataset.Event {
	return slices.MaxFunc(h, func(a, b *dataset.Event) int {
		by := func(e *dataset.Event) []string {
			return []string{e.CountryCode, e.Country, e.Subdivision, e.City, e.Browser, e.BrowserVersion, e.OS, e.OSVersion, e.Device, e.Language, e.Timezone}
		}
		return cmp.Or(a.Time.Compare(b.Time), slices.Compare(by(a), by(b)))
	})
}

// attributes are the latest value of each property that was said of the user, as it was written; of two at once the last by alphabet.
func (h happenings) attributes() map[string]string {
	type value struct {
		at   time.Time
		text string
	}
	latest := make(map[string]value)
	for _, e := range h {
		if e.Name != "identify" || e.Props == "" {
			continue
		}
		var props map[string]json.RawMessage
		if err := json.Unmarshal([]byte(e.Props), &props); err != nil {
			panic(err) // the set's own text
		}
		for name, text := range props {
			is, any := latest[name]
			if c := e.Time.Compare(is.at); !any || c > 0 || c == 0 && string(text) > is.text {
				latest[name] = value{e.Time, string(text)}
			}
		}
	}
	out := make(map[string]string)
	for name, v := range latest {
		out[name] = v.text
	}
	return out
}

// person is what every row about an end user has.
func (h happenings) person() Row {
	visitors, companies := make(map[string]bool), make(map[string]bool)
	for _, e := range h {
		if visitors[e.Visitor] = true; e.Company != "" {
			companies[e.Company] = true
		}
	}
	last := h.latest()
	return Row{
		"user_id": last.User, "visitors": len(visitors), "companies": slices.Sorted(maps.Keys(companies)), "first_seen": clock(h.first()), "last_seen": clock(h.last()),
		"country_code": last.CountryCode, "country": last.Country, "subdivision": last.Subdivision, "city": last.City,
		"browser": last.Browser, "browser_version": last.BrowserVersion, "os": last.OS, "device_type": last.Device, "language": last.Language, "timezone": last.Timezone,
		"attributes": h.attributes(),
	}
}

var endUserProfile = question{
	view: "end_user_profile", everyone: true, askedWith: profiles(),
	answer: func(h *house, a asked) []Row {
		var all, active happenings
		for _, e := range h.stored {
			if e.Account != a.account || e.User == "" || e.User != a.more["user"] {
				continue
			}
			if all = append(all, e); e.ItemType != "session" || e.Name != "end" {
				active = append(active, e)
			}
		}
		if len(all) == 0 {
			return nil
		}
		var lengths, gaps []float64
		parts := active.untilRest()
		total := 0.0
		for i, part := range parts {
			length := part.last().Sub(part.first()).Seconds()
			lengths, total = append(lengths, length), total+length
			if i > 0 {
				gaps = append(gaps, part.first().Sub(parts[i-1].last()).Seconds())
			}
		}
		row := all.person()
		row["sessions"], row["seconds_mean"], row["seconds_total"], row["seconds_between_mean"] = len(parts), mean(lengths), total, mean(gaps)
		return []Row{row}
	},
	mutations: []mutation{
		{"max(a.latest)", "min(a.latest)"},
		{"rest > 1800000", "rest > 1900000"},
		{"uniqExact(visitor_id)", "count()"},
		{"/ (sessions - 1)", "/ sessions"},
		{"AND user_id != ''", ""},
		{"(name, value.2)", "(name, 'x')"},
	},
}

var endUserTimeline = question{
	view: "end_user_timeline", everyone: true, askedWith: profiles(),
	answer: func(h *house, a asked) []Row {
		a.audience = "all"
		var rows []Row
		for _, e := range h.events(a, func(e *dataset.Event) bool { return e.User != "" && e.User == a.more["user"] }) {
			rows = append(rows, Row{
				"time": clock(e.Time), "event": e.Name, "item_type": e.ItemType, "item_id": e.ItemID, "item_name": e.ItemName, "step_name": e.StepName,
				"url_path": e.URLPath, "page_title": e.PageTitle, "session_id": e.Session, "environment": e.Environment, "preview": e.Preview,
			})
		}
		return rows
	},
	mutations: []mutation{
		{"FROM events FINAL", "FROM events_live"},
		{"LIMIT 1 BY event_id", ""},
		{"AND user_id = {user:String} AND user_id != ''", ""},
		{"time < toDateTime64('{to}' + 1, 3, 'UTC')", "time < toDateTime64('{to}', 3, 'UTC')"},
	},
}

// A timeline is read from its begin.
func TestATimelineIsInOrder(t *testing.T) {
	h := open(t)
	for _, a := range profiles()[:5] {
		rows := h.ask(t, endUserTimeline.call("end_user_timeline", a))
		if len(rows) < 2 {
			t.Errorf("%s: %d rows", a, len(rows))
		}
		if !slices.IsSortedFunc(rows, func(a, b Row) int { return cmp.Compare(a["time"].(string), b["time"].(string)) }) {
			t.Errorf("%s: not in the order of time", a)
		}
	}
}

// ofProduction are the account's events that plain views have, by what they are a row of.
func (h *house) ofProduction(a asked, key func(e *dataset.Event) string) map[string]happenings {
	out := make(map[string]happenings)
	for _, e := range h.stored {
		if a.audience = "live"; e.Account == a.account && a.has(surroundingOf(e)) && key(e) != "" {
			out[key(e)] = append(out[key(e)], e)
		}
	}
	return out
}

var endUsers = question{
	view: "end_users", plain: "account_id = '{account}'",
	askedWith: []asked{{account: dataset.Acme}, {account: dataset.Globex}, {account: "nobody"}},
	answer: func(h *house, a asked) []Row {
		var rows []Row
		for _, events := range h.ofProduction(a, func(e *dataset.Event) string { return e.User }) {
			row := events.person()
			row["account_id"] = a.account
			rows = append(rows, row)
		}
		return rows
	},
	mutations: []mutation{
		{"AND NOT preview", ""},
		{"('production', '')", "('production')"},
		{"AND user_id != ''", ""},
		{"max(a.last_seen)", "max(a.first_seen)"},
	},
}

var companies = question{
	view: "companies", plain: "account_id = '{account}'",
	askedWith: []asked{{account: dataset.Acme}, {account: dataset.Globex}, {account: "nobody"}},
	answer: func(h *house, a asked) []Row {
		var rows []Row
		for company, events := range h.ofProduction(a, func(e *dataset.Event) string { return e.Company }) {
			users, visitors := crowd{}, crowd{}
			for _, e := range events {
				users[e.Person()], visitors[e.Visitor] = true, true
			}
			rows = append(rows, Row{
				"account_id": a.account, "company_id": company, "users": len(users), "visitors": len(visitors), "first_seen": clock(events.first()), "last_seen": clock(events.last()),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"AND NOT is_bot", ""},
		{"if(user_id = '', visitor_id, user_id)", "visitor_id"},
	},
}
