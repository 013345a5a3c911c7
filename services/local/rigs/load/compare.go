package load

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/perf/benchmath"
)

// Compare measures cases on two builds in turn, rounds times each: old new new old, so that neither has the better half of a machine that others
// use, too. It prints medians with the range that the true one is in (95 % confidence, as far as so few rounds tell), the ratio, and ~ where a
// Mann-Whitney test cannot tell the two apart (p ≥ 0.05): benchstat's rules, by benchstat's package. cfg has the new build; engines and tables are
// each build's own, the sender is this program for both.
func Compare(ctx context.Context, cfg Config, against string, rounds int, plan Plan, out, notes io.Writer) error {
	if plan.Cases == "" {
		plan.Cases = usualCompared
	}
	cases, err := Cases(plan.Cases)
	if err != nil {
		return err
	}
	report := newReport()
	report.header(out)
	samples := new(comparison)
	for round := range rounds {
		for turn := range 2 {
			began, build := time.Now(), (round+turn)%2
			of := cfg
			if build == 0 {
				of.Binaries = against
			}
			for _, c := range cases {
				m, err := c.run(ctx, of, cfg.Events, plan.Seconds)
				if err != nil {
					return fmt.Errorf("the %s build: %w", builds[build], err)
				}
				samples.add(build, m)
			}
			fmt.Fprintf(notes, "round %d of %d: the %s build took %.0f s\n", round+1, rounds, builds[build], time.Since(began).Seconds())
		}
	}
	samples.print(out)
	return nil
}

var builds = [2]string{"old", "new"}

// usualCompared are the cases that are compared when nobody asks for certain ones.
const usualCompared = `^(drain|trickle-2000)/p16/s1$`

// A comparison holds, of each quantity, what each build's rounds had.
type comparison struct {
	names   []string // in the order in which they came
	samples map[string]*[2][]float64
}

func (c *comparison) add(build int, m Measurement) {
	for _, s := range m.Stages {
		c.value(build, m.Case+" "+s.Name+": events/s", float64(s.Events)/s.Seconds)
		for _, role := range roles {
			cost, took := s.Costs[role]
			if !took {
				continue
			}
			c.value(build, m.Case+" "+s.Name+": CPU s/M, "+role, s.per(cost.CPU))
			if cost.Mallocs > 0 {
				c.value(build, m.Case+" "+s.Name+": allocations/event, "+role, cost.Mallocs/float64(s.Events))
			}
		}
		c.value(build, m.Case+" "+s.Name+": CPU s/M, all", s.per(s.Costs.cpu()))
		if s.House.Inserts > 0 {
			c.value(build, m.Case+" "+s.Name+": inserts", s.House.Inserts)
			c.value(build, m.Case+" "+s.Name+": rows merged an event", s.House.MergedRows/float64(s.Events))
		}
	}
	c.value(build, m.Case+": bytes an event in table events", float64(m.Disk.Events)/float64(max(m.Events, 1)))
	if m.Freshness != nil {
		c.value(build, m.Case+": sent → SQL p50, ms", m.Freshness.P50)
		c.value(build, m.Case+": sent → SQL p99, ms", m.Freshness.P99)
	}
}

func (c *comparison) value(build int, name string, x float64) {
	if c.samples == nil {
		c.samples = make(map[string]*[2][]float64)
	}
	if c.samples[name] == nil {
		c.names = append(c.names, name)
		c.samples[name] = new([2][]float64)
	}
	c.samples[name][build] = append(c.samples[name][build], x)
}

func (c *comparison) print(out io.Writer) {
	fmt.Fprintln(out)
	row(out, "what", "old", "new", "new / old", "")
	align(out, 1, 4)
	for _, name := range c.names {
		row(out, append([]string{name}, verdict(c.samples[name][0], c.samples[name][1])...)...)
	}
}

// verdict is what two samples say of each other: both medians with their ranges, the ratio, and how sure it is.
func verdict(before, after []float64) []string {
	if len(before) == 0 || len(after) == 0 {
		return []string{amount(before), amount(after), "", "only one has it"}
	}
	thresholds := benchmath.DefaultThresholds
	a, b := benchmath.NewSample(slices.Clone(before), &thresholds), benchmath.NewSample(slices.Clone(after), &thresholds)
	c := benchmath.AssumeNothing.Compare(a, b)
	ratio := "~"
	if c.P < c.Alpha {
		ratio = fmt.Sprintf("%.2f", benchmath.AssumeNothing.Summary(b, confidence).Center/benchmath.AssumeNothing.Summary(a, confidence).Center)
	}
	return []string{amount(before), amount(after), ratio, c.String()}
}

// confidence of a range; so few rounds may not come to it, and then the range is ±∞.
const confidence = 0.95

func amount(values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	thresholds := benchmath.DefaultThresholds
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(values), &thresholds), confidence)
	return fmt.Sprintf("%.4g ± %s", s.Center, s.PctRangeString())
}
