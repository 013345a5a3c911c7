package answers

import (
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// An item is what rows about items begin with.
type item struct{ kind, id string }

// total is one item's or one day's, of whole interactions.
type total struct {
	named
	exposed, acted, players, reachers, milestoners crowd
	plays, completed, completedPlays               int
	goals, failed, stopped, dismissed              int
}

func (t *total) add(i *interaction) {
	if t.exposed == nil {
		t.exposed, t.acted, t.players, t.reachers, t.milestoners = crowd{}, crowd{}, crowd{}, crowd{}, crowd{}
	}
	count := func(of *int, when bool) {
		if when {
			*of++
		}
	}
	who, played, completed := i.person(), i.has("play"), i.has("complete")
	name := i.named()
	t.named = t.named.or(name.at, name.name)
	t.exposed.add(who, i.exposed())
	t.acted.add(who, i.acted())
	t.players.add(who, played)
	t.reachers.add(who, i.has("goal"))
	t.milestoners.add(who, i.has("milestone"))
	count(&t.plays, played)
	count(&t.completedPlays, played && completed)
	count(&t.completed, completed && (played || i.kind != "walkthru" && i.kind != "autoplay"))
	count(&t.goals, i.has("goal"))
	count(&t.failed, i.has("play_failed"))
	count(&t.stopped, i.has("stop"))
	count(&t.dismissed, i.has("close", "snooze", "dismiss"))
}

// totals are of each item.
func (h *house) totals(a asked, kinds ...string) groups[item, total] {
	all := groups[item, total]{}
	for _, i := range h.interactions(a, kinds...) {
		all.of(item{i.kind, i.item}).add(i)
	}
	return all
}

// names are each item's latest in the span, of the days' activities.
func (h *house) names(a asked) map[item]named {
	names := make(map[item]named)
	for _, row := range h.active(a, a.from, a.to) {
		of := item{row.kind, row.item}
		names[of] = names[of].or(row.last(), row.name())
	}
	return names
}

// itemRatesOf is what item_rates has.
func itemRatesOf(h *house, a asked) []Row {
	names := h.names(a)
	var rows []Row
	for of, t := range h.totals(a) {
		goalUsers := t.players.both(t.reachers)
		rows = append(rows, Row{
			"item_type": of.kind, "item_id": of.id, "item_name": names[of].name,
			"exposed_users": len(t.exposed), "interacting_users": len(t.acted), "engagement_rate": ratio(t.exposed.both(t.acted), len(t.exposed)),
			"plays": t.plays, "players": len(t.players), "completed": t.completed, "completion_rate": ratio(t.completedPlays, t.plays),
			"goals": t.goals, "milestone_users": t.players.both(t.milestoners), "goal_users": goalUsers, "goal_rate": ratio(goalUsers, len(t.players)),
			"failed": t.failed, "stopped": t.stopped, "dismissed": t.dismissed,
		})
	}
	return rows
}

var itemEngagement = question{
	view: "item_engagement", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		rows := itemRatesOf(h, a)
		for _, row := range rows {
			delete(row, "milestone_users")
		}
		return rows
	},
	mutations: []mutation{{"item = '')", "item = '101')"}, {"EXCEPT (milestone_users)", "EXCEPT (goal_users)"}},
}

var itemRates = question{
	view: "item_rates", item: true, askedWith: usual("", "101"), answer: itemRatesOf,
	mutations: []mutation{
		{"countIf(of_user AND bitTest(ever, 0)) AS", "sumIf(n, of_user AND bitTest(ever, 0)) AS"},
		{"engaged_users / exposed_users", "interacting_users / exposed_users"},
		{"bitTest(ever, 2) AND bitTest(ever, 5)", "bitTest(ever, 5)"},
		{"if(item_type IN ('walkthru', 'autoplay'), completed_plays, completions)", "completions"},
		{"SELECT item, max(day)", "SELECT item, min(day)"},
		{"NOT preview AND NOT is_bot", "NOT is_bot"},
		{"BETWEEN '{from}' - 1 AND '{to}' + 1", "BETWEEN '{from}' - 1 AND '{to}'"},
		{"BETWEEN '{from}' - 1 AND '{to}' + 1", "BETWEEN '{from}' AND '{to}' + 1"},
		{"GROUP BY interaction\n", "GROUP BY item_type, item_id, if(interaction_id = '', concat(visitor_id, user_id), interaction_id)\n"}, // a person's days are one
		{"GROUP BY interaction\n", "GROUP BY item_type, item_id, interaction_id, visitor_id, user_id, day\n"},                             // over midnight it is two
		{"min(first_step) < max(last_step)", "min(first_step) <= max(last_step)"},
		{"min(bitOr(", "max(bitOr("},
		{"toUInt128(a.person)", "toUInt128(cityHash64(visitor_id))"},
		{"groupBitOr(happened)", "max(happened)"},
		{"GROUPING SETS ((item, person),", "GROUPING SETS ((item, began),"},
	},
}

