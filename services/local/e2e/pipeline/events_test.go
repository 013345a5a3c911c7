package pipeline

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/recorder"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local"
)

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(schemas.Examples(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPublishedExampleEventIsReadBackWithEveryColumnRight(t *testing.T) {
	p := use(t)
	from := time.Now()
	id := p.accept(post{key: keyUS, ip: addressUS, userAgent: chrome72, body: example(t, "published.json")})[0]
	p.settle()
	row := p.row("us", id)

	want := map[string]any{
		"event_id": id, "account_id": "demo-us", "region": "us",
		"event": "play", "item_type": "walkthru", "item_id": "124909", "item_name": "Log in",
		"interaction_id": "1551784021000-124909-6f1c2b9e-8d34-4a57-b0c1-2f7e9a5d3c18",
		"step_id":        "", "step_index": -1, "step_name": "", "step_count": 0, "iteration": 0,
		"trigger": "launcher", "dismiss_reason": "", "failure_reason": "", "item_language": "", "preview": false, "environment": "production", "company_id": "",
		"client_time": "2019-03-05 11:07:01.000", "time_flag": "clamped_past",
		"session_id": "",
		"url":        "", "url_host": "", "url_path": "", "page_title": "Pink Alligator - ShopMe", "referrer": "",
		"referrer_host": "", "traffic_source": "", "utm_source": "", "utm_medium": "", "utm_campaign": "", "utm_term": "", "utm_content": "",
		"browser": "Chrome", "browser_version": "72.0.3626.121", "os": "Windows", "os_version": "10",
		"device_type": "desktop", "device_brand": "", "device_model": "", "is_bot": false, "bot_name": "",
		"screen_width": 0, "screen_height": 0, "language": "", "timezone": "",
		"props": map[string]any{}, "props_text": "", "detail": map[string]any{"init": map[string]any{"type": "launcher"}},
		"library": "", "library_version": "", "epoch": 0, "raw_leader_epoch": 0, "flags": []any{},
	}
	topicID, err := p.kafka().TopicID(t.Context(), schemas.RawTopic("us"))
	if err != nil {
		t.Fatal(err)
	}
	want["raw_topic_id"] = topicID.String()
	for column, value := range locationUS {
		want[column] = value
	}
	// No guid was sent: the visitor follows from the play, and is the user's anonymous id.
	visitor := fmt.Sprint(row["visitor_id"])
	if _, err := uuid.Parse(visitor); err != nil {
		t.Errorf("visitor_id: %v", err)
	}
	want["visitor_id"], want["user_id"] = visitor, visitor
	p.same(row, want)

	received := moment(t, row["received_at"])
	if received.Before(from.Add(-time.Second)) || received.After(time.Now().Add(time.Second)) {
		t.Errorf("received_at: %v", received)
	}
	if got := fmt.Sprint(row["detail_text"]); strings.Join(strings.Fields(got), "") != `{"init":{"type":"launcher"}}` {
		t.Errorf("detail_text: %s", got)
	}
	if got, want := moment(t, fmt.Sprint(row["expires"])+".000"), received.Add((365-7)*24*time.Hour).Truncate(time.Second); !got.Equal(want) {
		t.Errorf("expires: %v, want %v", got, want)
	}
	if got := moment(t, row["time"]); !got.Equal(received.Add(-7 * 24 * time.Hour)) {
		t.Errorf("time: %v, want a week before %v", got, received)
	}
	if enriched, inserted := moment(t, row["enriched_at"]), moment(t, row["inserted_at"]); enriched.Before(received) || inserted.Before(enriched) {
		t.Errorf("received at %v, enriched at %v, inserted at %v", received, enriched, inserted)
	}
	// The text is as it was sent, white space and all.
	var detail map[string]any
	if err := json.Unmarshal([]byte(fmt.Sprint(row["detail_text"])), &detail); err != nil || !reflect.DeepEqual(detail, want["detail"]) {
		t.Errorf("detail_text: %v, %v", row["detail_text"], err)
	}
	for _, column := range []string{"time", "received_at", "enriched_at", "inserted_at", "raw_partition", "raw_offset", "detail_text", "expires"} {
		delete(row, column)
	}
	for column := range want {
		delete(row, column)
	}
	if len(row) > 0 {
		t.Errorf("columns that this test does not look at: %v", row)
	}
}

func moment(t *testing.T, value any) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05.000", fmt.Sprint(value))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestEveryEventOfEveryItemIsReadBack(t *testing.T) {
	p := use(t)
	names, err := fs.Glob(schemas.Examples(), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	type sent struct {
		name, id string
		at       time.Time
		event    recorder.Event
		raw      map[string]any
	}
	var all []sent
	var batch []string
	for _, name := range names {
		s := sent{name: name, id: uuid.NewString(), at: time.Now().UTC().Truncate(time.Millisecond)}
		if err := json.Unmarshal([]byte(example(t, name)), &s.raw); err != nil {
			t.Fatal(err)
		}
		s.raw["id"], s.raw["time"] = s.id, s.at.UnixMilli()
		value := text(t, s.raw)
		if err := recorder.Decode([]byte(value), &s.event); err != nil {
			t.Fatal(err)
		}
		all, batch = append(all, s), append(batch, value)
	}
	p.accept(post{key: keyUS, ip: addressUS, userAgent: chrome72, body: "[" + strings.Join(batch, ",") + "]"})
	p.settle()
	kinds := map[string]bool{}
	for _, s := range all {
		t.Run(strings.TrimSuffix(s.name, ".json"), func(t *testing.T) {
			p := running{p.Pipeline, t}
			itemType, _ := s.event.ItemType()
			kinds[itemType] = true
			want := map[string]any{
				"event": s.event.Type, "item_type": itemType, "item_id": string(s.event.Data.ID), "item_name": s.event.Data.Name,
				"interaction_id": s.event.Data.PlayID, "step_id": string(s.event.Data.Step.ID), "step_index": -1, "step_name": s.event.Data.Step.Name,
				"time": s.at.Format("2006-01-02 15:04:05.000"), "time_flag": "as_sent", "session_id": s.event.Session,
				"url": s.event.Page.URL, "page_title": s.event.Page.Title, "referrer": s.event.Page.Referrer,
				"screen_width": s.event.Env.Screen.Width, "language": s.event.Env.Language, "timezone": s.event.Env.Timezone,
				"step_count": s.event.Data.Step.Count, "iteration": s.event.Data.Iteration, "item_language": s.event.Data.Language,
				"dismiss_reason": s.event.Data.DismissReason, "environment": "production", "preview": false,
				"library": s.event.Library.Name, "library_version": s.event.Library.Version, "country_code": "US",
				"detail": detail(s.raw["data"].(map[string]any)),
			}
			if s.event.Data.Step.Index != nil {
				want["step_index"] = *s.event.Data.Step.Index
			}
			if s.event.User.GUID != "" {
				want["visitor_id"] = s.event.User.GUID
			}
			if props, sent := s.raw["props"]; sent {
				want["props"] = props
			}
			p.same(p.row("us", s.id), want)
		})
	}
	if len(kinds) != 14 {
		t.Errorf("%d kinds of items in the examples, want 14: %v", len(kinds), kinds)
	}
}

// detail is what a row's detail must be. ClickHouse's JSON has no null: a search without result has no such member.
func detail(data map[string]any) map[string]any {
	out := map[string]any{}
	for wire, name := range map[string]string{
		"pInit": "init", "error": "error", "goal": "goal", "lesson": "lesson", "quiz": "quiz", "answers": "answers", "query": "query",
		"result": "result", "action": "action", "rule": "rule", "event": "name",
	} {
		if value, sent := data[wire]; sent && value != nil {
			out[name] = value
		}
	}
	return out
}

func TestEventsStayInTheirAccountsRegion(t *testing.T) {
	p := use(t)
	body := func(id string) string {
		return fmt.Sprintf(`{"id":"%s","time":%d,"type":"view","data":{"type":"page"}}`, id, time.Now().UnixMilli())
	}
	ids := map[string]string{"us": uuid.NewString(), "eu": uuid.NewString()}
	p.accept(post{key: keyUS, body: body(ids["us"])})
	p.accept(post{key: keyEU, body: body(ids["eu"])})
	p.settle()
	for _, home := range local.Regions {
		for _, region := range local.Regions {
			want := "0"
			if region == home {
				want = "1"
			}
			if got := p.number(region, "SELECT count() FROM events WHERE event_id = '"+ids[home]+"'"); got != want {
				t.Errorf("the event of %s has %s rows in the database of %s, want %s", home, got, region, want)
			}
			for _, topic := range []string{schemas.RawTopic(region), schemas.EnrichedTopic(region)} {
				if found := p.onTopic(topic, ids[home]); found != (region == home) {
					t.Errorf("the event of %s on %s: %t", home, topic, found)
				}
			}
		}
	}
	if status, _ := p.send(post{key: "wk_far_away", body: body(uuid.NewString())}); status != 421 {
		t.Errorf("an account of another region is answered %d, want 421", status)
	}
}
