package waymarkctl

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// A moment is a time on the command line: RFC 3339, a date, "now", or a duration before now, with or without its sign: 1h, -1h.
type moment struct{ time.Time }

// Decode takes the argument after the flag whatever it begins with: kong would read the -2h of "--from -2h" as a short flag.
func (m *moment) Decode(ctx *kong.DecodeContext) error {
	token := ctx.Scan.Pop()
	if token.IsEOL() {
		return errors.New("a time is missing: " + wantMoment)
	}
	return m.parse(token.String(), time.Now().UTC())
}

// An optional moment is the zero time where it is left out.
type optional struct{ moment }

const wantMoment = "want 2026-01-31T15:04:05Z, 2026-01-31, now, or a duration before now such as 1h or -1h"

func (m *moment) parse(s string, now time.Time) error {
	if s == "now" {
		m.Time = now
		return nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		if strings.HasPrefix(s, "+") {
			return fmt.Errorf("%q would lie in the future: a duration counts back from now, as 1h and -1h both do", s)
		}
		m.Time = now.Add(-d.Abs())
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			m.Time = at.UTC()
			return nil
		}
	}
	return fmt.Errorf("%q is no time: %s", s, wantMoment)
}
