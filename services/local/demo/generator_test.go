package demo

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/geo/demodb"
	"github.com/waymark-events/waymark/pkg/recorder"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC) // a Tuesday

func options(seed uint64) Options {
	return Options{Seed: seed, Start: noon, Rate: 50, Visitors: 500, Accounts: []Account{{"demo-us", "wk_demo_us"}, {"demo-eu", "wk_demo_eu"}}}
}

// take returns deliveries with at least n events in all.
func take(t *testing.T, opt Options, n int) []*Delivery {
	t.Helper()
	g, err := NewGenerator(opt)
	if err != nil {
		t.Fatal(err)
	}
	var out []*Delivery
	for n > 0 {
		d, err := g.Next()
		if err != nil {
			t.Fatal(err)
		}
		n -= len(d.Events)
		out = append(out, d)
	}
	return out
}

// A sent event is a decoded one with the visitor it is from.
type sent struct {
	recorder.Event
	account string
	due     time.Time
	who     *visitor
}

func decode(t *testing.T, deliveries []*Delivery) []sent {
	t.Helper()
	var out []sent
	for _, d := range deliveries {
		for _, value := range d.Events {
			e := sent{account: d.Account.ID, due: d.Due, who: d.who}
			if err := recorder.Decode(value, &e.Event); err != nil {
				t.Fatalf("%v: %s", err, value)
			}
			out = append(out, e)
		}
	}
	return out
}

func TestSameSeedAndStartGiveTheSameTraffic(t *testing.T) {
	text := func(opt Options) []byte {
		var all []byte
		for _, d := range take(t, opt, 3000) {
			all = append(all, d.Due.String()...)
			all = append(all, d.who.addr.String()+d.who.agent.userAgent...)
			all = append(all, bytes.Join(d.Events, nil)...)
		}
		return all
	}
	if !bytes.Equal(text(options(7)), text(options(7))) {
		t.Error("two runs with seed 7 differ")
	}
	if bytes.Equal(text(options(7)), text(options(8))) {
		t.Error("seeds 7 and 8 give the same traffic")
	}
}

func TestEveryEventIsOfTheRecordersFormatWithAnIDOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	kinds := map[string]map[string]bool{}
	for _, e := range decode(t, take(t, options(1), 60_000)) {
		itemType, known := e.ItemType()
		if !known || !event.Known(itemType, e.Type) {
			t.Fatalf("%s of %s is not known", e.Type, e.Data.Type)
		}
		id, err := uuid.Parse(e.ID)
		if err != nil || id.Version() != 7 || id.Variant() != uuid.RFC4122 {
			t.Fatalf("id %q is not a UUIDv7", e.ID)
		}
		if seen[e.ID] {
			t.Fatalf("id %s stands twice", e.ID)
		}
		seen[e.ID] = true
		if kinds[itemType] == nil {
			kinds[itemType] = map[string]bool{}
		}
		kinds[itemType][e.Type] = true
	}
	for itemType, events := range map[string]int{
		event.Walkthru: 7, event.Launcher: 2, event.Shoutout: 5, event.Smarttip: 4, event.Survey: 3, event.Task: 2, event.Course: 6,
		event.Resource: 1, event.Menu: 2, event.Search: 3, event.Autoplay: 2, event.PageView: 1, event.SessionItem: 2, event.Custom: 1,
	} {
		if len(kinds[itemType]) != events {
			t.Errorf("%s: events %v, want %d kinds", itemType, kinds[itemType], events)
		}
	}
}

func TestStoriesAreWhole(t *testing.T) {
	plays := map[string][]sent{}
	clicked := map[string]bool{}
	unasked, found, lost := 0, 0, 0
	for _, e := range decode(t, take(t, options(2), 60_000)) {
		if e.Data.PlayID != "" {
			plays[e.Data.PlayID] = append(plays[e.Data.PlayID], e)
		}
		task := e.User.GUID + string(e.Data.ID)
		switch {
		case e.Data.Type == "tk" && e.Type == "click":
			clicked[task] = true
		case e.Data.Type == "tk" && e.Type == "complete" && !clicked[task]:
			unasked++
		case e.Type == "search" && string(e.Data.Result) == "null":
			lost++
		case e.Type == "search":
			found++
		}
	}
	if unasked == 0 || found == 0 || lost == 0 {
		t.Errorf("tasks done without a click %d, searches with result %d, without %d: want some of each", unasked, found, lost)
	}
	complete, stopped := 0, 0
	for id, events := range plays {
		if events[0].Data.Type == "wt" && events[0].Type != "play" {
			t.Fatalf("play %s begins with %s", id, events[0].Type)
		}
		step := int32(-1)
		for i, e := range events {
			if i > 0 && e.Time < events[i-1].Time {
				t.Fatalf("play %s goes back in time", id)
			}
			if e.Type == "step" {
				if *e.Data.Step.Index <= step {
					t.Fatalf("play %s: step %d after %d", id, *e.Data.Step.Index, step)
				}
				step = *e.Data.Step.Index
			}
		}
		switch last := events[len(events)-1]; {
		case last.Data.Type != "wt":
		case last.Type == "complete":
			complete++
		default:
			stopped++
		}
	}
	if rate := float64(complete) / float64(complete+stopped); rate < 0.4 || rate > 0.85 {
		t.Errorf("%.0f %% of the walk-thrus are completed: not believable", 100*rate)
	}
}

