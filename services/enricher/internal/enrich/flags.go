package enrich

import (
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/recorder"
)

// flags say what of the row is not as it was sent.
func flags(sent *recorder.Event) (out []string) {
	for _, warning := range sent.Warnings {
		out = append(out, warning.Flag())
	}
	if beyondTable(int64(sent.Time)) {
		out = append(out, event.Warning{Code: event.WarnClamped, Path: "$.time"}.Flag())
	}
	return out
}
