package model

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
)

// midnight is one between two months.
var midnight = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// anyEvents makes n events of few people and items, so that many share a row.
func anyEvents(r *rand.Rand, n int) []event {
	out := make([]event, n)
	for i := range out {
		var id uuid.UUID
		for j := range id {
			id[j] = byte(r.Uint32())
		}
		e := event{
			id: id, at: midnight.Add(time.Duration(r.IntN(40*3600*1000)-20*3600*1000) * time.Millisecond),
			account: pick(r, "a", "b"), visitor: pick(r, "v1", "v2", "v3"), user: pick(r, "", "u1", "ü2"), company: pick(r, "", "c1"), environment: pick(r, "production", "test"),
			preview: r.IntN(8) == 0, bot: r.IntN(8) == 0,
			itemType: pick(r, "walkthru", "walkthru", "survey", "course", "resource", "page", "session", "user", "custom"), item: pick(r, "1", "2"), name: pick(r, "Log in", "Sign up"),
			event:       pick(r, "play", "play_failed", "step", "step", "milestone", "goal", "complete", "stop", "close", "snooze", "submit", "click", "open", "show", "end", "identify"),
			interaction: pick(r, "", "p1", "p2"), step: int32(r.IntN(4) - 1), stepName: pick(r, "first", "second"), stepCount: uint32(r.IntN(3)), iteration: uint32(r.IntN(3)),
			trigger: pick(r, "", "menu"), dismissed: pick(r, "", "closed"), failed: pick(r, "", "timed_out"),
			country: pick(r, "", "DE", "US"), city: pick(r, "Kiel", "Köln"), browser: pick(r, "Chrome", "Firefox"), os: pick(r, "Linux", "macOS"), device: "desktop", language: pick(r, "de", "en"),
			source: pick(r, "direct", "search"), campaign: pick(r, "", "spring"), path: pick(r, "/", "/cart"),
			props:   pick(r, "", `{"plan":"gold","n":1}`, `{"plan":null,"list":[1,2]}`, `{"a.b":{"c":"ü"}}`),
			expires: pick(r, forever, midnight.AddDate(3, 0, 0)),
		}
		out[i] = e
	}
	return out
}

