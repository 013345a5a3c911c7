package segment

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/waymark-events/waymark/pkg/event"
)

// Whatever comes, the decoder does not break down, and what it takes can be stored: text is UTF-8, JSON is JSON.
func FuzzDecode(f *testing.F) {
	for _, m := range seeds(f) {
		f.Add([]byte(m.Message), []byte(nil), strings.TrimPrefix(m.Format, event.FormatSegment))
	}
	f.Add([]byte(`{"type":"track","event":"Walkthru Played","properties":{"item_id":1,"step_index":0,"quiz":{},"x":"\ud83d"}}`), []byte(`{"ip":"0.0.0.0","userAgentData":{"brands":[{"brand":"a"}]}}`), "")
	f.Add([]byte("{\"type\":\"page\",\"properties\":{\"url\":\"\xff\",\"name\":\"\\ud800\"}}"), []byte(`[`), "/page")
	own := map[string]Rule{"E": {Item: "sv", Event: "submit", Properties: map[string]string{"answers": "a"}}}
	f.Fuzz(func(t *testing.T, value, context []byte, method string) {
		before := string(value)
		var sent event.Sent
		err := Decode(value, context, strings.TrimPrefix(method, "/"), &sent)
		if err != nil && event.AsRejection(err) == nil {
			t.Fatalf("the error is none that makes a dead letter: %v", err)
		}
		if err == nil && !event.Known(sent.ItemType, sent.Event) {
			t.Errorf("%q of %q is taken", sent.Event, sent.ItemType)
		}
		Recognize(&sent, own)
		storable(t, reflect.ValueOf(sent))
		for _, value := range append([]event.Detail{{Name: "props", Value: sent.Props}}, sent.Details...) {
			if len(value.Value) > 0 && !json.Valid(value.Value) {
				t.Errorf("%s is no JSON: %q", value.Name, value.Value)
			}
		}
		if string(value) != before {
			t.Error("the client's bytes have changed")
		}
	})
}

func storable(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			t.Errorf("%q is not UTF-8", v.String())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				storable(t, v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if !utf8.Valid(v.Bytes()) {
				t.Errorf("%q is not UTF-8", v.Bytes())
			}
			return
		}
		for i := range v.Len() {
			storable(t, v.Index(i))
		}
	}
}

func seeds(t testing.TB) (all []recorded) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, ".golden.json") {
			all = append(all, readRecorded(t, file)...)
		}
	}
	return all
}

// BenchmarkDecode are messages as SDKs send them: most of the time goes into the JSON of their context.
func BenchmarkDecode(b *testing.B) {
	for _, client := range []string{"analytics-next", "analytics-node-3", "rudder-js"} {
		b.Run(client, func(b *testing.B) {
			messages := readRecorded(b, filepath.Join("testdata", client+".json"))
			size := 0
			for _, m := range messages {
				size += len(m.Message)
			}
			b.SetBytes(int64(size / len(messages)))
			b.ReportAllocs()
			var sent event.Sent
			for n := 0; b.Loop(); n++ {
				m := &messages[n%len(messages)]
				if err := Decode([]byte(m.Message), nil, strings.TrimPrefix(strings.TrimPrefix(m.Format, event.FormatSegment), "/"), &sent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRecognize is an event that becomes an item's.
func BenchmarkRecognize(b *testing.B) {
	message := []byte(`{"type":"track","event":"Walkthru Step Shown","properties":{"item_id":124909,"item_name":"Log in","interaction_id":"p-1","step_index":2,"step_count":4,"plan":"pro"}}`)
	b.ReportAllocs()
	var sent event.Sent
	for b.Loop() {
		if err := Decode(message, nil, "", &sent); err != nil {
			b.Fatal(err)
		}
		Recognize(&sent, nil)
	}
}
