package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// page is a good event.
func page(id string) string {
	return fmt.Sprintf(`{"id":"%s","time":%d,"type":"view","data":{"type":"page"}}`, id, time.Now().UnixMilli())
}

// A bad event is refused at the door, with a code, and its neighbours on both sides are stored.
func TestBadEventsAreRejectedAndTheirNeighboursStored(t *testing.T) {
	p := use(t)
	now := time.Now().UnixMilli()
	cases := []struct {
		name, event string
		code, path  string
	}{
		{"malformed JSON", `{"time":1,"type":}`, "malformed_json", ""},
		{"a name twice", `{"time":1,"time":2,"type":"view","data":{"type":"page"}}`, "malformed_json", ""},
		{"not an object", `17`, "not_an_object", ""},
		{"wrong type", fmt.Sprintf(`{"time":%d,"type":true,"data":{"type":"page"}}`, now), "wrong_type", "$.type"},
		{"no time", `{"type":"view","data":{"type":"page"}}`, "missing_field", "$.time"},
		{"no item", fmt.Sprintf(`{"time":%d,"type":"view"}`, now), "missing_field", "$.data.type"},
		{"time beyond all dates", `{"time":9e99,"type":"view","data":{"type":"page"}}`, "out_of_range", "$.time"},
		{"invalid UTF-8", fmt.Sprintf("{\"time\":%d,\"type\":\"view\xff\",\"data\":{\"type\":\"page\"}}", now), "invalid_utf8", "$.type"},
		{"too big", fmt.Sprintf(`{"time":%d,"type":"view","data":{"type":"page"},"props":{"a":"%s"}}`, now, strings.Repeat("x", 33<<10)), "too_large", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := running{p.Pipeline, t}
			first, last := uuid.NewString(), uuid.NewString()
			status, results := p.send(post{key: keyUS, contentType: "application/x-ndjson", body: page(first) + "\n" + c.event + "\n" + page(last) + "\n"})
			if status != 200 || len(results) != 3 {
				t.Fatalf("answer %d %+v", status, results)
			}
			if r := results[1]; r.Status != "rejected" || r.Code != c.code || c.path != "" && r.Path != c.path || r.Message == "" {
				t.Errorf("the bad event is %+v, want %s at %s", r, c.code, c.path)
			}
			if results[0].Status != "accepted" || results[2].Status != "accepted" {
				t.Errorf("its neighbours are %+v and %+v", results[0], results[2])
			}
			p.settle()
			p.row("us", first)
			p.row("us", last)
		})
	}
}

// A request that cannot be read at all is refused as a whole.
func TestUnreadableRequestsAreRefusedAsAWhole(t *testing.T) {
	p := use(t)
	id := uuid.NewString()
	cases := []struct {
		name   string
		post   post
		status int
	}{
		{"body that is not JSON", post{key: keyUS, body: `{"events":[` + page(id) + `,`}, 400},
		{"not the encoding it claims", post{key: keyUS, encoding: "gzip", body: page(id)}, 400},
		{"unknown encoding", post{key: keyUS, encoding: "rot13", body: page(id)}, 415},
		{"no key", post{body: page(id)}, 401},
		{"unknown key", post{key: "wk_nobody_knows", body: page(id)}, 401},
		{"too big", post{key: keyUS, body: "[" + strings.Repeat(" ", 2<<20) + page(id) + "]"}, 413},
		{"too many events", post{key: keyUS, body: "[" + strings.Repeat(page(id)+",", 500) + page(id) + "]"}, 413},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if status, _ := (running{p.Pipeline, t}).send(c.post); status != c.status {
				t.Errorf("answer %d, want %d", status, c.status)
			}
		})
	}
	p.settle()
	if n := p.number("us", "SELECT count() FROM events WHERE event_id = '"+id+"'"); n != "0" {
		t.Errorf("a refused request left %s rows", n)
	}
}

// What only a newer version may know is accepted, kept on the dead topic, and SQL says why.
func TestUnknownItemsAndEventsBecomeDeadLetters(t *testing.T) {
	p := use(t)
	now := time.Now().UnixMilli()
	for reason, body := range map[string]string{
		"unknown_item_type": `{"id":"%s","time":%d,"type":"view","data":{"type":"hologram"}}`,
		"unknown_event":     `{"id":"%s","time":%d,"type":"explode","data":{"type":"page"}}`,
	} {
		id, good := uuid.NewString(), uuid.NewString()
		p.accept(post{key: keyUS, body: "[" + fmt.Sprintf(body, id, now) + "," + page(good) + "]"})
		p.settle()
		p.row("us", good)
		rows := p.query("us", "SELECT reason, stage, account_id, topic, error FROM dead_events WHERE event_id = '"+id+"'")
		if len(rows) != 1 {
			t.Fatalf("%s: %d dead letters, want 1", reason, len(rows))
		}
		p.same(rows[0], map[string]any{"reason": reason, "account_id": "demo-us", "topic": "events.raw.us"})
		if n := p.number("us", "SELECT count() FROM events WHERE event_id = '"+id+"'"); n != "0" {
			t.Errorf("%s: %s rows in events", reason, n)
		}
	}
}

// An absurd time is kept, clamped and flagged.
func TestAbsurdTimesAreClampedAndFlagged(t *testing.T) {
	p := use(t)
	for flag, at := range map[string]time.Time{"clamped_future": time.Now().AddDate(30, 0, 0), "clamped_past": time.UnixMilli(1)} {
		id := uuid.NewString()
		p.accept(post{key: keyUS, body: fmt.Sprintf(`{"id":"%s","time":%d,"type":"view","data":{"type":"page"}}`, id, at.UnixMilli())})
		p.settle()
		row := p.row("us", id)
		p.same(row, map[string]any{"time_flag": flag})
		if off := moment(t, row["time"]).Sub(moment(t, row["received_at"])).Abs(); off > 8*24*time.Hour {
			t.Errorf("%s: time is %v off", flag, off)
		}
	}
}

func TestARepeatedRequestIsStoredOnce(t *testing.T) {
	p := use(t)
	id := uuid.NewString()
	request := post{key: keyUS, body: fmt.Sprintf(`{"id":"%s","time":%d,"type":"view","data":{"type":"page"},"user":{"guid":"g-1"}}`, id, time.Now().UnixMilli())}
	for range 3 {
		p.accept(request)
	}
	p.settle()
	if n := p.number("us", "SELECT count() FROM (SELECT 1 FROM events WHERE event_id = '"+id+"' LIMIT 1 BY event_id)"); n != "1" {
		t.Errorf("three deliveries of one event count as %s", n)
	}
	if n := p.number("us", "SELECT count() FROM events FINAL WHERE event_id = '"+id+"'"); n != "1" {
		t.Errorf("after a merge three deliveries of one event are %s rows", n)
	}
}
