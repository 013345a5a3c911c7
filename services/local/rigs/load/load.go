// Package load measures the production binaries as separate processes against the embedded engines: what a million events cost
// each of them, in CPU, memory and allocations, and whether all of them arrive, once.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// Config says what to measure with.
type Config struct {
	// Binaries is the folder of waymark-edge, waymark-enricher, waymark-sink and waymark-local.
	Binaries string
	// Regions are served by one edge, and by an enricher and a sink each.
	Regions []string
	// Database names a region's database.
	Database func(region string) string
	// Accounts is the accounts file; Senders are those of it that send.
	Accounts string
	Senders  []demo.Account
	Events   int
	Seed     uint64
}

// connections to the edge: enough that its wait for Kafka is not the sender's.
const connections = 32

// Million sends cfg.Events while all services run, checks that each accepted event is in ClickHouse exactly once and that no group
// lags, and prints one table. A check that fails is an error.
func Million(ctx context.Context, cfg Config, out io.Writer) error {
	return withEngines(ctx, cfg, func(r *rig) error {
		edge, rest, err := r.everything(ctx)
		if err != nil {
			return err
		}
		all := append([]*child.Process{edge}, rest...)
		before, err := child.Usages(all)
		if err != nil {
			return err
		}
		start := time.Now()
		counts, err := r.send(ctx, edge)
		if err != nil {
			return err
		}
		sent := time.Since(start)
		if err := r.settle(ctx); err != nil {
			return err
		}
		took := time.Since(start)
		after, err := child.Usages(all)
		if err != nil {
			return err
		}
		if err := r.check(ctx, counts); err != nil {
			return err
		}
		accepted := int(counts.Accepted.Load())
		fmt.Fprintf(out, "%d events accepted in %.1f s (%.0f/s); all of them in ClickHouse, once, lag 0, after %.1f s (%.0f/s).\n\n",
			accepted, sent.Seconds(), rate(accepted, sent), took.Seconds(), rate(accepted, took))
		fmt.Fprintf(out, "| process | CPU s / million events of the run | peak memory, MiB |\n|---|---:|---:|\n")
		for i, p := range all {
			fmt.Fprintf(out, "| %s | %.1f | %.0f |\n", p.Name, perMillion(after[i].CPU.Seconds()-before[i].CPU.Seconds(), accepted), float64(after[i].Peak)/(1<<20))
			if after[i].Peak > memoryLimit {
				err = errors.Join(err, fmt.Errorf("%s took %d MiB of memory, more than %d", p.Name, after[i].Peak>>20, memoryLimit>>20))
			}
		}
		return err
	})
}

// memoryLimit is what each service must stay below, bytes.
const memoryLimit = 300 << 20

// Bench runs each stage alone, the one after it finding the topics filled, then the whole path, and prints one Markdown table.
// CPU and allocations are the services' processes' own, without the engines and the sender.
func Bench(ctx context.Context, cfg Config, out io.Writer) error {
	return withEngines(ctx, cfg, func(r *rig) error {
		enrichers, err := startup(ctx, r, r.enrichers)
		if err != nil {
			return err
		}
		sinks, err := startup(ctx, r, r.sinks)
		if err != nil {
			return err
		}
		edge, err := r.edge(ctx)
		if err != nil {
			return err
		}
		var counts *demo.Counts
		first, err := measure("edge", []*child.Process{edge}, func() (int, error) {
			var err error
			counts, err = r.send(ctx, edge)
			return accepted(counts), err
		})
		if err != nil {
			return err
		}
		rows := []row{first}
		for _, stage := range []struct {
			name  string
			start func(context.Context) ([]*child.Process, error)
			done  func(context.Context) error
			empty reading
		}{{"enricher", r.enrichers, r.enriched, enrichers}, {"sink", r.sinks, r.settle, sinks}} {
			begin := time.Now()
			processes, err := stage.start(ctx)
			if err != nil {
				return err
			}
			if err := stage.done(ctx); err != nil {
				return fmt.Errorf("%s: %w", stage.name, err)
			}
			full, err := read(processes, begin)
			if err != nil {
				return err
			}
			rows = append(rows, full.since(stage.empty).row(stage.name, accepted(counts)))
		}
		if err := r.check(ctx, counts); err != nil {
			return err
		}
		// Another seed: other events, or the whole path would only see repetitions.
		r.cfg.Seed++
		whole, err := measure("whole path", r.services(), func() (int, error) {
			counts, err := r.send(ctx, edge)
			if err != nil {
				return 0, err
			}
			return accepted(counts), r.settle(ctx)
		})
		if err != nil {
			return err
		}
		printTable(out, append(rows, whole))
		return nil
	})
}

// startup starts a stage's processes on empty topics and stops them again: what their start takes. A stage that finds work begins
// it before anybody could look.
func startup(ctx context.Context, r *rig, start func(context.Context) ([]*child.Process, error)) (reading, error) {
	begin := time.Now()
	processes, err := start(ctx)
	if err != nil {
		return reading{}, err
	}
	empty, err := read(processes, begin)
	return empty, errors.Join(err, r.stopTo(len(r.running)-len(processes)))
}

func accepted(c *demo.Counts) int {
	if c == nil {
		return 0
	}
	return int(c.Accepted.Load())
}

type row struct {
	stage             string
	rate, cpu, allocs float64
}

// A reading is what processes took up to a moment, and how long that was.
type reading struct {
	took   time.Duration
	cpu    time.Duration
	allocs float64
}

func read(processes []*child.Process, begin time.Time) (out reading, err error) {
	out.took = time.Since(begin)
	all, err := child.Usages(processes)
	for _, u := range all {
		out.cpu += u.CPU
		out.allocs += u.Mallocs
	}
	return out, err
}

func (r reading) since(before reading) reading {
	return reading{r.took - before.took, r.cpu - before.cpu, r.allocs - before.allocs}
}

func (r reading) row(stage string, events int) row {
	return row{stage, rate(events, r.took), perMillion(r.cpu.Seconds(), events), perMillion(r.allocs, events)}
}

// measure runs work and charges what processes used to it.
func measure(stage string, processes []*child.Process, work func() (int, error)) (row, error) {
	begin := time.Now()
	before, err := read(processes, begin)
	if err != nil {
		return row{}, err
	}
	events, err := work()
	if err != nil {
		return row{}, fmt.Errorf("%s: %w", stage, err)
	}
	after, err := read(processes, begin)
	return after.since(before).row(stage, events), err
}

func printTable(out io.Writer, rows []row) {
	fmt.Fprintf(out, "| stage | events/s | CPU s / million events | allocations / million events |\n|---|---:|---:|---:|\n")
	for _, r := range rows {
		fmt.Fprintf(out, "| %s | %.0f | %.1f | %.0f |\n", r.stage, r.rate, r.cpu, r.allocs)
	}
}

func rate(events int, took time.Duration) float64 { return float64(events) / took.Seconds() }

func perMillion(x float64, events int) float64 { return x / float64(max(events, 1)) * 1e6 }

// withEngines runs Kafka and ClickHouse in a folder of their own for work.
func withEngines(ctx context.Context, cfg Config, work func(*rig) error) (err error) {
	dir, err := os.MkdirTemp("", "waymark-load-")
	if err != nil {
		return fmt.Errorf("make a folder for the engines: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &rig{cfg: cfg, dir: dir}
	defer func() { err = errors.Join(err, r.stopAll()) }()
	if err := r.engines(ctx); err != nil {
		return err
	}
	return work(r)
}
