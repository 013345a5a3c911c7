package answers

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// A halfHour is what one person did in one half hour, under one visitor id, for one company, in one environment: a row of visitor_activity.
type halfHour struct {
	visitor, user string
	slot          time.Time
	surrounding   // of several countries, browsers, … the last by alphabet
	happenings
}

// person is the user it counts for.
func (hh *halfHour) person() string { return cmp.Or(hh.user, hh.visitor) }

// day is the half hour's, UTC.
func (hh *halfHour) day() time.Time { return hh.slot.Truncate(24 * time.Hour) }

// halfHours are those of the account and the audience in some days, both inclusive. A session's end is no activity.
func (h *house) halfHours(a asked, from, to time.Time) []*halfHour {
	type key struct {
		slot                                time.Time
		visitor, user, company, environment string
		preview, bot                        bool
	}
	rows := make(map[key]*halfHour)
	for _, e := range h.stored {
		if e.Account != a.account || e.ItemType == "session" && e.Name == "end" || e.Day().Before(from) || e.Day().After(to) {
			continue
		}
		k := key{e.Time.Truncate(30 * time.Minute), e.Visitor, e.User, e.Company, e.Environment, e.Preview, e.IsBot}
		row := rows[k]
		if row == nil {
			row = &halfHour{visitor: e.Visitor, user: e.User, slot: k.slot, surrounding: surroundingOf(e)}
			rows[k] = row
		}
		row.happenings = append(row.happenings, e)
		row.add(e)
	}
	var out []*halfHour
	for _, row := range rows {
		if a.has(row.surrounding) {
			out = append(out, row)
		}
	}
	return out
}

// add keeps of several values the last by alphabet.
func (s *surrounding) add(e *dataset.Event) {
	s.country, s.browser, s.os = max(s.country, e.CountryCode), max(s.browser, e.Browser), max(s.os, e.OS)
	s.device, s.language = max(s.device, e.Device), max(s.language, e.Language)
}

// A visitSession is a session: the events of one visitor between two rests.
type visitSession struct {
	visitor, user, company string
	began, ended           time.Time
	events, views          int
	entry                  *dataset.Event
	surrounding
}

func (s *visitSession) person() string   { return cmp.Or(s.user, s.visitor) }
func (s *visitSession) day() time.Time   { return s.began.Truncate(24 * time.Hour) }
func (s *visitSession) seconds() float64 { return s.ended.Sub(s.began).Seconds() }

// sessions are those that began in the span, with what they were until the end of the day after it.
func (h *house) sessions(a asked) []*visitSession {
	ofVisitor := make(map[string][]*halfHour)
	for _, row := range h.halfHours(a, a.from.AddDate(0, 0, -1), a.to.AddDate(0, 0, 1)) {
		ofVisitor[row.visitor] = append(ofVisitor[row.visitor], row)
	}
	var out []*visitSession
	for visitor, rows := range ofVisitor {
		var events happenings
		for _, row := range rows {
			events = append(events, row.happenings...)
		}
		for _, part := range events.untilRest() {
			if a.in(part.first()) {
				out = append(out, sessionOf(visitor, part, rows))
			}
		}
	}
	return out
}

// untilRest cuts events where for more than half an hour nothing happens.
func (h happenings) untilRest() []happenings {
	slices.SortFunc(h, func(a, b *dataset.Event) int { return a.Time.Compare(b.Time) })
	var parts []happenings
	for i, e := range h {
		if i == 0 || e.Time.Sub(h[i-1].Time) > 30*time.Minute {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], e)
	}
	return parts
}

func sessionOf(visitor string, part happenings, rows []*halfHour) *visitSession {
	s := &visitSession{visitor: visitor, began: part.first(), ended: part.last()}
	ids, views := make(map[[16]byte]bool), make(map[[16]byte]bool)
	for _, e := range part {
		if ids[e.ID] = true; e.ItemType == "page" {
			views[e.ID] = true
		}
	}
	s.events, s.views = len(ids), len(views)
	s.entry = slices.MinFunc(part, func(a, b *dataset.Event) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.TrafficSource, b.TrafficSource), cmp.Compare(a.UTMSource, b.UTMSource), cmp.Compare(a.UTMMedium, b.UTMMedium),
			cmp.Compare(a.UTMCampaign, b.UTMCampaign), cmp.Compare(a.ReferrerHost, b.ReferrerHost), cmp.Compare(a.URLPath, b.URLPath))
	})
	s.user = slices.MaxFunc(part, func(a, b *dataset.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.User, b.User)) }).User
	s.company = slices.MaxFunc(part, func(a, b *dataset.Event) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Company, b.Company))
	}).Company
	for _, row := range rows {
		if row.slot.Equal(s.ended.Truncate(30 * time.Minute)) {
			for _, e := range row.happenings {
				s.add(e)
			}
		}
	}
	return s
}

// firstTimes are when each person was first active, of all time.
func (h *house) firstTimes(a asked) map[string]time.Time {
	first := make(map[string]time.Time)
	for _, row := range h.halfHours(a, time.Time{}, dataset.LastDay.AddDate(1, 0, 0)) {
		if at, is := first[row.person()]; !is || row.first().Before(at) {
			first[row.person()] = row.first()
		}
	}
	return first
}

// days are the span's, in order.
func (a asked) days() []time.Time {
	var days []time.Time
	for day := a.from; !day.After(a.to); day = day.AddDate(0, 0, 1) {
		days = append(days, day)
	}
	return days
}

// crowdsOf are who was there on each day.
func crowdsOf(rows []*halfHour) groups[time.Time, crowd] {
	all := groups[time.Time, crowd]{}
	for _, row := range rows {
		if c := all.of(row.day()); *c == nil {
			*c = crowd{}
		}
		(*all[row.day()])[row.person()] = true
	}
	return all
}

// since is who was there from one day to another.
func since(crowds groups[time.Time, crowd], from, to time.Time) crowd {
	all := crowd{}
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		if c := crowds[day]; c != nil {
			maps.Copy(all, *c)
		}
	}
	return all
}

// monday is the week's that the day is in.
func monday(at time.Time) time.Time {
	day := at.Truncate(24 * time.Hour)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}
