package answers

import (
	"slices"
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

var sessionsView = question{
	view: "sessions", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		var rows []Row
		for _, s := range h.sessions(a) {
			rows = append(rows, Row{
				"account_id": a.account, "visitor_id": s.visitor, "user_id": s.user, "company_id": s.company,
				"started_at": clock(s.began), "ended_at": clock(s.ended), "seconds": s.seconds(), "events": s.events, "views": s.views,
				"entry": map[string]any{
					"time": clock(s.began), "traffic_source": s.entry.TrafficSource, "utm_source": s.entry.UTMSource, "utm_medium": s.entry.UTMMedium,
					"utm_campaign": s.entry.UTMCampaign, "referrer_host": s.entry.ReferrerHost, "url_path": s.entry.URLPath,
				},
				"country_code": s.country, "browser": s.browser, "os": s.os, "device_type": s.device, "language": s.language,
			})
		}
		return rows
	},
	mutations: []mutation{
		{"rest > 1800000", "rest > 1801000"},
		{"- toIntervalMinute(30)\n", "\n"},   // what began before midnight begins at midnight
		{"AND '{to}' + 1\n", "AND '{to}'\n"}, // and ends at the next one
		{"(time, value), users, lasts", "(value, time), users, lasts"},
		{"(slot, value), countries", "(value, slot), countries"},
		{"visitor_activity FINAL", "visitor_activity"},
	},
}

var activeUsers = question{
	view: "active_users",
	askedWith: append(usual(), // more days than one number has bits, and as many as it has
		asked{account: dataset.Acme, from: dataset.FirstDay.AddDate(0, 0, -50), to: dataset.LastDay.AddDate(0, 0, 70), audience: "live"},
		asked{account: dataset.Acme, from: dataset.LastDay.AddDate(0, 0, -34), to: dataset.LastDay, audience: "all"},
		asked{account: dataset.Globex, from: dataset.LastDay.AddDate(0, 0, -35), to: dataset.LastDay, audience: "all"},
	),
	answer: func(h *house, a asked) []Row {
		crowds := crowdsOf(h.halfHours(a, a.from.AddDate(0, 0, -40), a.to))
		var rows []Row
		for _, day := range a.days() {
			dau, wau, mau := len(since(crowds, day, day)), len(since(crowds, day.AddDate(0, 0, -6), day)), len(since(crowds, day.AddDate(0, 0, -29), day))
			rows = append(rows, Row{"day": date(day), "dau": dau, "wau": wau, "mau": mau, "stickiness": ratio(dau, mau)})
		}
		return rows
	},
	mutations: []mutation{
		{"127", "63"},
		{"1073741823", "536870911"},
		{"23 + place", "22 + place"},
		{"29 + place", "28 + place"},
		{"from = '{from}' - 29", "from = '{from}' - 28"},
		{"SELECT person, toDate(slot)", "SELECT cityHash64(user_id) AS person, toDate(slot)"},
		{"SELECT person, toDate(slot)", "SELECT cityHash64(visitor_id) AS person, toDate(slot)"},
		{"intDiv(greatest(since, 63) - 29, 35)", "intDiv(since, 35)"},
		{"intDiv(greatest(since, 63) - 29, 35)", "intDiv(greatest(since, 63) - 28, 35)"},
		{"35)) + 1", "35))"},
		{"count() AS users", "1 AS users"},
	},
}

var retention = question{
	view: "retention",
	askedWith: append(usual(),
		asked{account: dataset.Acme, from: day(2, 25), to: day(3, 18), audience: "live"}, // parts of weeks
		asked{account: dataset.Globex, from: day(3, 2), to: day(3, 29), audience: "all"}, // whole ones, Monday to Sunday
	),
	answer: func(h *house, a asked) []Row {
		cohorts, came := groups[time.Time, crowd]{}, groups[[2]time.Time, crowd]{}
		first := h.firstTimes(a)
		for _, row := range h.halfHours(a, a.from, a.to) {
			if !a.in(first[row.person()]) {
				continue
			}
			cohort := monday(first[row.person()])
			for _, c := range []*crowd{cohorts.of(cohort), came.of([2]time.Time{cohort, monday(row.slot)})} {
				if *c == nil {
					*c = crowd{}
				}
				(*c)[row.person()] = true
			}
		}
		var rows []Row
		for cohort, users := range cohorts {
			for n, week := 0, cohort; !week.After(a.to); n, week = n+1, week.AddDate(0, 0, 7) {
				back := len(*came.of([2]time.Time{cohort, week}))
				rows = append(rows, Row{"cohort_week": date(cohort), "cohort_users": len(*users), "week": n, "users": back, "rate": ratio(back, len(*users))})
			}
		}
		return rows
	},
	mutations: []mutation{
		{"toMonday(", "toStartOfWeek("},
		{"WHERE f.first_time >= toDateTime64('{from}', 3, 'UTC')", ""},
		{"first_times(account = {account:String}, audience = {audience:String})", "first_times(account = {account:String}, audience = 'all')"},
		{"- cohort_week, 7) + 1)", "- cohort_week, 7))"},
	},
}

var sessionsOverview = question{
	view: "sessions_overview", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		type total struct {
			users         crowd
			seconds       []float64
			events, views int
		}
		totals := groups[time.Time, total]{}
		for _, s := range h.sessions(a) {
			t := totals.of(s.day())
			if t.users == nil {
				t.users = crowd{}
			}
			t.users[s.person()] = true
			t.seconds, t.events, t.views = append(t.seconds, s.seconds()), t.events+s.events, t.views+s.views
		}
		var rows []Row
		for _, day := range a.days() {
			t := totals.of(day)
			n := len(t.seconds)
			rows = append(rows, Row{
				"day": date(day), "sessions": n, "users": len(t.users), "sessions_per_user": ratio(n, len(t.users)),
				"seconds_median": quantile(0.5, t.seconds), "seconds_mean": mean(t.seconds), "events_per_session": ratio(t.events, n), "views_per_session": ratio(t.views, n),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"if(b.user_id = '', b.visitor_id, b.user_id)", "b.visitor_id"},
		{"quantileExactInclusive(b.seconds)", "quantileExactLow(b.seconds)"},
		{"sum(b.views) AS views", "count() AS views"},
		{"toDate(started_at) AS day", "toDate(ended_at) AS day"},
	},
}

var newVsReturning = question{
	view: "new_vs_returning", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		first, crowds := h.firstTimes(a), crowdsOf(h.halfHours(a, a.from, a.to))
		var rows []Row
		for _, day := range a.days() {
			newcomers, all := 0, since(crowds, day, day)
			for person := range all {
				if first[person].Truncate(24 * time.Hour).Equal(day) {
					newcomers++
				}
			}
			rows = append(rows, Row{"day": date(day), "new_users": newcomers, "returning_users": len(all) - newcomers})
		}
		return rows
	},
	mutations: []mutation{
		{"first_times(account = {account:String}, audience = {audience:String})", "first_times(account = {account:String}, audience = 'all')"},
		{"day = toDate(f.first_time)", "day <= toDate(f.first_time) + 7"},
		{"SELECT person, toDate(slot) AS day", "SELECT cityHash64(visitor_id) AS person, toDate(slot) AS day"},
	},
}

