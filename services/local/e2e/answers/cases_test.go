package answers

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// Each case has an account of its own, which no other test asks for, and is told again where it was before.

// A told is an event of a case: "10 12:00:00" is March 10, 2026, UTC. The item is walk-thru w, unless change says otherwise.
type told struct {
	at, who, event, play string
	change               func(e *dataset.Event)
}

func (o told) row(t *testing.T, account string, n int) *dataset.Event {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", "2026-03-"+o.at)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(fmt.Append(nil, account, n))
	e := &dataset.Event{
		ID: uuid.UUID(sum[:16]), Account: account, Region: "eu", Name: o.event, ItemType: "walkthru", ItemID: "w", ItemName: "W", Interaction: o.play, StepIndex: -1,
		Environment: "production", Time: at, ClientTime: at, ReceivedAt: at, EnrichedAt: at, InsertedAt: at, Visitor: "browser of " + o.who, User: o.who,
		Flags: []string{}, Expires: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if o.change != nil {
		o.change(e)
	}
	return e
}

func step(index int32) func(e *dataset.Event) {
	return func(e *dataset.Event) { e.StepIndex, e.StepName = index, fmt.Sprint("step ", index) }
}

func about(kind, item string) func(e *dataset.Event) {
	return func(e *dataset.Event) { e.ItemType, e.ItemID, e.ItemName = kind, item, item }
}

// What tools that answer such questions are known to get wrong, each in a few events, with answers that were worked out by hand.
var cases = []struct {
	name   string
	events []told
	// ask is the query, in which $ stands for account, days and audience: March 10 alone, live.
	ask  string
	want []Row
}{
	{
		"a step that is shown again counts once, and the play ends at its last new step",
		[]told{
			{"10 10:00:00", "ann", "play", "p1", nil},
			{"10 10:00:01", "ann", "step", "p1", step(0)}, {"10 10:00:03", "ann", "step", "p1", step(1)}, {"10 10:00:04", "ann", "step", "p1", step(0)},
			{"10 10:00:09", "ann", "step", "p1", step(1)}, {"10 10:00:10", "ann", "step", "p1", step(0)},
		},
		"SELECT step_index, plays, users, entered_here, ended_here, drop_off_rate, seconds_to_next_median FROM walkthru_funnel($, item='w')",
		[]Row{
			{"step_index": 0, "plays": 1, "users": 1, "entered_here": 1, "ended_here": 0, "drop_off_rate": 0, "seconds_to_next_median": 2},
			{"step_index": 1, "plays": 1, "users": 1, "entered_here": 0, "ended_here": 1, "drop_off_rate": 1, "seconds_to_next_median": nil},
		},
	},
	{
		"steps of one millisecond are in the order of their places, whatever comes first",
		[]told{
			{"10 10:00:00", "ann", "step", "p1", step(2)}, {"10 10:00:00", "ann", "step", "p1", step(1)}, {"10 10:00:00", "ann", "complete", "p1", nil},
		},
		"SELECT step_index, entered_here, ended_here, seconds_to_next_median FROM walkthru_funnel($, item='w')",
		[]Row{
			{"step_index": 1, "entered_here": 1, "ended_here": 0, "seconds_to_next_median": 0},
			{"step_index": 2, "entered_here": 0, "ended_here": 0, "seconds_to_next_median": nil},
		},
	},
	{
		"a play is followed for the day after the span, and no further",
		[]told{
			{"10 23:59:59", "ann", "play", "p1", nil}, {"11 00:00:01", "ann", "complete", "p1", nil},
			{"10 12:00:00", "bob", "play", "p2", nil}, {"11 23:59:59", "bob", "complete", "p2", nil},
			{"10 12:00:00", "eve", "play", "p3", nil}, {"12 00:00:00", "eve", "complete", "p3", nil},
			{"09 23:59:59", "joe", "play", "p4", nil}, {"10 00:00:01", "joe", "complete", "p4", nil}, // the day before's
		},
		"SELECT day, plays, completed, round(completion_rate, 3) AS rate FROM walkthru_completion($, item='')",
		[]Row{{"day": "2026-03-10", "plays": 3, "completed": 2, "rate": 0.667}},
	},
	{
		"who logs in within a play is one user",
		[]told{
			{"10 10:00:00", "ann's browser", "play", "p1", nil}, {"10 10:00:01", "ann's browser", "step", "p1", step(0)},
			{"10 10:00:02", "ann", "step", "p1", step(1)}, {"10 10:00:03", "ann", "complete", "p1", nil},
		},
		"SELECT exposed_users, interacting_users, engagement_rate, plays, players, completed, completion_rate FROM item_engagement($)",
		[]Row{{"exposed_users": 1, "interacting_users": 1, "engagement_rate": 1, "plays": 1, "players": 1, "completed": 1, "completion_rate": 1}},
	},
	{
		"two tabs are two plays of one player",
		[]told{
			{"10 10:00:00", "ann", "play", "p1", nil}, {"10 10:00:01", "ann", "play", "p2", nil},
			{"10 10:00:02", "ann", "step", "p1", step(0)}, {"10 10:00:03", "ann", "step", "p2", step(0)}, {"10 10:00:05", "ann", "complete", "p2", nil},
		},
		"SELECT e.plays, e.players, e.completed, e.completion_rate, t.seconds_median FROM item_engagement($) AS e, time_to_complete($, item='w') AS t",
		[]Row{{"plays": 2, "players": 1, "completed": 1, "completion_rate": 0.5, "seconds_median": 4}},
	},
	{
		"a day is UTC's, before and after the clocks change, and both its ends belong to it",
		[]told{
			{"10 00:00:00", "ann", "play", "p1", nil}, {"10 23:59:59", "ann", "play", "p2", nil}, {"11 00:00:00", "ann", "play", "p3", nil},
			{"09 23:59:59", "ann", "play", "p4", nil},
		},
		"SELECT day, plays FROM walkthru_completion($, item='w')",
		[]Row{{"day": "2026-03-10", "plays": 2}},
	},
	{
		"a rate of nobody is NULL: neither 0 nor NaN",
		[]told{{"10 10:00:00", "ann", "complete", "", about("task", "t")}},
		"SELECT item_id, exposed_users, interacting_users, engagement_rate, plays, completed, completion_rate, goal_rate FROM item_engagement($)",
		[]Row{{"item_id": "t", "exposed_users": 0, "interacting_users": 1, "engagement_rate": nil, "plays": 0, "completed": 1, "completion_rate": nil, "goal_rate": nil}},
	},
	{
		"a completion before its play, by a clock that was set, has no time, and is completed all the same",
		[]told{
			{"10 10:00:05", "ann", "play", "p1", nil}, {"10 10:00:00", "ann", "complete", "p1", nil},
			{"10 11:00:00", "bob", "play", "p2", nil}, {"10 11:00:10", "bob", "complete", "p2", nil},
		},
		"SELECT t.completed, t.seconds_min, t.seconds_mean, e.completed AS all_completed FROM time_to_complete($, item='w') AS t, item_engagement($) AS e",
		[]Row{{"completed": 1, "seconds_min": 10, "seconds_mean": 10, "all_completed": 2}},
	},
	{
		"a completion whose play was lost makes no rate exceed one",
		[]told{{"10 10:00:00", "ann", "play", "p1", nil}, {"10 10:00:01", "ann", "complete", "p1", nil}, {"10 10:00:02", "bob", "complete", "p2", nil}},
		"SELECT plays, completed, completion_rate FROM item_engagement($)",
		[]Row{{"plays": 1, "completed": 1, "completion_rate": 1}},
	},
	{
		"a goal of who did not play is nobody's rate, and one that was reached without the play's id is its player's",
		[]told{
			{"10 10:00:00", "ann", "play", "p1", nil}, {"10 10:00:09", "ann", "goal", "", nil}, {"10 10:00:00", "bob", "play", "p2", nil}, {"10 10:00:00", "eve", "goal", "p3", nil},
			{"10 10:00:00", "joe", "goal", "p4", about("walkthru", "x")},
		},
		"SELECT item_id, players, goal_users, goal_rate FROM goal_rate($, item='')",
		[]Row{{"item_id": "w", "players": 2, "goal_users": 1, "goal_rate": 0.5}},
	},
	{
		"one step is no interaction, whatever it is and on which side of midnight, and two are, on both",
		[]told{
			{"10 23:59:59", "ann", "play", "p1", nil}, {"11 00:00:01", "ann", "step", "p1", step(3)},
			{"10 23:59:00", "bob", "play", "p2", nil}, {"10 23:59:59", "bob", "step", "p2", step(0)}, {"11 00:00:01", "bob", "step", "p2", step(1)},
		},
		"SELECT exposed_users, interacting_users, engagement_rate FROM item_engagement($)",
		[]Row{{"exposed_users": 2, "interacting_users": 1, "engagement_rate": 0.5}},
	},
	{
		"a double under the same id counts once, in the model and in the events",
		[]told{
			{"10 10:00:00", "ann", "search", "", searched(1)}, {"10 10:00:00", "ann", "search", "", searched(1)}, {"10 10:00:01", "ann", "search", "", searched(2)},
			{"10 10:00:00", "ann", "search", "", func(e *dataset.Event) { searched(1)(e); e.ClientTime = e.ClientTime.AddDate(0, 0, -2) }},
		},
		"SELECT query, searches, users FROM search_without_result($)",
		[]Row{{"query": "fax", "searches": 2, "users": 1}},
	},
	{
		"ids are what they are: quotes, percent signs and other alphabets",
		[]told{
			{"10 10:00:00", "o'ann", "play", "p1", about("walkthru", `' OR 1=1 --`)}, {"10 10:00:00", "日本", "play", "p2", about("walkthru", "%")},
			{"10 10:00:00", "ann", "play", "p3", about("walkthru", `\'`)},
		},
		`SELECT item_id, players FROM goal_rate($, item='\' OR 1=1 --') UNION ALL SELECT item_id, players FROM goal_rate($, item='%')`,
		[]Row{{"item_id": `' OR 1=1 --`, "players": 1}, {"item_id": "%", "players": 1}},
	},
	{
		"a median of two is between them",
		[]told{
			{"10 10:00:00", "ann", "play", "p1", nil}, {"10 10:00:10", "ann", "complete", "p1", nil},
			{"10 10:00:00", "bob", "play", "p2", nil}, {"10 10:00:20", "bob", "complete", "p2", nil},
		},
		"SELECT seconds_median, seconds_p90 FROM time_to_complete($, item='')",
		[]Row{{"seconds_median": 15, "seconds_p90": 19}},
	},
	{
		"an author's previews, crawlers and other environments are in no rate",
		[]told{
			{"10 10:00:00", "ann", "play", "p1", func(e *dataset.Event) { e.Preview = true }}, {"10 10:00:00", "ann", "play", "p2", func(e *dataset.Event) { e.IsBot = true }},
			{"10 10:00:00", "ann", "play", "p3", func(e *dataset.Event) { e.Environment = "test" }}, {"10 10:00:00", "ann", "play", "p4", nil},
			{"10 10:00:00", "ann", "play", "p5", func(e *dataset.Event) { e.Environment = "" }},
		},
		"SELECT plays, players FROM item_engagement($)",
		[]Row{{"plays": 2, "players": 1}},
	},
	{
		"what was reached before the guide is not the guide's",
		[]told{
			{"10 10:00:00", "ann", "track", "", tracked}, {"10 11:00:00", "ann", "play", "p1", nil},
			{"10 10:00:00", "bob", "play", "p2", nil}, {"10 22:00:00", "bob", "track", "", tracked}, {"10 16:00:00", "eve", "track", "", tracked},
			{"09 10:00:00", "old", "play", "p3", nil}, {"10 10:00:00", "old", "track", "", tracked}, // seen before
		},
		"SELECT * FROM guide_effect($, item='w', goal='Paid')",
		[]Row{
			{"took_it": true, "users": 2, "reached": 1, "reach_rate": 0.5, "days_to_goal_median": 0.5},
			{"took_it": false, "users": 1, "reached": 1, "reach_rate": 1, "days_to_goal_median": 0},
		},
	},
	{
		"a task that is completed without a click, and one that was clicked days before",
		[]told{
			{"10 10:00:00", "ann", "complete", "", about("task", "t")},
			{"02 10:00:00", "bob", "click", "", about("task", "t")}, {"10 10:00:00", "bob", "complete", "", about("task", "t")}, {"10 10:00:00", "eve", "click", "", about("task", "t")},
		},
		"SELECT * EXCEPT item_name FROM task_progress($)",
		[]Row{{"item_id": "t", "clicked_users": 1, "completed_users": 2, "completed_without_click_users": 1}},
	},
}

// searched is a search that found nothing; n tells its id.
func searched(n byte) func(e *dataset.Event) {
	return func(e *dataset.Event) {
		about("search", "")(e)
		e.ID, e.Detail = uuid.UUID{0: n, 1: 0xfa}, `{"query":" FAX ","result":null}`
	}
}

func tracked(e *dataset.Event) {
	about("custom", "")(e)
	e.Detail = `{"name":"Paid"}`
}

func TestWhatOthersGetWrong(t *testing.T) {
	h := open(t)
	for n, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			account := fmt.Sprint("case ", n)
			// The last comes first, each in a block of its own, and half of them twice.
			for i := len(c.events) - 1; i >= 0; i-- {
				row := dataset.Columns([]*dataset.Event{c.events[i].row(t, account, i)})
				for range 1 + i%2 {
					if err := h.insert(t.Context(), "events", "", row); err != nil {
						t.Fatal(err)
					}
				}
			}
			span := fmt.Sprintf("account=%s, from='2026-03-10', to='2026-03-10', audience='live'", quote(account))
			if d := differ(h.ask(t, strings.ReplaceAll(c.ask, "$", span)), c.want); d != "" {
				t.Error(d)
			}
		})
	}
}