func TestTrafficKeepsItsRateFromTheStart(t *testing.T) {
	perMinute := make([]int, 20)
	for _, d := range take(t, options(3), 50*60*20) {
		if minute := int(d.Due.Sub(noon) / time.Minute); minute < len(perMinute) {
			perMinute[minute] += len(d.Events)
		}
	}
	for minute, n := range perMinute[:18] {
		if n < 50*60*6/10 || n > 50*60*15/10 {
			t.Errorf("minute %d: %.1f events/s, want about 50", minute, float64(n)/60)
		}
	}
}

func TestDeliveriesComeInOrderAndSoonAfterTheirEvents(t *testing.T) {
	var last time.Time
	for _, e := range decode(t, take(t, options(4), 5000)) {
		if e.due.Before(last) {
			t.Fatalf("due %v after %v", e.due, last)
		}
		last = e.due
		if age := e.due.Add(e.who.skew).UnixMilli() - int64(e.Time); age < 0 || age > 5000 {
			t.Fatalf("an event is posted %d ms after it happened", age)
		}
	}
}

func TestVisitorsReturnAndComeByDay(t *testing.T) {
	sessions := map[string]map[string]bool{}
	asia, america := 0, 0
	for _, e := range decode(t, take(t, options(5), 30_000)) {
		if sessions[e.User.GUID] == nil {
			sessions[e.User.GUID] = map[string]bool{}
		}
		sessions[e.User.GUID][e.Session] = true
		switch e.Env.Timezone {
		case "Asia/Tokyo", "Asia/Seoul": // 21 h there, 7 h in New York
			asia++
		case "Europe/Berlin", "Europe/Paris":
			america++
		}
	}
	returned := 0
	for _, s := range sessions {
		if len(s) > 1 {
			returned++
		}
	}
	if returned == 0 || returned == len(sessions) {
		t.Errorf("%d of %d visitors came back", returned, len(sessions))
	}
	if asia*2 > america {
		t.Errorf("at 12:00 UTC %d events come from Japan and Korea, %d from Germany and France", asia, america)
	}
}

func TestEveryPlaceIsInTheSmallDatabase(t *testing.T) {
	known := demodb.Addresses()
	for _, p := range places {
		for _, network := range p.networks {
			if !slices.Contains(known, netip.MustParsePrefix(network)) {
				t.Errorf("%s of %s is not", network, p.timezone)
			}
		}
	}
}

func TestClientHintsGoWithChromium(t *testing.T) {
	for _, c := range []struct{ userAgent, browser, brands string }{
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", "Chrome 141.0.0.0", `"Chromium";v="141", "Google Chrome";v="141", "Not?A_Brand";v="8"`},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0", "Opera 124.0.0.0", `"Chromium";v="140", "Opera";v="124", "Not?A_Brand";v="8"`},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15", "Safari 18.6", ""},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox 143.0", ""},
	} {
		a := newAgent(c.userAgent, 1)
		if a.browser != c.browser || a.hints.Get("Sec-CH-UA") != c.brands {
			t.Errorf("%s: %q, hints %q", c.userAgent, a.browser, a.hints.Get("Sec-CH-UA"))
		}
	}
	all, err := agents()
	if err != nil || len(all) < 100 {
		t.Errorf("%d browsers, %v", len(all), err)
	}
}

func BenchmarkNext(b *testing.B) {
	g, err := NewGenerator(options(1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for n := 0; n < b.N; {
		d, err := g.Next()
		if err != nil {
			b.Fatal(err)
		}
		n += len(d.Events)
	}
}