var trafficSources = question{
	view: "traffic_sources", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		type total struct {
			sessions    int
			users, news crowd
		}
		type source struct{ traffic, source, medium, campaign, referrer string }
		first, totals := h.firstTimes(a), groups[source, total]{}
		for _, s := range h.sessions(a) {
			t := totals.of(source{s.entry.TrafficSource, s.entry.UTMSource, s.entry.UTMMedium, s.entry.UTMCampaign, s.entry.ReferrerHost})
			if t.users == nil {
				t.users, t.news = crowd{}, crowd{}
			}
			t.sessions++
			t.users[s.person()] = true
			at := first[s.person()]
			t.news.add(s.person(), !at.Before(s.began) && !at.After(s.ended))
		}
		var rows []Row
		for of, t := range totals {
			rows = append(rows, Row{
				"traffic_source": of.traffic, "utm_source": of.source, "utm_medium": of.medium, "utm_campaign": of.campaign, "referrer_host": of.referrer,
				"sessions": t.sessions, "users": len(t.users), "new_users": len(t.news),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"f.first_time BETWEEN s.started_at AND s.ended_at", "f.first_time = s.started_at"},
		{"first_times(account = {account:String}, audience = {audience:String})", "first_times(account = {account:String}, audience = 'all')"},
		{"uniqExact(s.person) AS users", "count() AS users"},
		{"if(user_id = '', visitor_id, user_id)", "visitor_id"},
	},
}

var byWhat = func() []asked {
	var all []asked
	for i, by := range []string{"country", "city", "browser", "os", "device", "page", "language", "company"} {
		for j, a := range usual() {
			if j < 3 || j%8 == i {
				a.more = map[string]string{"by": by}
				all = append(all, a)
			}
		}
	}
	return all
}()

var breakdown = question{
	view: "breakdown", askedWith: byWhat,
	answer: func(h *house, a asked) []Row {
		type total struct {
			users crowd
			ids   map[[16]byte]bool
		}
		totals := groups[string, total]{}
		add := func(value, person string, e *dataset.Event) {
			t := totals.of(value)
			if t.users == nil {
				t.users, t.ids = crowd{}, make(map[[16]byte]bool)
			}
			t.users[person], t.ids[e.ID] = true, true
		}
		by := a.more["by"]
		if by == "city" || by == "page" {
			for _, e := range h.events(a, func(e *dataset.Event) bool { return e.ItemType != "session" || e.Name != "end" }) {
				add(map[string]string{"city": e.City, "page": e.URLPath}[by], e.Person(), e)
			}
		} else {
			for _, row := range h.halfHours(a, a.from, a.to) {
				value := map[string]string{
					"country": row.country, "browser": row.browser, "os": row.os, "device": row.device, "language": row.language, "company": row.company,
				}[by]
				for _, e := range row.happenings {
					add(value, row.person(), e)
				}
			}
		}
		var rows []Row
		for value, t := range totals {
			rows = append(rows, Row{"value": value, "users": len(t.users), "events": len(t.ids)})
		}
		return rows
	},
	mutations: []mutation{
		{"visitor_activity FINAL", "visitor_activity"},
		{"events FINAL", "events"},
		{"AND NOT (item_type = 'session' AND event = 'end')", ""},
		{"uniqExact(b.person) AS users", "count() AS users"},
		{"time < toDateTime64('{to}' + 1, 3, 'UTC')", "time < toDateTime64('{to}', 3, 'UTC')"},
		{"toString(city), url_path)", "toString(country), url_path)"},
	},
}

var companyEngagement = question{
	view: "company_engagement", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		type total struct {
			users                      crowd
			days                       map[time.Time]bool
			ids                        map[[16]byte]bool
			sessions, plays, completed int
			last                       time.Time
		}
		totals := groups[string, total]{}
		of := func(company string) *total {
			t := totals.of(company)
			if t.users == nil {
				t.users, t.days, t.ids = crowd{}, make(map[time.Time]bool), make(map[[16]byte]bool)
			}
			return t
		}
		for _, row := range h.halfHours(a, a.from, a.to) {
			t := of(row.company)
			t.users[row.person()], t.days[row.day()] = true, true
			for _, e := range row.happenings {
				t.ids[e.ID] = true
			}
			if t.last.Before(row.last()) {
				t.last = row.last()
			}
		}
		for _, s := range h.sessions(a) {
			of(s.company).sessions++
		}
		for _, i := range h.interactions(a) {
			first := slices.MinFunc(i.activities, func(a, b *activity) int {
				if c := a.first().Compare(b.first()); c != 0 {
					return c
				}
				return map[bool]int{true: -1, false: 1}[a.company < b.company]
			})
			t := of(first.company)
			played := i.has("play")
			if played {
				t.plays++
			}
			if i.has("complete") && (played || i.kind != "walkthru" && i.kind != "autoplay") {
				t.completed++
			}
		}
		delete(totals, "")
		var rows []Row
		for company, t := range totals {
			row := Row{
				"company_id": company, "users": len(t.users), "active_days": len(t.days), "sessions": t.sessions, "events": len(t.ids),
				"plays": t.plays, "completed": t.completed, "last_seen": nil,
			}
			if !t.last.IsZero() {
				row["last_seen"] = clock(t.last)
			}
			rows = append(rows, row)
		}
		return rows
	},
	mutations: []mutation{
		{"AND (bitTest(happened, 2) OR NOT of_plays)", ""},
		{"min(bitOr(", "max(bitOr("},
		{"uniqExact(toDate(slot)) AS active_days", "uniqExact(slot) AS active_days"},
		{"FINAL", ""},
		{"max(a.last_time)", "max(a.first_time)"},
		{"BETWEEN '{from}' - 1 AND '{to}' + 1", "BETWEEN '{from}' - 1 AND '{to}'"},
	},
}