// blocks is events, some of them several times, out of order, in blocks of any length.
func blocks(r *rand.Rand, events []event) (out [][]event) {
	all := slices.Clone(events)
	for range len(events) / 3 {
		all = append(all, pick(r, events...))
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for len(all) > 0 {
		n := 1 + r.IntN(min(len(all), 40))
		out = append(out, all[:n])
		all = all[n:]
	}
	return out
}

const stamp = "2006-01-02 15:04:05.000"

// first is the earliest of the events' times that are meant, as ClickHouse writes it; NULL where there is none.
func first(events []event, meant func(e *event) bool) string {
	at := ""
	for i := range events {
		if is := events[i].at.Format(stamp); meant(&events[i]) && (at == "" || is < at) {
			at = is
		}
	}
	if at == "" {
		return "NULL"
	}
	return at
}

func last(events []event) string {
	at := ""
	for i := range events {
		at = max(at, events[i].at.Format(stamp))
	}
	return at
}

func named(names ...string) func(e *event) bool {
	return func(e *event) bool { return slices.Contains(names, e.event) }
}

func flag(events []event, is func(e *event) bool) string {
	if slices.ContainsFunc(events, func(e event) bool { return is(&e) }) {
		return "1"
	}
	return "0"
}

// grouping sorts events by what a row of a table is of, those that are meant.
func grouping(events []event, meant func(e *event) bool, key func(e *event) string) map[string][]event {
	out := make(map[string][]event)
	for i := range events {
		if e := &events[i]; meant(e) {
			out[key(e)] = append(out[key(e)], *e)
		}
	}
	return out
}

func who(e *event) string {
	return fmt.Sprint(e.account, "|", e.visitor, "|", e.user, "|", e.company, "|", e.environment, "|", e.preview, "|", e.bot)
}

// items says what item_activity has of events, by what its comments say.
func items(events []event) (lines []string) {
	meant := func(e *event) bool {
		return !slices.Contains([]string{"page", "session", "user", "custom"}, e.itemType)
	}
	key := func(e *event) string {
		return who(e) + "|" + e.itemType + "|" + e.item + "|" + e.interaction + "|" + e.at.Format(time.DateOnly)
	}
	for key, of := range grouping(events, meant, key) {
		steps := map[int32]string{}
		for _, e := range of {
			if at := e.at.Format(stamp); e.event == "step" && (steps[e.step] == "" || at < steps[e.step]) {
				steps[e.step] = at
			}
		}
		text := "{"
		for i := int32(-1); i < 3; i++ {
			if steps[i] != "" {
				text += fmt.Sprintf("%d:'%s',", i, steps[i])
			}
		}
		interacted := func(e *event) bool {
			return named("click", "submit", "milestone", "goal", "complete")(e) || e.event == "open" && (e.itemType == "course" || e.itemType == "resource")
		}
		lines = append(lines, fmt.Sprint(key, " ", first(of, func(*event) bool { return true }), " ", last(of), " ",
			flag(of, named("play", "show", "step", "open")), flag(of, interacted), flag(of, named("click")), " ",
			first(of, named("play")), " ", first(of, named("play_failed")), " ", first(of, named("milestone")), " ", first(of, named("goal")), " ", first(of, named("complete")), " ",
			first(of, named("stop")), " ", first(of, named("close", "snooze")), " ", first(of, named("submit")), " ", text))
	}
	slices.Sort(lines)
	return lines
}

// itemsSQL asks item_activity for the same lines.
const itemsSQL = `SELECT concat(account_id, '|', visitor_id, '|', user_id, '|', company_id, '|', environment, '|', toString(preview), '|', toString(is_bot), '|', item_type, '|', item_id, '|',
		interaction_id, '|', toString(day), ' ', toString(min(t.first_time)), ' ', toString(max(t.last_time)), ' ', toString(max(exposed)), toString(max(interacted)), toString(max(clicked)), ' ',
		ifNull(toString(min(started_at)), 'NULL'), ' ', ifNull(toString(min(failed_at)), 'NULL'), ' ', ifNull(toString(min(milestone_at)), 'NULL'), ' ', ifNull(toString(min(goal_at)), 'NULL'), ' ',
		ifNull(toString(min(completed_at)), 'NULL'), ' ', ifNull(toString(min(stopped_at)), 'NULL'), ' ', ifNull(toString(min(dismissed_at)), 'NULL'), ' ', ifNull(toString(min(submitted_at)), 'NULL'),
		' {', arrayStringConcat(arrayMap((k, v) -> concat(toString(k), ':\'', toString(v), '\','), mapKeys(minMap(t.steps)), mapValues(minMap(t.steps))))) AS line
	FROM item_activity AS t
	GROUP BY account_id, item_type, item_id, day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot ORDER BY line`

// halfHours says what visitor_activity has of events.
func halfHours(events []event) (lines []string) {
	meant := func(e *event) bool { return e.itemType != "session" || e.event != "end" }
	key := func(e *event) string {
		return who(e) + "|" + e.at.Truncate(30*time.Minute).Format("2006-01-02 15:04:05")
	}
	for key, of := range grouping(events, meant, key) {
		ids, views := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
		entry := of[0]
		for _, e := range of {
			ids[e.id] = true
			if e.itemType == "page" {
				views[e.id] = true
			}
			if e.at.Before(entry.at) {
				entry = e
			}
		}
		lines = append(lines, fmt.Sprint(key, " ", first(of, func(*event) bool { return true }), " ", last(of), " ", len(ids), " ", len(views), " ", entry.source, entry.campaign, entry.path))
	}
	slices.Sort(lines)
	return lines
}

const halfHoursSQL = `SELECT concat(account_id, '|', visitor_id, '|', user_id, '|', company_id, '|', environment, '|', toString(preview), '|', toString(is_bot), '|', toString(slot), ' ',
		toString(min(t.first_time)), ' ', toString(max(t.last_time)), ' ', toString(length(groupUniqArrayArray(t.events))), ' ', toString(length(groupUniqArrayArray(t.views))), ' ',
		min(t.entry).traffic_source, min(t.entry).utm_campaign, min(t.entry).url_path) AS line
	FROM visitor_activity AS t
	GROUP BY account_id, slot, visitor_id, user_id, company_id, environment, preview, is_bot ORDER BY line`

// endUsers says what end_user_activity has of events.
func endUsers(events []event) (lines []string) {
	for key, of := range grouping(events, func(*event) bool { return true }, who) {
		slices.SortFunc(of, func(a, b event) int { return a.at.Compare(b.at) })
		attributes := map[string]string{}
		for _, e := range of {
			var props map[string]json.RawMessage
			if e.itemType == "user" && e.event == "identify" && e.props != "" {
				if err := json.Unmarshal([]byte(e.props), &props); err != nil {
					panic(err)
				}
			}
			for name, value := range props {
				attributes[name] = string(value)
			}
		}
		latest := of[len(of)-1]
		line := fmt.Sprint(key, " ", of[0].at.Format(stamp), " ", latest.at.Format(stamp), " ", latest.country, latest.city, latest.browser, latest.language, " ")
		for _, name := range []string{"a.b", "list", "n", "plan"} {
			if value, is := attributes[name]; is {
				line += name + "=" + value + ";"
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

const endUsersSQL = `SELECT concat(account_id, '|', visitor_id, '|', user_id, '|', company_id, '|', environment, '|', toString(preview), '|', toString(is_bot), ' ',
		toString(min(t.first_seen)), ' ', toString(max(t.last_seen)), ' ', max(t.latest).country_code, max(t.latest).city, max(t.latest).browser, max(t.latest).language, ' ',
		arrayStringConcat(arrayMap((k, v) -> concat(k, '=', v.2, ';'), mapKeys(maxMap(t.attributes)), mapValues(maxMap(t.attributes))))) AS line
	FROM end_user_activity AS t
	GROUP BY account_id, user_id, visitor_id, company_id, environment, preview, is_bot ORDER BY line`
