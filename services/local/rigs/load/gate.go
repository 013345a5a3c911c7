package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Allocations are what one service needs for an event: heap objects and their bytes. They depend little on what else a machine does.
type Allocations struct {
	Objects float64 `json:"objects"`
	Bytes   float64 `json:"bytes"`
}

// gateEvents is enough that what a start allocates does not count, and little enough for CI.
const gateEvents = 60_000

// gateSink has the sink's batches end by their rows and not by the clock, so that a busy machine makes them no smaller.
var gateSink = map[string]string{"BATCH_ROWS": "2000", "BATCH_AGE": "5s"}

// gated are the services that the gate holds, each while it drains.
var gated = []string{"edge", "enricher", "sink"}

// most is how many times the baseline a service may allocate.
const most = 1.3

// Gate drains some events through each production binary, and fails where one allocates more than 1.3 times what the baseline file has. With rewrite it
// makes the file from what it finds.
func Gate(ctx context.Context, cfg Config, file string, rewrite bool, out io.Writer) error {
	cfg.Sink = gateSink
	m, err := Case{Kind: drain, Partitions: 4, Sinks: 1}.run(ctx, cfg, gateEvents, 1)
	if err != nil {
		return err
	}
	found := make(map[string]Allocations)
	for _, s := range m.Stages {
		cost := s.Costs[s.Name]
		found[s.Name] = Allocations{cost.Mallocs / float64(s.Events), cost.Allocated / float64(s.Events)}
	}
	if rewrite {
		return writeBaseline(file, found)
	}
	baseline, err := readBaseline(file)
	if err != nil {
		return err
	}
	return judge(found, baseline, out)
}

func readBaseline(file string) (baseline map[string]Allocations, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the baseline: %w", err)
	}
	if err := json.Unmarshal(text, &baseline); err != nil {
		return nil, fmt.Errorf("the baseline %s: %w", file, err)
	}
	return baseline, nil
}

func writeBaseline(file string, found map[string]Allocations) error {
	for service, a := range found {
		found[service] = Allocations{round(a.Objects), round(a.Bytes)}
	}
	text, err := json.MarshalIndent(found, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// round leaves what a second run finds, too.
func round(x float64) float64 {
	if x >= 100 {
		return float64(int(x/10+0.5)) * 10
	}
	return float64(int(x*10+0.5)) / 10
}

// judge prints what was found beside the baseline. A service that is not in both is an error: nobody would hold it.
func judge(found, baseline map[string]Allocations, out io.Writer) error {
	var errs []error
	row(out, "service", "allocations an event", "baseline", "ratio", "bytes an event", "baseline", "ratio")
	align(out, 1, 6)
	for _, service := range gated {
		now, measured := found[service]
		was, known := baseline[service]
		if !measured || !known || was.Objects <= 0 || was.Bytes <= 0 {
			errs = append(errs, fmt.Errorf("%s: measured %t, in the baseline %t", service, measured, known))
			continue
		}
		objects, bytes := now.Objects/was.Objects, now.Bytes/was.Bytes
		row(out, service, fmt.Sprintf("%.1f", now.Objects), fmt.Sprintf("%.1f", was.Objects), fmt.Sprintf("%.2f", objects),
			fmt.Sprintf("%.0f", now.Bytes), fmt.Sprintf("%.0f", was.Bytes), fmt.Sprintf("%.2f", bytes))
		if worst := slices.Max([]float64{objects, bytes}); worst > most {
			errs = append(errs, fmt.Errorf("%s allocates %.2f times what the baseline has; where that must be, make bench-gate REWRITE=true makes the baseline anew", service, worst))
		}
	}
	return errors.Join(errs...)
}
