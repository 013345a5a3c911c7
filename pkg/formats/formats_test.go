package formats

import (
	"io/fs"
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/schemas"
)

// What decodes must say when, what, and to which kind of item.
func TestEveryPublishedExampleSaysWhatEnrichmentNeeds(t *testing.T) {
	names, err := fs.Glob(schemas.Examples(), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	var sent event.Sent
	for _, name := range names {
		value, err := fs.ReadFile(schemas.Examples(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(&event.Raw{Format: event.FormatRecorder, Value: value}, &sent); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if sent.Time == 0 || !event.Known(sent.ItemType, sent.Event) {
			t.Errorf("%s: %q of %q at %d", name, sent.Event, sent.ItemType, sent.Time)
		}
	}
	if len(names) < 40 {
		t.Errorf("%d examples", len(names))
	}
}

func TestAFormatThatNobodyKnowsIsADeadLetter(t *testing.T) {
	var sent event.Sent
	if r := event.AsRejection(Decode(&event.Raw{Format: "tomorrow/1", Value: []byte(`{}`)}, &sent)); r == nil || r.Reason != event.ReasonBadHeaders {
		t.Errorf("got %v", r)
	}
}
