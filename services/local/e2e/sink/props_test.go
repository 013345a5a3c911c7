package sink

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
)

// These are JSON objects that a client may well send, and that a JSON column could take offence at. All are stored, and none is altered.
func TestPropsOfAnyShapeAreStored(t *testing.T) {
	h := newHouse(t, 1)
	shapes := []string{
		`{"a.b":1,"a":{"b":2}}`,
		`{"a":1}`, `{"a":"x"}`, `{"a":[1,"x",{"b":null}]}`, `{"a":null}`, `{"":1}`,
		`{"n":123456789012345678901234567890,"f":1e300}`,
		`{"a":{"b":{"c":{"d":{"e":[[[1]]]}}}}}`,
		`{"time":"2026-01-02T03:04:05Z","day":"2026-01-02"}`,
		`{"v":1e400}`, `{"v":[true,1]}`, `{"v":"1945-05-08"}`, `{"null":null,"empty":{},"b":1,"a":2}`,
		`{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`,
	}
	var records []event.Record
	for _, shape := range shapes {
		e := h.enriched()
		e.Props, e.Detail = []byte(shape), []byte(shape)
		records = append(records, record(t, e))
	}
	h.send(0, records...)
	h.run(func() bool {
		return h.count("SELECT (SELECT count() FROM events) + (SELECT count() FROM dead_events)") == len(shapes)
	}, "all shapes")
	if n := h.count("SELECT count() FROM events"); n != len(shapes) {
		t.Errorf("%d of %d shapes were stored; refused: %v", n, len(shapes), h.row("SELECT groupArray(offset) AS o FROM dead_events"))
	}
	for _, column := range []string{"props", "detail"} {
		got := h.row("SELECT groupArray(" + column + "_text) AS text FROM (SELECT * FROM events ORDER BY raw_offset)")
		if diff := cmp.Diff(map[string]any{"text": shapes}, got); diff != "" {
			t.Errorf("%s_text: %s", column, diff)
		}
		got = h.row("SELECT arraySort(groupArray(toString(" + column + "))) AS asked FROM events WHERE " + column + ".v IS NOT NULL")
		want := map[string]any{"asked": []string{`{"v":"1945-05-08"}`, `{"v":"1e400"}`, `{"v":[true,1]}`}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", column, diff)
		}
	}
}
