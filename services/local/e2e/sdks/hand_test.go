package sdks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// testByHand sends what no script does: events that have names of items' events, an account's own among them, and some that are none.
func (p pipeline) testByHand(t *testing.T) {
	mark := newMark("hand")
	messages := []string{
		`{"type":"track","event":"Walkthru Step Shown","messageId":"1-MARK","anonymousId":"a-MARK","properties":{"item_id":124909,"item_name":"Log in","interaction_id":"play-MARK","step_index":2,"plan":"pro"}}`,
		`{"type":"track","event":"Tour Started","messageId":"2-MARK","anonymousId":"a-MARK","properties":{"tour_id":"t","run":"play-MARK"}}`,
		`{"type":"track","messageId":"3-MARK","anonymousId":"a-MARK"}`,
		`{"type":"track","event":"` + strings.Repeat("x", 40<<10) + `","messageId":"4-MARK","anonymousId":"a-MARK"}`,
	}
	for range 2 { // the answer was lost
		body := strings.ReplaceAll(`{"batch":[`+strings.Join(messages, ",")+`],"writeKey":"`+key+`"}`, "MARK", mark)
		resp, err := http.Post(p.edge()+"/v1/batch", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Success  bool
			Accepted int
			Dead     int
			Results  []struct{ ID, Code, Path string }
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close()
		if err != nil || !answer.Success || answer.Accepted != 2 || answer.Dead != 2 || answer.Results[2].Path != "$.event" {
			t.Fatalf("%s %+v, %v", resp.Status, answer, err)
		}
	}
	p.settle(t)
	rows := p.query(t, "SELECT item_type, event, item_id, item_name, interaction_id, step_index, props_text FROM events WHERE visitor_id = 'a-"+mark+"' ORDER BY event")
	want := []columns{
		{"item_type": "walkthru", "event": "play", "item_id": "t", "item_name": "", "interaction_id": "play-" + mark, "step_index": -1, "props_text": ""},
		{"item_type": "walkthru", "event": "step", "item_id": "124909", "item_name": "Log in", "interaction_id": "play-" + mark, "step_index": 2, "props_text": `{"plan":"pro"}`},
	}
	if text(t, rows) != text(t, want) {
		t.Errorf("stored are %s", text(t, rows))
	}
	dead := p.query(t, "SELECT reason, stage, count() AS records FROM dead_events GROUP BY ALL ORDER BY reason")
	if got := fmt.Sprint(text(t, dead)); got != `[{"reason":"missing_field","records":2,"stage":"decode"},{"reason":"too_large","records":2,"stage":"decode"}]` {
		t.Errorf("dead letters are %s", got)
	}
}
