package sdks

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSDKs(t *testing.T) {
	p := start(t)
	t.Run("of servers are stored column by column", p.testServers)
	t.Run("of pages are stored column by column", p.testPages)
	t.Run("by hand: names of items' events, and what cannot be used", p.testByHand)
	t.Run("of servers and what they do with an answer", p.testServersAnswers)
	t.Run("of pages and what they do with an answer", p.testPagesAnswers)
}

// A server's script and what its rows have beside what every script says.
type server struct {
	name, script string
	variables    map[string]string
	all          columns
	each         map[string]columns
	early        time.Duration // how long before it was sent an event happened
}

var (
	segmentRows = map[string]columns{
		"identify": props(`{"plan":"pro","logins":7,"email":"ada@shop.example"}`), "track": props(`{"total":19.99,"items":[{"sku":"a"}]}`),
		"page": props(`{"experiment":"b","category":"Shop"}`).with(columns{"detail": map[string]any{"category": "Shop"}, "detail_text": `{"category":"Shop"}`}), "screen": props(`{"step":2}`), "group": props(`{"seats":40}`), "alias": {},
	}
	segmentServer = columns{
		"library": "@segment/analytics-node", "browser": "Chrome", "browser_version": "140.0.0.0", "os": "Windows", "os_version": "10 or later", "device_type": "desktop",
		"language": "de-DE", "timezone": "Europe/Berlin", "url": "https://shop.example/cart?x=1", "url_host": "shop.example", "url_path": "/cart", "page_title": "Your cart",
		"referrer": "https://www.google.com/", "referrer_host": "www.google.com", "traffic_source": "campaign",
		"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "spring",
	}
	jitsuRows = map[string]columns{
		"identify": props(`{"plan":"pro","logins":7}`), "track": props(`{"total":19.99}`), "group": props(`{"seats":40}`),
		"page": props(`{"name":"Cart","experiment":"b"}`).with(columns{"url": "https://shop.example/cart", "url_host": "shop.example", "url_path": "/cart", "page_title": "Your cart", "traffic_source": "direct"}),
	}
)

var servers = []server{
	{"analytics-node 3", "segment-node.cjs", map[string]string{"SDK": "@segment/analytics-node"}, segmentServer.with(princeton, columns{"library_version": "3.1.0"}), segmentRows, time.Hour},
	{"analytics-node 2", "segment-node.cjs", map[string]string{"SDK": "analytics-node-2"}, segmentServer.with(princeton, columns{"library_version": "2.3.0"}), segmentRows, time.Hour},
	{"rudder-sdk-node", "rudder-node.cjs", nil, princeton.with(columns{
		"library": "analytics-node", "library_version": "3.0.13", "browser": "Firefox", "browser_version": "140.0", "os": "Linux", "device_type": "desktop",
		"language": "fr", "screen_width": 1440, "screen_height": 900,
	}), map[string]columns{
		"identify": props(`{"plan":"pro","logins":7}`), "track": props(`{"total":19.99}`), "screen": props(`{"step":2}`), "group": props(`{"seats":40}`), "alias": {},
		"page": props(`{"experiment":"b"}`).with(columns{"url": "https://shop.example/cart", "url_host": "shop.example", "url_path": "/cart", "page_title": "Your cart", "traffic_source": "direct"}),
	}, time.Hour},
	// What a server does not say of its end user is not known: not its own address, nor that it is a bot called node.
	{"jitsu", "jitsu-node.cjs", nil, columns{"library": "@jitsu/js", "library_version": "1.11.0"}, jitsuRows, 0},
	{"jitsu, server to server", "jitsu-node.cjs", map[string]string{"S2S": "1"}, columns{"library": "@jitsu/js", "library_version": "1.11.0"}, jitsuRows, 0},
}

func (p pipeline) testServers(t *testing.T) {
	marks := map[string]string{}
	for _, s := range servers {
		marks[s.name] = newMark(s.name)
		var outcome any
		node(t, s.script, s.with(p.edge(), marks[s.name]), &outcome)
		if said := fmt.Sprint(outcome); strings.Contains(said, "fail") {
			t.Errorf("%s says %s", s.name, said)
		}
	}
	p.settle(t)
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			rows := p.stored(t, marks[s.name])
			if len(rows) != len(s.each) {
				t.Errorf("%d events are stored, want %d", len(rows), len(s.each))
			}
			for method, each := range s.each {
				if rows[method] == nil {
					t.Errorf("no %s is stored", method)
					continue
				}
				happened, received := moment(t, rows[method]["time"]), moment(t, rows[method]["received_at"])
				if early := received.Sub(happened); early < s.early-time.Minute || early > s.early+time.Minute {
					t.Errorf("%s happened %v before it was received, want %v", method, early, s.early)
				}
				person := columns{"visitor_id": "anon-" + marks[s.name], "user_id": "user-" + marks[s.name]}
				if method == "alias" && rows[method]["visitor_id"] != person["visitor_id"] { // SDKs do not send an anonymousId with it
					person["visitor_id"] = rows[method]["visitor_id"]
				}
				same(t, method, rows[method], empty.with(s.all, person, theSix(marks[s.name])[method], each))
			}
		})
	}
}

