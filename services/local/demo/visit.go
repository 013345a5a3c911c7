package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/recorder"
)

// A visit is one visitor's session in one application: what the recorder would have recorded, in order of time.
type visit struct {
	rng      *rand.Rand
	app      *app
	who      *visitor
	now      time.Time
	session  string
	page     page
	campaign string // query of the page they came to
	from     string // referrer
	events   []timed
	err      error // the first event that could not be rendered
}

// A timed event is a rendered event and when it happened.
type timed struct {
	at    time.Time
	id    uuid.UUID
	value []byte
}

// newVisit plays a whole session that starts at start. It reads and changes who's memory.
func newVisit(rng *rand.Rand, app *app, who *visitor, start time.Time) *visit {
	v := &visit{rng: rng, app: app, who: who, now: start}
	v.session = strconv.FormatInt(v.clock(), 10) + "-" + who.guid
	v.page, v.from = app.pages[0], v.referrer()
	if v.chance(0.12) {
		v.campaign = pick(v.rng, campaigns)
	}
	v.emit("start", recorder.Data{Type: "session"})
	v.emit("view", recorder.Data{Type: "page"})
	if who.visits == 0 {
		v.autoplay()
	} else if v.chance(0.15) {
		v.alreadyPlayed()
	}
	for pages := 1 + v.rng.IntN(5); pages > 0; pages-- {
		v.browse()
		v.something()
	}
	// A closed tab tells; a phone put away does not.
	if v.chance(0.7) {
		v.wait(8 * time.Second)
		v.emit("end", recorder.Data{Type: "session"})
	}
	who.visits++
	return v
}

// something is what a visitor does on one page, guided or not.
func (v *visit) something() {
	stories := []struct {
		weight float64
		play   func()
	}{
		{24, func() { v.walkthru(v.pickWalkthru(), "menu") }},
		{14, v.launcher},
		{10, v.shoutout},
		{20, v.smarttip},
		{8, v.survey},
		{9, v.task},
		{5, v.course},
		{5, v.resource},
		{6, v.menu},
		{8, v.search},
		{9, v.order},
		{16, func() {}},
	}
	total := 0.0
	for _, s := range stories {
		total += s.weight
	}
	at := v.rng.Float64() * total
	for _, s := range stories {
		if at -= s.weight; at < 0 {
			s.play()
			return
		}
	}
}

func (v *visit) browse() {
	v.wait(14 * time.Second)
	v.from, v.campaign = "https://"+v.app.host+v.page.path, ""
	v.page = v.app.pages[v.rng.IntN(len(v.app.pages))]
	v.emit("view", recorder.Data{Type: "page"})
}

func (v *visit) referrer() string {
	return pick(v.rng, []string{"", "", "https://www.google.com/", "https://intranet.example/start", "https://www.bing.com/", "https://www.linkedin.com/", "https://mail.google.com/", "https://chatgpt.com/"})
}

// campaigns bring visitors by links with a query.
var campaigns = []string{
	"?utm_source=newsletter&utm_medium=email&utm_campaign=onboarding", "?utm_source=newsletter&utm_medium=email&utm_campaign=release-notes",
	"?utm_source=google&utm_medium=cpc&utm_campaign=brand", "?utm_source=linkedin&utm_medium=social&utm_campaign=webinar",
}

// wait lets time pass: log-normal around the median, as people's reaction times are.
func (v *visit) wait(median time.Duration) {
	v.now = v.now.Add(time.Duration(float64(median) * math.Exp(0.6*v.rng.NormFloat64()))).Truncate(time.Millisecond)
}

func (v *visit) chance(p float64) bool { return v.rng.Float64() < p }

// clock is the visitor's own clock, Unix milliseconds.
func (v *visit) clock() int64 { return v.now.Add(v.who.skew).UnixMilli() }

// play starts a play of an item; its events share data.pId.
func (v *visit) play(kind string, it item) recorder.Data {
	return recorder.Data{
		Type: kind, ID: recorder.ID(it.id), Name: it.name,
		PlayID:    strconv.FormatInt(v.clock(), 10) + "-" + it.id + "-" + v.who.guid,
		Iteration: v.who.again(it.id), Language: "en-US", Preview: v.who.author && v.chance(0.5),
	}
}

func (v *visit) emit(what string, data recorder.Data) { v.emitProps(what, data, nil) }

func (v *visit) emitProps(what string, data recorder.Data, props jsontext.Value) {
	id := v.eventID()
	e := recorder.Event{
		ID:   id.String(),
		Time: recorder.Millis(v.clock()), Type: what, Data: data,
		Env: recorder.Env{
			Browser: recorder.Software{String: v.who.agent.browser}, Screen: v.who.screen,
			Language: v.who.language, Timezone: v.who.place.timezone,
		},
		Page:    recorder.Page{URL: "https://" + v.app.host + v.page.path + v.campaign, Title: v.page.title, Referrer: v.from},
		User:    recorder.User{GUID: v.who.guid, ID: v.who.user, Provider: v.who.provider},
		Company: recorder.Company{ID: v.who.company}, Environment: "production",
		Session: v.session, Props: props,
		Library: recorder.Library{Name: "waymark-recorder", Version: "1.0.0"},
	}
	value, err := json.Marshal(&e, json.OmitZeroStructFields(true))
	if err != nil {
		v.err = fmt.Errorf("render %s of %s: %w", what, data.Type, err)
		return
	}
	v.events = append(v.events, timed{v.now, id, value})
}

// eventID is a UUIDv7 (RFC 9562 §5.7) of the visitor's clock and the seed.
func (v *visit) eventID() (id uuid.UUID) {
	ms := uint64(v.clock())
	high, low := v.rng.Uint64(), v.rng.Uint64()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	for i := range 8 {
		id[8+i] = byte(low >> (56 - 8*i))
	}
	id[6], id[7] = 0x70|byte(high>>8)&0x0f, byte(high)
	id[8] = 0x80 | id[8]&0x3f
	return id
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }
