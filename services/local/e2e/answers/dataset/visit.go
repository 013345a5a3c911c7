package dataset

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// newID is a random UUID.
func newID(rng *rand.Rand) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], rng.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// live is what the account's people do in all the days.
func (a *account) live(rng *rand.Rand) []*Event {
	var events []*Event
	days := int(LastDay.Sub(FirstDay)/(24*time.Hour)) + 1
	for _, who := range a.visitors(rng) {
		first := rng.IntN(days)
		if rng.IntN(3) == 0 {
			first = 0
		}
		// Some come once, most now and then, a few each day.
		each := []int{60, 9, 6, 4, 1}[rng.IntN(5)]
		for day := first; day < days; day += 1 + rng.IntN(2*each) {
			v := &visit{account: a, who: who, rng: rng, at: begin(rng, FirstDay.AddDate(0, 0, day))}
			v.run()
			events = append(events, v.events...)
		}
	}
	return events
}

// begin is a time of the day: of some minutes before midnight, of a changing clock's hours, else any.
func begin(rng *rand.Rand, day time.Time) time.Time {
	at := day.Add(time.Duration(rng.IntN(86_400_000)) * time.Millisecond)
	switch rng.IntN(12) {
	case 0:
		at = day.Add(24*time.Hour - time.Duration(rng.IntN(600_000))*time.Millisecond)
	case 1: // 0:30 to 3:30 UTC is when Europe's clocks change, and 7:00 America's
		at = day.Add(30*time.Minute + time.Duration(rng.IntN(3*3_600_000))*time.Millisecond)
	case 2:
		at = day // midnight itself
	}
	return at
}

// A visit is what a visitor does without a long rest, or with one.
type visit struct {
	*account
	who     *visitor
	rng     *rand.Rand
	at      time.Time
	user    string
	session string
	source  source
	path    string
	preview bool
	skew    time.Duration // of the client's clock
	events  []*Event
}

func (v *visit) run() {
	v.source = sources[v.rng.IntN(len(sources))]
	v.skew = []time.Duration{0, 0, 0, 350 * time.Millisecond, -90 * time.Second, 26 * time.Hour}[v.rng.IntN(6)]
	if v.rng.IntN(20) > 0 { // without one, a session is told from the times alone
		v.session = fmt.Sprintf("%d-%s", v.at.UnixMilli(), v.who.id)
	}
	person := v.who.user
	if v.who.other != "" && v.rng.IntN(2) == 0 {
		person = v.who.other
	}
	known := person != "" && v.rng.IntN(2) == 0
	if known {
		v.user = person
	}
	v.preview = v.who.author && v.rng.IntN(3) > 0
	v.emit("session", "start", item{}, nil)
	for n := 2 + v.rng.IntN(5); n > 0; n-- {
		v.view()
		v.act()
		if person != "" && !known && v.rng.IntN(3) == 0 { // a log-in in mid-session
			known = true
			v.login(person)
		}
		if v.rng.IntN(15) == 0 {
			v.wait(25*time.Minute, 40*time.Minute) // a rest that is, or just is not, a session's end
		}
	}
	if v.rng.IntN(3) > 0 {
		v.at = v.at.Add(30 * time.Minute)
		v.emit("session", "end", item{}, nil)
	}
}

// act is one of the things to do.
func (v *visit) act() {
	pick := func(items []item) (item, bool) {
		if len(items) == 0 {
			return item{}, false
		}
		return items[v.rng.IntN(len(items))], true
	}
	for _, one := range []struct {
		weight int
		items  []item
		do     func(item)
	}{
		{30, v.walkthrus, v.play}, {10, v.launchers, v.launcher}, {8, v.shoutouts, v.shoutout}, {8, v.smarttips, v.smarttip}, {8, v.surveys, v.survey},
		{8, v.tasks, v.task}, {9, v.courses, v.course}, {4, v.resources, v.resource},
	} {
		if it, is := pick(one.items); is && v.rng.IntN(100) < one.weight {
			one.do(it)
		}
	}
	if v.rng.IntN(100) < 4 {
		v.autoplay()
	}
	if v.rng.IntN(100) < 3 {
		v.menu()
	}
	if len(v.queries) > 0 && v.rng.IntN(100) < 12 {
		v.search()
	}
	if v.rng.IntN(100) < 12 {
		v.track()
	}
}

