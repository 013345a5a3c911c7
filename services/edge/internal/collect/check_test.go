package collect

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
)

// An incidental member costs no event: the answer says what became of it, and the client's own bytes are kept.
func TestWhatIsNotStoredAsSentIsSaidInTheResult(t *testing.T) {
	h, s := newHandler(t, testLimits)
	odd := `{"time":1,"type":"play","data":{"type":"wt","oName":"a\ud83d"},"user":{"id":12345,"guid":"undefined"},"env":{"screen":{"width":1.5,"height":"x"}},"props":{"\udc00":1}}`
	w, got := post(t, h, "["+good("a")+","+odd+"]")
	if w.Code != 200 || got.Accepted != 2 || len(s.stored) != 2 || string(s.stored[1].Value) != odd {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want := []event.Warning{
		{Code: event.WarnReplaced, Path: "$.data.oName"}, {Code: event.WarnConverted, Path: "$.user.id"}, {Code: event.WarnNoID, Path: "$.user.guid"},
		{Code: event.WarnConverted, Path: "$.env.screen.width"}, {Code: event.WarnDropped, Path: "$.env.screen.height"}, {Code: event.WarnReplaced, Path: "$.props"},
	}
	if diff := cmp.Diff(want, got.Results[1].Warnings); diff != "" || got.Results[0].Warnings != nil {
		t.Errorf("%s\nneighbour: %v", diff, got.Results[0].Warnings)
	}
}

// Two events whose program had no id are two events.
func TestAWordThatIsNoIDIsNoRepetition(t *testing.T) {
	for _, id := range []string{"undefined", "NULL", "[object Object]", "00000000-0000-0000-0000-000000000000", "(not set)", ""} {
		h, s := newHandler(t, testLimits)
		w, got := post(t, h, "["+good(id)+","+good(id)+"]")
		if w.Code != 200 || got.Accepted != 2 || len(s.stored) != 2 || got.Results[0].ID == got.Results[1].ID {
			t.Errorf("%q: %d %s, %d stored", id, w.Code, w.Body, len(s.stored))
		}
	}
}

// All visitors without an id would be one visitor, in one partition.
func TestVisitorsWithoutAnIDAreNotOne(t *testing.T) {
	h, s := newHandler(t, testLimits)
	body := func(session string) string {
		return `{"time":1,"type":"play","data":{"type":"wt"},"user":{"guid":"undefined","id":"null"},"session":"` + session + `"}`
	}
	if w, got := post(t, h, "["+body("s1")+","+body("s2")+"]"); got.Accepted != 2 || string(s.stored[0].Key) == string(s.stored[1].Key) {
		t.Errorf("%s, keys %q", w.Body, s.stored[0].Key)
	}
}
