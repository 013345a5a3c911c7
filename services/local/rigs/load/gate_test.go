package load

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheGateFailsForAServiceThatAllocatesMore(t *testing.T) {
	baseline := map[string]Allocations{"edge": {28, 9400}, "enricher": {8, 2900}, "sink": {45, 12000}}
	with := func(service string, a Allocations) map[string]Allocations {
		out := map[string]Allocations{"edge": {28, 9400}, "enricher": {8, 2900}, "sink": {45, 12000}}
		out[service] = a
		return out
	}
	for name, c := range map[string]struct {
		found map[string]Allocations
		says  string // empty: it passes
	}{
		"the same":       {baseline, ""},
		"a quarter more": {with("sink", Allocations{56, 12000}), ""},
		"less":           {with("sink", Allocations{2, 3000}), ""},
		"more objects":   {with("sink", Allocations{60, 12000}), "sink allocates 1.33 times"},
		"more bytes":     {with("edge", Allocations{28, 14100}), "edge allocates 1.50 times"},
		"nobody looked":  {map[string]Allocations{"edge": {28, 9400}, "sink": {45, 12000}}, "enricher: measured false"},
		"twice as many":  {with("enricher", Allocations{16, 2900}), "enricher allocates 2.00 times"},
	} {
		t.Run(name, func(t *testing.T) {
			err := judge(c.found, baseline, io.Discard)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	if err := judge(baseline, nil, io.Discard); err == nil {
		t.Error("without a baseline everything passes")
	}
}

func TestABaselineIsReadAsItWasWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "baseline.json")
	found := map[string]Allocations{"edge": {27.52, 9606.4}, "enricher": {8.2, 2968}, "sink": {48.8, 12516}}
	if err := writeBaseline(file, found); err != nil {
		t.Fatal(err)
	}
	baseline, err := readBaseline(file)
	if err != nil {
		t.Fatal(err)
	}
	if baseline["edge"] != (Allocations{27.5, 9610}) || len(baseline) != 3 {
		t.Errorf("%v", baseline)
	}
}