// wait lets between from and to pass.
func (v *visit) wait(from, to time.Duration) {
	v.at = v.at.Add((from + time.Duration(v.rng.Int64N(int64(to-from)))).Truncate(time.Millisecond))
}

// login says who the visitor is; from then on events name the user.
func (v *visit) login(person string) {
	v.user = person
	v.emit("user", "identify", item{}, func(e *Event) {
		plan := []string{`"free"`, `"pro"`, `null`, `{"name":"x","seats":3}`}[v.rng.IntN(4)]
		e.Props = fmt.Sprintf(`{"plan":%s,"seats":%d,"note":"it's \"%s\""}`, plan, v.rng.IntN(50), person)
	})
}

func (v *visit) view() {
	v.path = v.pages[v.rng.IntN(len(v.pages))]
	v.emit("page", "view", item{}, nil)
	v.source = source{traffic: "internal"}
}

func (v *visit) track() {
	name := []string{"Order placed", "Signed up", "l'ordre"}[v.rng.IntN(3)]
	v.emit("custom", "track", item{}, func(e *Event) {
		e.Detail = fmt.Sprintf(`{"name":%q}`, name)
		e.Props = fmt.Sprintf(`{"value":%d.5,"currency":"EUR"}`, v.rng.IntN(100))
	})
}

// emit adds an event at the visit's time, and lets up to some seconds pass. change comes last.
func (v *visit) emit(itemType, name string, it item, change func(e *Event)) {
	e := &Event{
		ID: newID(v.rng), Account: v.id, Region: v.region, Name: name, ItemType: itemType, ItemID: it.id, ItemName: it.name, StepIndex: -1,
		Preview: v.preview, Environment: v.who.env,
		Time: v.at, ClientTime: v.at.Add(v.skew), Expires: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		Visitor: v.who.id, User: v.user, Company: v.who.company, Session: v.session,
		URL: "https://" + v.id + ".example" + v.path, URLPath: v.path, PageTitle: "Page " + v.path,
		ReferrerHost: v.source.referrer, TrafficSource: v.source.traffic, UTMSource: v.source.utmSource, UTMMedium: v.source.utmMedium, UTMCampaign: v.source.utmCampaign,
		Browser: v.who.machine.browser, BrowserVersion: v.who.machine.browserVersion, OS: v.who.machine.os, OSVersion: v.who.machine.osVersion,
		Device: v.who.machine.device, Language: v.who.place.language, Timezone: v.who.place.timezone, IsBot: v.who.bot,
		CountryCode: v.who.place.code, Country: v.who.place.country, Subdivision: v.who.place.subdivision, City: v.who.place.city,
		Flags: []string{},
	}
	if v.skew != 0 {
		e.TimeFlag = Corrected
	}
	if e.User == "" {
		e.User = e.Visitor // as the enricher has it
	}
	if it.renamed != "" && e.Time.After(FirstDay.AddDate(0, 0, 22).Add(12*time.Hour)) {
		e.ItemName = it.renamed
	}
	if change != nil {
		change(e)
	}
	v.anonymise(e)
	v.events = append(v.events, e)
	v.wait(time.Millisecond, 9*time.Second)
}

// anonymise makes one event in some hundreds one of a person whom nobody may know.
func (v *visit) anonymise(e *Event) {
	if v.rng.IntN(300) > 0 {
		return
	}
	e.Visitor, e.User, e.Company, e.Session, e.Interaction, e.Props, e.Detail = e.ID.String(), "", "", "", "", "", ""
	e.URL, e.URLPath, e.PageTitle, e.ReferrerHost, e.Subdivision, e.City = "", "", "", "", "", ""
	e.UTMSource, e.UTMMedium, e.UTMCampaign = "", "", ""
}
