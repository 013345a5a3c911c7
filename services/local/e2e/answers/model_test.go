package answers

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// What follows has the model's definitions as they are told, in plain Go: what an activity and an interaction are, and whose.

// An activity is all that one person did with one item, in one interaction, on one day, in one environment: a row of item_activity.
type activity struct {
	kind, item, interaction, visitor, user string
	day                                    time.Time
	surrounding                            // of several countries, browsers, … the last by alphabet
	happenings
}

// happenings are events, of which times are the first.
type happenings []*dataset.Event

// at is when the first event of these names happened, and whether there is one.
func (h happenings) at(names ...string) (time.Time, bool) {
	first, is := time.Time{}, false
	for _, e := range h {
		if slices.Contains(names, e.Name) && (!is || e.Time.Before(first)) {
			first, is = e.Time, true
		}
	}
	return first, is
}

func (h happenings) has(names ...string) bool {
	_, is := h.at(names...)
	return is
}

func (h happenings) first() time.Time {
	return slices.MinFunc(h, func(a, b *dataset.Event) int { return a.Time.Compare(b.Time) }).Time
}

func (h happenings) last() time.Time {
	return slices.MaxFunc(h, func(a, b *dataset.Event) int { return a.Time.Compare(b.Time) }).Time
}

// exposed tells whether the item was seen.
func (h happenings) exposed() bool { return h.has("play", "show", "step", "open") }

// acted tells whether the person acted on the item: by an event that is an act, or by the second step of a walk-thru.
func (h happenings) acted() bool {
	if h.has("click", "action", "interact", "validation_pass", "validation_fail", "submit", "milestone", "goal", "complete", "search", "lesson_start",
		"lesson_complete", "quiz_start", "quiz_submit") {
		return true
	}
	if kind := h[0].ItemType; (kind == "course" || kind == "resource") && h.has("open") {
		return true
	}
	return len(h.path()) > 1
}

// A shown is a step and when it was first shown.
type shown struct {
	index int32
	name  string // of several names of one step, the last by alphabet
	at    time.Time
}

// path is the steps in the order in which they were first shown; of two at once, the lower place first.
func (h happenings) path() []shown {
	steps := make(map[int32]shown)
	for _, e := range h {
		if e.Name != "step" {
			continue
		}
		s, is := steps[e.StepIndex]
		if !is || e.Time.Before(s.at) {
			s.at = e.Time
		}
		s.index, s.name = e.StepIndex, max(s.name, e.StepName)
		steps[e.StepIndex] = s
	}
	return slices.SortedFunc(maps.Values(steps), func(a, b shown) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.index, b.index))
	})
}

// name is the last name by alphabet of an activity.
func (a *activity) name() string {
	name := ""
	for _, e := range a.happenings {
		name = max(name, e.ItemName)
	}
	return name
}

// person is the user it counts for.
func (a *activity) person() string { return cmp.Or(a.user, a.visitor) }

// activities are all of the account's, once computed.
func (h *house) activities(account string) []*activity {
	h.once.Do(func() {
		type key struct {
			account, kind, item, interaction, visitor, user, company, environment string
			preview, bot                                                          bool
			day                                                                   time.Time
		}
		rows := make(map[key]*activity)
		for _, e := range h.stored {
			if slices.Contains([]string{"page", "session", "user", "custom"}, e.ItemType) {
				continue
			}
			k := key{e.Account, e.ItemType, e.ItemID, e.Interaction, e.Visitor, e.User, e.Company, e.Environment, e.Preview, e.IsBot, e.Day()}
			a := rows[k]
			if a == nil {
				a = &activity{kind: e.ItemType, item: e.ItemID, interaction: e.Interaction, visitor: e.Visitor, user: e.User, day: e.Day(), surrounding: surroundingOf(e)}
				rows[k] = a
			}
			a.happenings = append(a.happenings, e)
			a.country, a.browser, a.os = max(a.country, e.CountryCode), max(a.browser, e.Browser), max(a.os, e.OS)
			a.device, a.language = max(a.device, e.Device), max(a.language, e.Language)
		}
		h.model = make(map[string][]*activity)
		for k, a := range rows {
			h.model[k.account] = append(h.model[k.account], a)
		}
	})
	return h.model[account]
}

// active are the account's activities from one day to another, in the audience.
func (h *house) active(a asked, from, to time.Time, kinds ...string) []*activity {
	var out []*activity
	for _, row := range h.activities(a.account) {
		if !row.day.Before(from) && !row.day.After(to) && a.has(row.surrounding) && (len(kinds) == 0 || slices.Contains(kinds, row.kind)) {
			out = append(out, row)
		}
	}
	return out
}

// An interaction is one play, showing or the like: activities over midnight and log-ins put together.
type interaction struct {
	kind, item string
	activities []*activity
	happenings
	began time.Time
}

// interactions are those that began in the span, with what they were until the end of the day after it. Without an id, a person's day is one.
func (h *house) interactions(a asked, kinds ...string) []*interaction {
	item := a.item
	a.item, a.more = "", nil
	if h.began[a.String()] == nil {
		h.began[a.String()] = h.put(a)
	}
	var out []*interaction
	for _, i := range h.began[a.String()] {
		if (item == "" || i.item == item) && (len(kinds) == 0 || slices.Contains(kinds, i.kind)) {
			out = append(out, i)
		}
	}
	return out
}

// put puts activities together.
func (h *house) put(a asked) []*interaction {
	type key struct {
		kind, item, interaction, visitor, user string
		day                                    time.Time
	}
	all := make(map[key]*interaction)
	for _, row := range h.active(a, a.from.AddDate(0, 0, -1), a.to.AddDate(0, 0, 1)) {
		k := key{kind: row.kind, item: row.item, interaction: row.interaction}
		if row.interaction == "" {
			k.visitor, k.user, k.day = row.visitor, row.user, row.day
		}
		if all[k] == nil {
			all[k] = &interaction{kind: row.kind, item: row.item}
		}
		all[k].activities = append(all[k].activities, row)
		all[k].happenings = append(all[k].happenings, row.happenings...)
	}
	out := []*interaction{}
	for _, i := range all {
		if i.began = i.first(); a.in(i.began) {
			out = append(out, i)
		}
	}
	return out
}

// person is who began it; of several at once, the first by alphabet.
func (i *interaction) person() string {
	return slices.MinFunc(i.activities, func(a, b *activity) int {
		return cmp.Or(a.first().Compare(b.first()), cmp.Compare(a.user, b.user))
	}).person()
}

// named tells what name it has, of its last activity, and since when.
func (i *interaction) named() named {
	var latest named
	for _, a := range i.activities {
		latest = latest.or(a.last(), a.name())
	}
	return latest
}

// A named is the latest name of something; of two at once, the last by alphabet.
type named struct {
	at   time.Time
	name string
}

func (n named) or(at time.Time, name string) named {
	if c := n.at.Compare(at); c < 0 || c == 0 && n.name < name {
		return named{at, name}
	}
	return n
}

// A crowd is different people.
type crowd map[string]bool

func (c crowd) add(person string, when bool) {
	if when {
		c[person] = true
	}
}

// both counts who is in both.
func (c crowd) both(other crowd) int {
	n := 0
	for person := range c {
		if other[person] {
			n++
		}
	}
	return n
}

// groups collects values by key, each made when it is first asked for.
type groups[K comparable, V any] map[K]*V

func (g groups[K, V]) of(key K) *V {
	if g[key] == nil {
		g[key] = new(V)
	}
	return g[key]
}
