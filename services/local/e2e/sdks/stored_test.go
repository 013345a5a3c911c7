package sdks

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"
)

// columns are a row's, by name.
type columns map[string]any

// with is c and what more says.
func (c columns) with(more ...columns) columns {
	out := maps.Clone(c)
	for _, m := range more {
		maps.Copy(out, m)
	}
	return out
}

// empty are the columns of an event that says nothing but what it is.
var empty = columns{
	"account_id": "demo-us", "region": "us", "item_id": "", "item_name": "", "interaction_id": "", "step_id": "", "step_index": -1, "step_name": "",
	"step_count": 0, "iteration": 0, "trigger": "", "dismiss_reason": "", "failure_reason": "", "item_language": "", "preview": false, "environment": "production",
	"company_id": "", "session_id": "", "url": "", "url_host": "", "url_path": "", "page_title": "", "referrer": "", "referrer_host": "", "traffic_source": "",
	"utm_source": "", "utm_medium": "", "utm_campaign": "", "utm_term": "", "utm_content": "",
	"browser": "", "browser_version": "", "os": "", "os_version": "", "device_type": "", "device_brand": "", "device_model": "", "is_bot": false, "bot_name": "",
	"screen_width": 0, "screen_height": 0, "language": "", "timezone": "", "ip_masked": "", "country_code": "", "country": "", "subdivision": "", "city": "",
	"latitude": nil, "longitude": nil, "asn": 0, "as_name": "", "props": map[string]any{}, "props_text": "", "detail": map[string]any{}, "detail_text": "",
	"flags": []any{}, "expires": "2106-02-07 06:28:15", "epoch": 0, "raw_leader_epoch": 0, "time_flag": "corrected",
}

// princeton is where the database made on the spot has addressUS.
var princeton = columns{
	"ip_masked": "128.112.20.0", "country_code": "US", "country": "United States", "subdivision": "New Jersey", "city": "Princeton", "latitude": 40.34, "longitude": -74.65,
}

// nobodysBusiness are columns that depend on the run.
var nobodysBusiness = []string{"event_id", "time", "client_time", "received_at", "enriched_at", "inserted_at", "raw_topic_id", "raw_partition", "raw_offset"}

// theSix are what every script says, by the columns that tell them apart.
func theSix(mark string) map[string]columns {
	return map[string]columns{
		"identify": {"event": "identify", "item_type": "user"},
		"track":    {"event": "track", "item_type": "custom", "detail": map[string]any{"name": "Order Placed"}, "detail_text": `{"name":"Order Placed"}`},
		"page":     {"event": "view", "item_type": "page", "item_name": "Cart"},
		"screen":   {"event": "view", "item_type": "page", "item_name": "Checkout", "detail": map[string]any{"screen": true}, "detail_text": `{"screen":true}`},
		"group":    {"event": "group", "item_type": "user", "company_id": "acme"},
		"alias":    {"event": "alias", "item_type": "user", "detail": map[string]any{"previous_id": "anon-" + mark}, "detail_text": fmt.Sprintf(`{"previous_id":"anon-%s"}`, mark)},
	}
}

// stored are the rows of a mark's events by the method that sent them, each there once.
func (p pipeline) stored(t *testing.T, mark string) map[string]columns {
	t.Helper()
	out := map[string]columns{}
	for _, row := range p.query(t, "SELECT * FROM events WHERE position(visitor_id, '"+mark+"') > 0 OR position(user_id, '"+mark+"') > 0 ORDER BY time") {
		method := fmt.Sprint(row["event"])
		if method == "view" {
			method = strings.ToLower(map[string]string{"Cart": "page", "Checkout": "screen"}[fmt.Sprint(row["item_name"])])
		}
		if out[method] != nil {
			t.Errorf("%s of %s is stored twice", method, mark)
		}
		out[method] = row
	}
	return out
}

// same compares every column of a row.
func same(t *testing.T, method string, row, want columns) {
	t.Helper()
	for _, column := range nobodysBusiness {
		delete(row, column)
	}
	for column, value := range row {
		wanted, named := want[column]
		if got := text(t, value); !named || got != text(t, wanted) {
			t.Errorf("%s: %s is %s, want %s", method, column, got, text(t, wanted))
		}
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// props are the account's own properties in both columns.
func props(text string) columns {
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		panic(err)
	}
	return columns{"props": object, "props_text": text}
}

// newMark is part of the ids of one run's visitor, and of no other.
func newMark(name string) string {
	return strings.NewReplacer(" ", "", "@", "", "/", "").Replace(name) + fmt.Sprint(time.Now().UnixNano())
}

func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}
