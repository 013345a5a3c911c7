package segment

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/waymark-events/waymark/pkg/event"
)

func TestEveryEventOfEveryItemHasAName(t *testing.T) {
	named := map[[2]string]bool{}
	for name, rule := range Names {
		if err := rule.Validate(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		named[[2]string{rule.Item, rule.Event}] = true
	}
	for _, item := range event.ItemTypes() {
		for _, what := range event.ItemEvents(item) {
			if item != event.UserItem && item != event.Custom && !named[[2]string{item, what}] {
				t.Errorf("no name for %s %s", item, what)
			}
		}
	}
}

// The names and properties are described where senders look for them, and no others are.
func TestNamesAreDescribed(t *testing.T) {
	text, err := os.ReadFile("../../docs/sending.md")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]Rule{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z][^`]+)` \\| `(\\w+)` \\| `(\\w+)` \\|").FindAllStringSubmatch(string(text), -1) {
		described[row[1]] = Rule{Item: row[2], Event: row[3]}
	}
	if diff := cmp.Diff(Names, described); diff != "" {
		t.Error(diff)
	}
	_, list, _ := strings.Cut(string(text), "Properties that are read:")
	list, _, _ = strings.Cut(list, "\n\n")
	var fields []string
	for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(list, -1) {
		fields = append(fields, name[1])
	}
	if !slices.Equal(fields, Fields) {
		t.Errorf("the page names %v, want %v", fields, Fields)
	}
}

func TestRecognizedEvents(t *testing.T) {
	own := map[string]Rule{
		"Tour Started":   {Item: "wt", Event: "play", Properties: map[string]string{"item_id": "tour_id", "interaction_id": "run"}},
		"Task Completed": {Item: "custom", Event: "track"},
	}
	for name, c := range map[string]struct {
		event, properties string
		want              event.Sent
	}{
		"every field": {"Walkthru Step Shown", `{"item_id":124909,"item_name":"Log in","item_language":"en","interaction_id":"p-1","step_id":3,"step_index":2,"step_count":4,"step_name":"Press","iteration":1,"preview":true,` +
			`"trigger":"launcher","dismiss_reason":"closed","failure_reason":"timed_out","environment":"test","session_id":"s","plan":"pro"}`,
			event.Sent{ItemType: event.Walkthru, Event: "step", ItemID: "124909", ItemName: "Log in", ItemLanguage: "en", InteractionID: "p-1", Step: event.Step{ID: "3", Indexed: true, Index: 2, Count: 4, Name: "Press"}, Iteration: 1, Preview: true,
				Trigger: "launcher", DismissReason: "closed", FailureReason: "timed_out", Environment: "test", Session: "s", Props: []byte(`{"plan":"pro"}`), Details: detail("name", `"Walkthru Step Shown"`)}},
		"details": {"Course Quiz Submitted", `{"quiz":{"score":8},"answers":[{"a":1}],"query":"q","result":null}`,
			event.Sent{ItemType: event.Course, Event: "quiz_submit", Details: append(detail("name", `"Course Quiz Submitted"`), event.Detail{Name: "quiz", Value: []byte(`{"score":8}`)}, event.Detail{Name: "answers", Value: []byte(`[{"a":1}]`)},
				event.Detail{Name: "query", Value: []byte(`"q"`)}, event.Detail{Name: "result", Value: []byte(`null`)})}},
		"the account's own rule": {"Tour Started", `{"tour_id":"t","run":"r","item_id":"theirs","step_index":0,"a\u00e9\"b":1.50}`,
			event.Sent{ItemType: event.Walkthru, Event: "play", ItemID: "t", InteractionID: "r", Step: event.Step{Indexed: true}, Props: []byte(`{"item_id":"theirs","aé\"b":1.50}`), Details: detail("name", `"Tour Started"`)}},
		"a rule before a name": {"Task Completed", ``, event.Sent{ItemType: event.Custom, Event: "track", Details: detail("name", `"Task Completed"`)}},
		"no name of an item's": {"walkthru played", `{"item_id":1}`, event.Sent{ItemType: event.Custom, Event: "track", Props: []byte(`{"item_id":1}`), Details: detail("name", `"walkthru played"`)}},
		"without properties":   {"Menu Opened", ``, event.Sent{ItemType: event.Menu, Event: "open", Details: detail("name", `"Menu Opened"`)}},
		"what cannot be read": {"Walkthru Played", `{"step_index":-1,"item_name":{},"goal":"Signed in"}`, event.Sent{ItemType: event.Walkthru, Event: "play", Details: append(detail("name", `"Walkthru Played"`), event.Detail{Name: "goal", Value: []byte(`{"_rest":"\"Signed in\""}`)}), Warnings: []event.Warning{
			{Code: event.WarnDropped, Path: "$.properties.step_index"}, {Code: event.WarnDropped, Path: "$.properties.item_name"}, {Code: event.WarnAsText, Path: "$.properties.goal"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			properties := ""
			if c.properties != "" {
				properties = `,"properties":` + c.properties
			}
			sent := decode(t, `{"type":"track","timestamp":"`+at+`","event":"`+c.event+`"`+properties+`}`)
			Recognize(&sent, own)
			c.want.Name, c.want.Time = c.event, atMillis
			if diff := cmp.Diff(c.want, sent, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(event.Client{}, "IP")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRulesThatAreNone(t *testing.T) {
	for want, c := range map[string]struct {
		name string
		rule Rule
	}{
		"want an event's name of 1–1024 characters":                      {" ", Rule{Item: "wt", Event: "play"}},
		"item: want one of ":                                             {"E", Rule{Item: "WT", Event: "play"}},
		"event: a walkthru has play, ":                                   {"E", Rule{Item: "wt", Event: "open"}},
		"properties: want names among item_id, ":                         {"E", Rule{Item: "wt", Event: "play", Properties: map[string]string{"id": "x"}}},
		"properties.item_id: want a property's name of 1–128 characters": {"E", Rule{Item: "wt", Event: "play", Properties: map[string]string{"item_id": ""}}},
		"item: want one of wt":                                           {"E", Rule{Item: "user", Event: "identify"}},
	} {
		if err := c.rule.Validate(c.name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c.rule, err, want)
		}
	}
}
