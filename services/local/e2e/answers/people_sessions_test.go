package answers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// Sessions by hand: events as "visitor=user@hh:mm:ss.mmm", on the evening of a month's last day or, with a +, after its midnight,
// with a - the day before. Each case has an account of its own, which no other test asks for.
func TestSessionsAreCutAtRests(t *testing.T) {
	cases := map[string]struct{ events, want string }{
		"one event":                    {"v@12:00:00.000", "v v 12:00:00.000 0s 1"},
		"exactly half an hour":         {"v@12:00:00.000 v@12:30:00.000", "v v 12:00:00.000 30m0s 2"},
		"a millisecond more":           {"v@12:00:00.000 v@12:30:00.001", "v v 12:00:00.000 0s 1, v v 12:30:00.001 0s 1"},
		"half an hour, within two":     {"v@12:10:00.000 v@12:40:00.000", "v v 12:10:00.000 30m0s 2"},
		"a rest within two half hours": {"v@12:10:00.000 v@12:40:00.001", "v v 12:10:00.000 0s 1, v v 12:40:00.001 0s 1"},
		"an empty half hour":           {"v@12:29:59.999 v@13:00:00.000", "v v 12:29:59.999 0s 1, v v 13:00:00.000 0s 1"},
		"three, told backwards":        {"v@14:00:00.000 v@13:00:00.000 v@12:00:00.000", "v v 12:00:00.000 0s 1, v v 13:00:00.000 0s 1, v v 14:00:00.000 0s 1"},
		"a late event joins two":       {"v@12:00:00.000 v@12:50:00.000 v@12:25:00.000", "v v 12:00:00.000 50m0s 3"},
		"over midnight":                {"v@23:50:00.000 v+@00:10:00.000", "v v 23:50:00.000 20m0s 2"},
		"begun before the day":         {"v-@23:50:00.000 v@00:10:00.000 v@00:30:00.000", ""},
		"exactly half an hour of it":   {"v-@23:30:00.000 v@00:00:00.000", ""},
		"a log-in":                     {"v@12:00:00.000 v=ann@12:01:00.000 v@12:00:30.000", "v ann 12:00:00.000 1m0s 3"},
		"a log-out":                    {"v=ann@12:00:00.000 v@12:01:00.000", "v v 12:00:00.000 1m0s 2"},
		"two users of one browser":     {"v=ann@12:00:00.000 v=bob@12:05:00.000 v=ann@12:50:00.000", "v bob 12:00:00.000 5m0s 2, v ann 12:50:00.000 0s 1"},
		"one who comes back":           {"v=bob@12:00:00.000 v=ann@12:01:00.000 v=bob@12:02:00.000", "v bob 12:00:00.000 2m0s 3"},
		"one user in two browsers":     {"v=ann@12:00:00.000 w=ann@12:01:00.000", "v ann 12:00:00.000 0s 1, w ann 12:01:00.000 0s 1"},
		"two at the same time":         {"v=ann@12:00:00.000 v=bob@12:00:00.000", "v bob 12:00:00.000 0s 2"},
		"quotes":                       {`o'"\=ü@12:00:00.000`, `o'"\ ü 12:00:00.000 0s 1`},
	}
	h := open(t)
	var all []*dataset.Event
	for name, c := range cases {
		all = append(all, byHand(t, "by hand: "+name, c.events)...)
	}
	// Each event in a block of its own, then all of them again: rows of one half hour are several.
	for i, block := range append(alone(all), all) {
		if err := h.insert(t.Context(), "events", fmt.Sprintf("by hand %d", i), dataset.Columns(block)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range cases {
		var got []string
		for _, row := range h.ask(t, "SELECT visitor_id, user_id, formatDateTime(started_at, '%H:%i:%S') || '.' || leftPad(toString(toUnixTimestamp64Milli(started_at) % 1000), 3, '0') AS at, "+
			"toInt64(seconds * 1000) AS ms, events FROM sessions(account="+quote("by hand: "+name)+", from='2026-02-28', to='2026-02-28', audience='live') ORDER BY started_at, visitor_id") {
			got = append(got, fmt.Sprintf("%s %s %s %s %v", row["visitor_id"], row["user_id"], row["at"], time.Duration(row["ms"].(float64))*time.Millisecond, row["events"]))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s is %q, want %q", name, c.events, text, c.want)
		}
	}
}

// alone is each event alone.
func alone(events []*dataset.Event) [][]*dataset.Event {
	var out [][]*dataset.Event
	for _, e := range events {
		out = append(out, []*dataset.Event{e})
	}
	return out
}

// byHand reads events of an account.
func byHand(t *testing.T, account, text string) []*dataset.Event {
	t.Helper()
	var events []*dataset.Event
	for one := range strings.FieldsSeq(text) {
		who, at, _ := strings.Cut(one, "@")
		clock, err := time.Parse("15:04:05.000", at)
		if err != nil {
			t.Fatal(err)
		}
		on := day(2, 28)
		if name, is := strings.CutSuffix(who, "+"); is {
			who, on = name, day(3, 1)
		} else if name, is := strings.CutSuffix(who, "-"); is {
			who, on = name, day(2, 27)
		}
		visitor, user, named := strings.Cut(who, "=")
		if !named {
			user = visitor
		}
		e := &dataset.Event{ID: uuid.New(), Account: account, ItemType: "page", Name: "view", Visitor: visitor, User: user, Environment: "production", Flags: []string{}, Expires: day(12, 31)}
		e.Time = on.Add(clock.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)))
		e.ClientTime, e.ReceivedAt, e.EnrichedAt, e.InsertedAt = e.Time, e.Time, e.Time, e.Time
		events = append(events, e)
	}
	return events
}
