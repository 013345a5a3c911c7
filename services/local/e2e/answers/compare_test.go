package answers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// An asked is what a view is asked with. Both days are inclusive.
type asked struct {
	account  string
	from, to time.Time
	audience string
	item     string
	// more are parameters of this view alone.
	more map[string]string
}

// A question is a view and what it should answer, computed from the definitions.
type question struct {
	view string
	// item says that the view takes one.
	item bool
	// plain is the condition of a view without parameters, in which {account}, {from} and {to} stand for what is asked with.
	plain string
	// everyone says that the view takes no audience.
	everyone  bool
	askedWith []asked
	answer    func(h *house, a asked) []Row
	// mutations are wrong ways to write the view: what stands in its text, and what instead. Each must change an answer.
	mutations []mutation
}

// A mutation is what stands in the view's statement, once or more, and what instead. '{from}' and '{to}' stand for the parameters of that name.
type mutation struct{ from, to string }

// call is the view with its parameters.
func (q question) call(view string, a asked) string {
	if q.plain != "" {
		return "SELECT * FROM " + view + " WHERE " + strings.NewReplacer("{account}", a.account, "{from}", date(a.from), "{to}", date(a.to)).Replace(q.plain)
	}
	parameters := map[string]string{"account": quote(a.account), "from": quote(date(a.from)), "to": quote(date(a.to)), "audience": quote(a.audience)}
	if q.item {
		parameters["item"] = quote(a.item)
	}
	for name, value := range a.more {
		parameters[name] = quote(value)
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		list = append(list, name+"="+parameters[name])
	}
	return "SELECT * FROM " + view + "(" + strings.Join(list, ", ") + ")"
}

func (a asked) String() string {
	return fmt.Sprintf("%s %s..%s %s %s %v", a.account, date(a.from), date(a.to), a.audience, a.item, a.more)
}

func day(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC)
}

// usual are the accounts, spans and audiences that each view is asked with: all of them of the first item, some of the others.
func usual(items ...string) []asked {
	whole := asked{account: dataset.Acme, from: dataset.FirstDay, to: dataset.LastDay, audience: "live"}
	var all []asked
	for n, item := range append(items, "")[:max(1, len(items))] {
		for _, change := range []func(a *asked){
			func(*asked) {},
			func(a *asked) { a.from, a.to, a.audience = day(2, 27), day(3, 2), "all" }, // across a month's end
			func(a *asked) { a.account = dataset.Globex },
			func(a *asked) { a.account, a.audience = dataset.Tiny, "all" },
			func(a *asked) { a.account = "nobody" },
			func(a *asked) { a.from, a.to = day(2, 28), day(2, 28) }, // one day, a month's last
			func(a *asked) { a.from, a.to = day(3, 29), day(3, 29) }, // clocks change
			func(a *asked) { a.from, a.to = day(5, 1), day(5, 31) },  // nothing happened
			func(a *asked) { a.audience = "environment:test" },
			func(a *asked) { a.audience, a.from = "country:DE", day(3, 1) },
			func(a *asked) { a.audience, a.to = "browser:Chrome", day(3, 8) },
			func(a *asked) { a.audience = "company:company 7" },
		}[:[]int{12, 2}[min(n, 1)]] {
			a := whole
			a.item = item
			change(&a)
			all = append(all, a)
		}
	}
	return all
}

// in tells whether a day is in the span.
func (a asked) in(at time.Time) bool {
	return !at.Before(a.from) && at.Before(a.to.AddDate(0, 0, 1))
}

// A surrounding is what an audience looks at.
type surrounding struct {
	environment                                     string
	preview, bot                                    bool
	country, browser, os, device, language, company string
}

// has tells whether the audience is one that the surrounding belongs to.
func (a asked) has(s surrounding) bool {
	if a.audience == "all" {
		return true
	}
	if s.preview || s.bot {
		return false
	}
	kind, value, _ := strings.Cut(a.audience, ":")
	if kind == "environment" {
		return s.environment == value
	}
	if s.environment != "production" && s.environment != "" {
		return false
	}
	return kind == "live" || value == map[string]string{
		"country": s.country, "browser": s.browser, "os": s.os, "device": s.device, "language": s.language, "company": s.company,
	}[kind]
}

func surroundingOf(e *dataset.Event) surrounding {
	return surrounding{e.Environment, e.Preview, e.IsBot, e.CountryCode, e.Browser, e.OS, e.Device, e.Language, e.Company}
}

// events are the account's events of the span and the audience, each id once: what views of raw events read.
func (h *house) events(a asked, of func(e *dataset.Event) bool) []*dataset.Event {
	var out []*dataset.Event
	seen := make(map[[16]byte]bool)
	for _, e := range h.final {
		if e.Account == a.account && a.in(e.Time) && a.has(surroundingOf(e)) && of(e) && !seen[e.ID] {
			seen[e.ID] = true
			out = append(out, e)
		}
	}
	return out
}

// compare asks the view, under the name that it has now, and returns the first difference from what is wanted; "" when there is none.
func (h *house) compare(t testing.TB, q question, view string) string {
	t.Helper()
	rows := 0
	for _, a := range q.askedWith {
		got, err := h.query(q.call(view, a))
		if err != nil {
			return fmt.Sprintf("%s: %v", q.call(q.view, a), err)
		}
		rows += len(got)
		want, is := h.answers[q.view+" "+a.String()]
		if !is {
			want = q.answer(h, a)
			h.answers[q.view+" "+a.String()] = want
		}
		if d := differ(got, want); d != "" {
			return fmt.Sprintf("%s: %s", a, d)
		}
	}
	if rows == 0 {
		return "nothing was answered to any of the questions"
	}
	return ""
}