var walkthruFunnel = question{
	view: "walkthru_funnel", item: true, askedWith: usual("101", `wt-"é'\日本`, "104"),
	answer: func(h *house, a asked) []Row {
		type step struct {
			named
			users                 crowd
			plays, entered, ended int
			seconds               []float64
		}
		steps := groups[int32, step]{}
		for _, i := range h.interactions(a, "walkthru") {
			path := i.path()
			for n, this := range path {
				s := steps.of(this.index)
				if s.users == nil {
					s.users = crowd{}
				}
				s.named = s.named.or(i.began, this.name)
				s.plays++
				s.users.add(i.person(), true)
				if n == 0 {
					s.entered++
				}
				if n+1 < len(path) {
					s.seconds = append(s.seconds, path[n+1].at.Sub(this.at).Seconds())
				} else if !i.has("complete") {
					s.ended++
				}
			}
		}
		var rows []Row
		for index, s := range steps {
			rows = append(rows, Row{
				"step_index": int(index), "step_name": s.name, "plays": s.plays, "users": len(s.users), "entered_here": s.entered, "ended_here": s.ended,
				"drop_off_rate":          ratio(s.ended, s.plays),
				"seconds_to_next_median": quantile(0.5, s.seconds), "seconds_to_next_p90": quantile(0.9, s.seconds),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"arraySort(arrayZip(times, places, names))", "arraySort(shown -> shown.2, arrayZip(times, places, names))"},
		{"uniqExactIf(toUInt64(began), is_new)", "countIf(is_new)"},
		{"AND completed IS NULL", ""},
		{"quantileExactInclusive(0.9)", "quantileExact(0.9)"},
		{"place = 1", "step.2 = 0"},
		{"nth -> nth = 1", "nth -> nth >= 1"},
		{"), 14) AS step_name", "), 13) AS step_name"},
		{"GROUP BY interaction\n", "GROUP BY interaction_id, day\n"},
	},
}

var walkthruCompletion = question{
	view: "walkthru_completion", item: true, askedWith: usual("", "101", "105"),
	answer: func(h *house, a asked) []Row {
		days := groups[time.Time, total]{}
		for _, i := range h.interactions(a, "walkthru") {
			days.of(i.began.Truncate(24 * time.Hour)).add(i)
		}
		var rows []Row
		for day, t := range days {
			rows = append(rows, Row{
				"day": date(day), "plays": t.plays, "completed": t.completedPlays, "completion_rate": ratio(t.completedPlays, t.plays),
				"stopped": t.stopped, "failed": t.failed,
			})
		}
		return rows
	},
	mutations: []mutation{
		{"countIf(bitTest(did, 2) AND bitTest(did, 3))", "countIf(bitTest(did, 3))"},
		{"toDate(min(a.first_time))", "toDate(max(a.last_time))"},
		{"WHERE item_type = 'walkthru'", ""},
		{"GROUP BY interaction\n", "GROUP BY interaction, user_id\n"},
		{"bitTest(did, 7)", "bitTest(did, 8)"},
		{"bitTest(did, 6)", "bitTest(did, 5)"},
	},
}

var failureReasons = question{
	view: "failure_reasons", item: true, askedWith: usual("", "101"),
	answer: func(h *house, a asked) []Row {
		type key struct {
			item
			reason string
		}
		reasons, items := groups[key, total]{}, groups[item, total]{}
		people := make(map[key]crowd)
		for _, i := range h.interactions(a) {
			if !i.has("play_failed") {
				continue
			}
			reason := ""
			for _, e := range i.happenings {
				reason = max(reason, e.FailureReason)
			}
			k := key{item{i.kind, i.item}, reason}
			if people[k] == nil {
				people[k] = crowd{}
			}
			people[k].add(i.person(), true)
			reasons.of(k).add(i)
			items.of(k.item).add(i)
		}
		var rows []Row
		for k, t := range reasons {
			rows = append(rows, Row{
				"item_type": k.kind, "item_id": k.id, "item_name": t.name, "reason": k.reason,
				"failed": t.failed, "users": len(people[k]), "share": ratio(t.failed, items[k.item].failed),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"uniqExact(if(user_id = '', visitor_id, user_id))", "count()"},
		{"PARTITION BY item_type, item_id)", "PARTITION BY item_type)"},
		{"bitTest(happened, 6)", "bitAnd(happened, 68) = 68"}, // started, too
		{"toDate(min(m.first_time)) BETWEEN {from:Date}", "toDate(min(m.first_time)) BETWEEN {from:Date} - 1"},
	},
}

var goalRate = question{
	view: "goal_rate", item: true, askedWith: usual("", "101"),
	answer: func(h *house, a asked) []Row {
		names := h.names(a)
		var rows []Row
		for of, t := range h.totals(a, "walkthru") {
			if len(t.players) == 0 {
				continue
			}
			reached := t.players.both(t.reachers)
			rows = append(rows, Row{
				"item_type": of.kind, "item_id": of.id, "item_name": names[of].name,
				"players": len(t.players), "milestone_users": t.players.both(t.milestoners), "goal_users": reached, "goal_rate": ratio(reached, len(t.players)),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"item_type = 'walkthru' AND", ""},
		{"SELECT item_type, item_id, item_name, players, milestone_users", "SELECT item_type, item_id, item_name, players, interacting_users AS milestone_users"},
	},
}

var timeToComplete = question{
	view: "time_to_complete", item: true, askedWith: usual("", "101"),
	answer: func(h *house, a asked) []Row {
		type times struct {
			named
			seconds []float64
		}
		items := groups[item, times]{}
		for _, i := range h.interactions(a, "walkthru") {
			started, played := i.at("play")
			completed, is := i.at("complete")
			if !played || !is || completed.Before(started) {
				continue
			}
			t, name := items.of(item{i.kind, i.item}), i.named()
			t.named = t.named.or(name.at, name.name)
			t.seconds = append(t.seconds, completed.Sub(started).Seconds())
		}
		var rows []Row
		for of, t := range items {
			rows = append(rows, Row{
				"item_type": of.kind, "item_id": of.id, "item_name": t.name, "completed": len(t.seconds),
				"seconds_median": quantile(0.5, t.seconds), "seconds_p90": quantile(0.9, t.seconds), "seconds_mean": mean(t.seconds),
				"seconds_min": quantile(0, t.seconds), "seconds_max": quantile(1, t.seconds),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"AND seconds_to_complete >= 0", ""},
		{"quantileExactInclusive(0.5)", "quantileExact(0.5)"},
		{"avg(seconds_to_complete)", "quantileExactInclusive(0.5)(seconds_to_complete)"},
	},
}

var itemDays = question{
	view: "item_days", plain: "account_id = '{account}' AND day BETWEEN '{from}' AND '{to}'", askedWith: plainly(),
	answer: func(h *house, a asked) []Row {
		type key struct {
			item
			day time.Time
		}
		type totals struct {
			named
			exposed, acted, players, goal                groups[string, bool]
			plays, completed, failed, stopped, dismissed groups[string, bool]
		}
		days := groups[key, totals]{}
		for _, row := range h.active(a, a.from, a.to) {
			t := days.of(key{item{row.kind, row.item}, row.day})
			t.named = t.named.or(row.last(), row.name())
			play := row.interaction
			if play == "" {
				play = row.visitor + " " + row.user
			}
			for _, one := range []struct {
				in   *groups[string, bool]
				who  string
				when bool
			}{
				{&t.exposed, row.person(), row.exposed()}, {&t.acted, row.person(), row.acted()}, {&t.players, row.person(), row.has("play")},
				{&t.goal, row.person(), row.has("goal")}, {&t.plays, play, row.has("play")}, {&t.completed, play, row.has("complete")},
				{&t.failed, play, row.has("play_failed")}, {&t.stopped, play, row.has("stop")}, {&t.dismissed, play, row.has("close", "snooze", "dismiss")},
			} {
				if *one.in == nil {
					*one.in = groups[string, bool]{}
				}
				if one.when {
					one.in.of(one.who)
				}
			}
		}
		var rows []Row
		for k, t := range days {
			rows = append(rows, Row{
				"account_id": a.account, "day": date(k.day), "item_type": k.kind, "item_id": k.id, "item_name": t.name,
				"exposed_users": len(t.exposed), "interacting_users": len(t.acted), "plays": len(t.plays), "players": len(t.players),
				"completed": len(t.completed), "goal_users": len(t.goal), "failed": len(t.failed), "stopped": len(t.stopped), "dismissed": len(t.dismissed),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"AND NOT preview", ""},
		{"uniqExactIf(person, a.started_at IS NOT NULL)", "countIf(a.started_at IS NOT NULL)"},
		{"cityHash64(visitor_id, user_id)", "cityHash64(visitor_id, '')"},
		{"IN ('production', '')", "= 'production'"},
	},
}

// plainly are accounts and spans of views without parameters.
func plainly() []asked {
	return []asked{
		{account: dataset.Acme, from: dataset.FirstDay, to: dataset.LastDay, audience: "live"},
		{account: dataset.Globex, from: day(2, 28), to: day(3, 1), audience: "live"},
		{account: dataset.Tiny, from: dataset.FirstDay, to: dataset.LastDay, audience: "live"},
	}
}
