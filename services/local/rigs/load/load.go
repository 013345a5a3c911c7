// Package load measures the production binaries as separate processes against the embedded engines: what a million events cost
// every process there is, engines and sender included, in CPU, memory, allocations and disk, and whether all of them arrive, once.
//
// A case (cases.go) is an arrangement of partitions, sinks and traffic, run on engines of its own. Each stage of a case is a window of time in
// which everything that runs is charged. Bench prints a table of cases, Compare sets two builds against each other, Gate holds allocations
// against a baseline.
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
	// Events is how many are sent as fast as the edge takes them.
	Events int
	Seed   uint64
	// Partitions of the topics of events. Default 0: as schemas/kafka/topics.yaml has them.
	Partitions int
	// Sinks is how many serve each region. Default 0: one.
	Sinks int
	// Sink has more settings for the sinks, as the ends of environment variables: BATCH_ROWS.
	Sink map[string]string
}

// connections to the edge: enough that its wait for Kafka is not the sender's. Clients are many, and none waits for another's answer.
const connections = 256

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
		counts, err := r.post(ctx, edge)
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
		if err := r.check(ctx, counts.Accepted.Load()); err != nil {
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
