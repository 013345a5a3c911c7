package answers

import (
	"slices"
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// measures are an item's counts and rates by the kind of item, as item_compare has them.
func (h *house) measures(a asked) map[string]map[string]any {
	all := make(map[string]map[string]any)
	for _, row := range itemRatesOf(h, a) {
		if row["item_id"] == a.item {
			all[row["item_type"].(string)] = row
		}
	}
	for _, row := range timeToComplete.answer(h, a) {
		if row["item_id"] == a.item {
			all[row["item_type"].(string)]["seconds_to_complete_median"] = row["seconds_median"]
		}
	}
	return all
}

var itemCompare = question{
	view: "item_compare", item: true,
	askedWith: []asked{
		{dataset.Acme, day(3, 16), dataset.LastDay, "live", "101", compared(day(3, 1), day(3, 15), "live")},
		{dataset.Acme, day(3, 1), day(3, 31), "country:DE", `wt-"é'\日本`, compared(day(3, 1), day(3, 31), "country:US")},
		{dataset.Acme, day(3, 1), day(3, 31), "live", "601", compared(day(2, 1), day(2, 28), "live")},
		{dataset.Acme, day(3, 1), day(3, 31), "live", "301", compared(day(5, 1), day(5, 31), "live")}, // nothing to compare with
		{dataset.Acme, day(3, 1), day(3, 31), "live", "no item", compared(day(2, 1), day(2, 28), "live")},
	},
	answer: func(h *house, a asked) []Row {
		parse := func(text string) time.Time {
			at, err := time.Parse(time.DateOnly, text)
			if err != nil {
				panic(err)
			}
			return at
		}
		other := asked{a.account, parse(a.more["other_from"]), parse(a.more["other_to"]), a.more["other_audience"], a.item, nil}
		these, those := h.measures(a), h.measures(other)
		var rows []Row
		for _, kind := range []string{"walkthru", "launcher", "shoutout", "smarttip", "survey", "task", "course", "resource"} {
			this, that := these[kind], those[kind]
			if this == nil && that == nil {
				continue
			}
			for _, metric := range []string{
				"exposed_users", "interacting_users", "engagement_rate", "plays", "players", "completed", "completion_rate", "goals", "goal_users", "goal_rate",
				"failed", "stopped", "dismissed", "seconds_to_complete_median",
			} {
				value, otherValue := this[metric], that[metric]
				if slices.Contains([]string{"engagement_rate", "completion_rate", "goal_rate", "seconds_to_complete_median"}, metric) {
					if metric == "seconds_to_complete_median" && value == nil && otherValue == nil {
						continue
					}
				} else { // a count of nothing is 0
					if value == nil {
						value = 0
					}
					if otherValue == nil {
						otherValue = 0
					}
				}
				var change any
				if v, is := real64(value); is {
					if o, is := real64(otherValue); is && o != 0 {
						change = v/o - 1
					}
				}
				rows = append(rows, Row{"metric": metric, "value": value, "other_value": otherValue, "change": change, "item_type": kind})
			}
		}
		return rows
	},
	mutations: []mutation{
		{"value / other_value - 1", "value / other_value"},
		{"audience = {other_audience:String}", "audience = {audience:String}"},
		{"coalesce(maxIf(amount, other), 0)", "maxIf(amount, other)"},
	},
}

func compared(from, to time.Time, audience string) map[string]string {
	return map[string]string{"other_from": date(from), "other_to": date(to), "other_audience": audience}
}

// real64 is a count or a rate as a number; NULL is none.
func real64(value any) (float64, bool) {
	switch v := value.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

var guideEffect = question{
	view: "guide_effect", item: true,
	askedWith: []asked{
		{dataset.Acme, dataset.FirstDay, dataset.LastDay, "live", "101", goal("Order placed")},
		{dataset.Acme, day(3, 1), day(3, 31), "live", "101", goal("Signed up")},
		{dataset.Acme, day(3, 1), day(3, 31), "all", `wt-"é'\日本`, goal("l'ordre")},
		{dataset.Acme, day(3, 1), day(3, 31), "country:DE", "103", goal("Order placed")},
		{dataset.Globex, day(2, 16), day(3, 31), "live", "601", goal("Order placed")},
		{dataset.Globex, day(2, 28), day(2, 28), "live", "301", goal("Order placed")},
		{dataset.Acme, day(3, 1), day(3, 31), "live", "101", goal("never")},
		{dataset.Acme, day(5, 1), day(5, 31), "live", "101", goal("Order placed")},
	},
	answer: func(h *house, a asked) []Row {
		firstSeen := h.firstSeen(a)
		took := make(map[string]time.Time)
		for _, row := range h.active(a, a.from, a.to) {
			if row.item != a.item {
				continue
			}
			at, is := row.at("play")
			if row.kind != "walkthru" && row.kind != "autoplay" {
				at, is = row.first(), row.acted()
			}
			if before, took1 := took[row.person()]; is && (!took1 || at.Before(before)) {
				took[row.person()] = at
			}
		}
		reached := make(map[string]time.Time)
		for _, e := range h.events(a, of("custom")) {
			if said(e).Name != a.more["goal"] {
				continue
			}
			if at, is := took[e.Person()]; is && e.Time.Before(at) {
				continue
			}
			if before, is := reached[e.Person()]; !is || e.Time.Before(before) {
				reached[e.Person()] = e.Time
			}
		}
		type side struct {
			users, reached int
			days           []float64
		}
		sides := groups[bool, side]{}
		for who, seen := range firstSeen {
			if !a.in(seen) {
				continue
			}
			_, is := took[who]
			s := sides.of(is)
			s.users++
			if at, is := reached[who]; is {
				s.reached++
				s.days = append(s.days, at.Sub(seen).Hours()/24)
			}
		}
		var rows []Row
		for is, s := range sides {
			rows = append(rows, Row{
				"took_it": is, "users": s.users, "reached": s.reached, "reach_rate": ratio(s.reached, s.users), "days_to_goal_median": quantile(0.5, s.days),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"took_at IS NULL OR at >= took_at", "1"},
		{"toDate(slot) <= '{to}' AND", "toDate(slot) BETWEEN '{from}' AND '{to}' AND"},
		{"started_at IS NOT NULL, interacted", "exposed, interacted"},
		{"dateDiff('millisecond', first_seen, arrayMin(counted))", "dateDiff('millisecond', first_seen, arrayMax(counted))"},
	},
}

func goal(name string) map[string]string { return map[string]string{"goal": name} }

// firstSeen is when each of the account's people was first seen in the audience, up to the last day that is asked for. The end of a session is told
// after they left. Countries and the like are those of a visitor's half hour, of several the last by alphabet.
func (h *house) firstSeen(a asked) map[string]time.Time {
	type key struct {
		visitor, user, company, environment string
		preview, bot                        bool
		slot                                time.Time
	}
	type half struct {
		surrounding
		first  time.Time
		person string
	}
	halves := make(map[key]*half)
	for _, e := range h.stored {
		if e.Account != a.account || e.ItemType == "session" && e.Name == "end" || e.Day().After(a.to) {
			continue
		}
		k := key{e.Visitor, e.User, e.Company, e.Environment, e.Preview, e.IsBot, e.Time.Truncate(30 * time.Minute)}
		one := halves[k]
		if one == nil {
			one = &half{surroundingOf(e), e.Time, e.Person()}
			halves[k] = one
		}
		one.country, one.browser, one.os = max(one.country, e.CountryCode), max(one.browser, e.Browser), max(one.os, e.OS)
		one.device, one.language = max(one.device, e.Device), max(one.language, e.Language)
		if e.Time.Before(one.first) {
			one.first = e.Time
		}
	}
	first := make(map[string]time.Time)
	for _, one := range halves {
		if before, is := first[one.person]; a.has(one.surrounding) && (!is || one.first.Before(before)) {
			first[one.person] = one.first
		}
	}
	return first
}