// with are a script's variables.
func (s server) with(edge, mark string) map[string]string {
	out := map[string]string{"EDGE": edge, "KEY": key, "MARK": mark}
	for name, value := range s.variables {
		out[name] = value
	}
	return out
}

func moment(t *testing.T, value any) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05.000", fmt.Sprint(value))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A page and what its rows have beside what every page says.
type page struct {
	name, file string
	query      []string
	all        columns
	each       map[string]columns
}

var (
	inChromium = columns{
		"device_type": "desktop", "language": "de-DE", "page_title": "Your cart", "referrer": "https://www.google.com/", "referrer_host": "www.google.com",
		"traffic_source": "search", "url_host": "127.0.0.1", "ip_masked": "127.0.0.0",
	}
	nextRows = map[string]columns{
		"identify": props(`{"plan":"pro","logins":7}`), "track": props(`{"total":19.99}`), "screen": props(`{"step":2}`), "group": props(`{"seats":40}`), "alias": {},
		"page": props(`{"experiment":"b","category":"Shop","name":"Cart"}`).with(columns{"detail": map[string]any{"category": "Shop"}, "detail_text": `{"category":"Shop"}`}),
	}
	rudderRows = map[string]columns{
		"identify": props(`{"plan":"pro","logins":7}`), "track": props(`{"total":19.99}`), "group": props(`{"seats":40}`), "alias": {},
		"page": props(`{"experiment":"b","name":"Cart","category":"Shop"}`).with(columns{"detail": map[string]any{"category": "Shop"}, "detail_text": `{"category":"Shop"}`}),
	}
	next   = columns{"library": "analytics.js", "library_version": "next-1.84.3", "timezone": "Europe/Berlin", "url_path": "/pages/analytics-next.html"}
	rudder = columns{"library": "RudderLabs JavaScript SDK", "library_version": "3.34.1", "url_path": "/pages/rudder.html", "screen_width": 1024, "screen_height": 700}
)

var pages = []page{
	{"analytics-next", "analytics-next.html", nil, next, nextRows},
	{"analytics-next, batching", "analytics-next.html", []string{"strategy", "batching"}, next, nextRows},
	{"rudder analytics-js", "rudder.html", nil, rudder, rudderRows},
	{"rudder analytics-js, beacon", "rudder.html", []string{"beacon", "1"}, rudder, rudderRows},
	{"jitsu", "jitsu.html", nil, columns{"library": "@jitsu/js", "library_version": "1.11.0", "url_path": "/pages/jitsu.html", "screen_width": 1024, "screen_height": 700}, map[string]columns{
		"identify": props(`{"plan":"pro","logins":7}`), "track": props(`{"total":19.99}`), "group": props(`{"seats":40}`),
		"page": props(`{"width":1024,"height":700,"name":"Cart","experiment":"b"}`),
	}},
}

func (p pipeline) testPages(t *testing.T) {
	marks, addresses := map[string]string{}, []string(nil)
	for _, s := range pages {
		marks[s.name] = newMark(s.name)
		addresses = append(addresses, s.file+"?"+query(append([]string{"edge", p.edge(), "key", key, "mark", marks[s.name]}, s.query...)...))
	}
	b, _ := open(t, addresses)
	for _, s := range pages { // they may be waiting for more to send with it
		wait(t, func() (bool, string) {
			rows := p.stored(t, marks[s.name])
			return len(rows) >= len(s.each), fmt.Sprintf("%d events of %s are stored", len(rows), s.name)
		})
	}
	b.leave(t)
	p.settle(t)
	for i, s := range pages {
		t.Run(s.name, func(t *testing.T) {
			rows := p.stored(t, marks[s.name])
			if len(rows) != len(s.each) {
				t.Errorf("%d events are stored, want %d", len(rows), len(s.each))
			}
			for method, each := range s.each {
				row := rows[method]
				if row == nil {
					t.Errorf("no %s is stored", method)
					continue
				}
				// What Chromium calls itself beside the name that it is given is its own business.
				run := columns{"os": "Linux", "session_id": "", "url": b.site + "/pages/" + addresses[i]}
				for _, column := range []string{"browser", "browser_version", "os_version"} {
					run[column] = row[column]
				}
				if s.file == "rudder.html" {
					run["session_id"] = row["session_id"]
				}
				if row["browser"] == "" || s.file == "rudder.html" && row["session_id"] == "" {
					t.Errorf("%s: browser %v, session %v", method, row["browser"], row["session_id"])
				}
				person := columns{"visitor_id": "anon-" + marks[s.name], "user_id": "user-" + marks[s.name]}
				same(t, method, row, empty.with(inChromium, s.all, run, person, theSix(marks[s.name])[method], each))
			}
		})
	}
}
