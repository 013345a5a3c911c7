package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Plan says what Bench measures.
type Plan struct {
	// Cases is a regular expression of their names; see Cases.
	Cases string
	// Seconds is how long a rate goes on, and a day in miniature lasts twice that.
	Seconds int
	// JSON is a file that keeps everything; empty keeps nothing.
	JSON string
}

// Bench measures cases one after the other and prints tables. A case that fails is told at the end; the others are measured. Progress goes to notes. One region is served, so that partitions and sinks are as many as
// the case says.
func Bench(ctx context.Context, cfg Config, plan Plan, out, notes io.Writer) error {
	cases, err := Cases(plan.Cases)
	if err != nil {
		return err
	}
	report := newReport()
	report.Events, report.Seconds = cfg.Events, plan.Seconds
	report.header(out)
	var failed error
	for i, c := range cases {
		began := time.Now()
		m, err := c.run(ctx, cfg, cfg.Events, plan.Seconds)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		report.Measurements = append(report.Measurements, m)
		fmt.Fprintf(notes, "%d of %d: %s took %.0f s\n", i+1, len(cases), c.Name(), time.Since(began).Seconds())
		if plan.JSON != "" {
			if err := report.write(plan.JSON); err != nil {
				return fmt.Errorf("keep the figures: %w", err)
			}
		}
	}
	report.tables(out)
	report.models(out)
	return failed
}
