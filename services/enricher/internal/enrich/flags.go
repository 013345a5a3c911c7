package enrich

import (
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/recorder"
)

// flag fills the row's flags with what the decoder could not take as it was sent, and whether the table can hold the client's time. Other
// stages add theirs.
func flag(sent *recorder.Event, out *event.Enriched) {
	for _, warning := range sent.Warnings {
		out.Flags = append(out.Flags, warning.Flag())
	}
	flagIf(beyondTable(int64(sent.Time)), event.WarnClamped, "$.time", out)
}

// flagIf adds a flag if it holds.
func flagIf(holds bool, code event.WarningCode, path string, out *event.Enriched) {
	if holds {
		out.Flags = append(out.Flags, event.Warning{Code: code, Path: path}.Flag())
	}
}
