package tail

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
)

func decode(t *testing.T, text []byte, err error) map[string]any {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

func TestEnrichedJSON(t *testing.T) {
	id := uuid.MustParse("0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f")
	latitude := 0.0
	e := event.Enriched{
		EventId: id[:], Event: "play", Time: 1_700_000_000_123, TimeFlag: event.TimeFlag_TIME_CORRECTED, StepIndex: -1,
		IsBot: true, Latitude: &latitude, Props: []byte(`{"plan":"pro"}`), Detail: []byte(`broken`),
	}
	value, err := e.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	text, err := EnrichedJSON(nil, &event.Record{Partition: 2, Offset: 40, Value: value})
	want := map[string]any{
		"event_id": id.String(), "event": "play", "time": "2023-11-14T22:13:20.123Z", "time_flag": "time_corrected", "step_index": -1.0,
		"is_bot": true, "latitude": 0.0, "props": map[string]any{"plan": "pro"}, "detail": "broken",
		"raw_partition": 0.0, "raw_offset": 0.0, "kafka_partition": 2.0, "kafka_offset": 40.0,
	}
	if diff := cmp.Diff(want, decode(t, text, err)); diff != "" {
		t.Error(diff)
	}
}

func TestDeadJSON(t *testing.T) {
	d := event.Dead{
		Reason: "malformed_json", FailedAt: 1_700_000_000_000, Value: []byte{0xff}, Key: []byte("a|b"),
		Headers: []*event.DeadHeader{{Key: "account", Value: []byte("demo-us")}, {Key: "ua", Value: []byte("x\xffy")}},
	}
	value, err := d.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	text, err := DeadJSON(nil, &event.Record{Value: value})
	want := map[string]any{
		"reason": "malformed_json", "failed_at": "2023-11-14T22:13:20.000Z", "value_base64": "/w==", "key": "a|b",
		"headers": map[string]any{"account": "demo-us", "ua": "x\uFFFDy"}, "partition": 0.0, "offset": 0.0, "kafka_partition": 0.0, "kafka_offset": 0.0,
	}
	if diff := cmp.Diff(want, decode(t, text, err)); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x0a, 0x01, 0xff})
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, render := range []func([]byte, *event.Record) ([]byte, error){EnrichedJSON, DeadJSON} {
			if text, err := render(nil, &event.Record{Value: value}); err == nil && !json.Valid(text) {
				t.Errorf("not JSON: %q", text)
			}
		}
	})
}

// What names a raw record is printed whole.
func TestJSONNamesALog(t *testing.T) {
	id := uuid.MustParse("0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f")
	value, err := (&event.Dead{Topic: "t", TopicId: id[:], Partition: 3, Offset: 4}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	text, err := DeadJSON(nil, &event.Record{Value: value})
	if got := decode(t, text, err); got["topic_id"] != id.String() || got["leader_epoch"] != 0.0 {
		t.Errorf("dead: %s", text)
	}
	if value, err = (&event.Enriched{RawTopicId: id[:], RawLeaderEpoch: 7}).MarshalVT(); err != nil {
		t.Fatal(err)
	}
	text, err = EnrichedJSON(nil, &event.Record{Value: value})
	if got := decode(t, text, err); got["raw_topic_id"] != id.String() || got["raw_leader_epoch"] != 7.0 {
		t.Errorf("enriched: %s", text)
	}
}
