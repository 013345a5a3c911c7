package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/local/rigs/load"
)

// runBench prints what each stage costs.
func runBench(ctx context.Context, cfg Config, out io.Writer) error {
	return measure(ctx, cfg, benchEvents, func(settings load.Config) error {
		plan := load.Plan{Cases: cfg.Measure.Cases, Seconds: cfg.Measure.Seconds, JSON: cfg.Measure.JSON}
		return load.Bench(ctx, oneRegion(settings, cfg.Account), plan, out, os.Stderr)
	})
}

// benchEvents is how many are sent as fast as the edge takes them.
const benchEvents = 200_000

// runCompare prints what two builds cost, as ratios.
func runCompare(ctx context.Context, cfg Config, out io.Writer) error {
	if cfg.Measure.Against == "" {
		return errors.New("--against: want a folder of binaries")
	}
	return measure(ctx, cfg, benchEvents, func(settings load.Config) error {
		plan := load.Plan{Cases: cfg.Measure.Cases, Seconds: cfg.Measure.Seconds}
		return load.Compare(ctx, oneRegion(settings, cfg.Account), cfg.Measure.Against, cfg.Measure.Rounds, plan, out, os.Stderr)
	})
}

// runGate fails where services allocate more than they did.
func runGate(ctx context.Context, cfg Config, out io.Writer) error {
	if cfg.Measure.Baseline == "" {
		return errors.New("--baseline: want a file")
	}
	return measure(ctx, cfg, benchEvents, func(settings load.Config) error {
		return load.Gate(ctx, oneRegion(settings, cfg.Account), cfg.Measure.Baseline, cfg.Measure.Rewrite, out)
	})
}

// runMillion prints whether a million events arrive and what they cost.
func runMillion(ctx context.Context, cfg Config, out io.Writer) error {
	return measure(ctx, cfg, 1_000_000, func(settings load.Config) error {
		return load.Million(ctx, settings, out)
	})
}

// runTraffic is a sender of its own, which bench starts.
func runTraffic(ctx context.Context, cfg Config, out io.Writer) error {
	directory, err := account.Read(cfg.Accounts)
	if err != nil {
		return err
	}
	return load.Send(ctx, load.Traffic{
		Edge: cfg.Edge, Senders: only(senders(directory), cfg.Account), Seed: cfg.Seed, Events: cfg.Events, Rate: cfg.Demo, Day: cfg.Measure.Day,
	}, os.Stdin, out)
}

// measure runs a measurement with the default accounts, in a folder of its own: the user's data is not touched.
func measure(ctx context.Context, cfg Config, events int, run func(load.Config) error) (err error) {
	if cfg.Events > 0 {
		events = cfg.Events
	}
	if cfg.Data, err = os.MkdirTemp("", "waymark-measure-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.Data)) }()
	file, err := cfg.accountsFile()
	if err != nil {
		return err
	}
	directory, err := account.Read(file)
	if err != nil {
		return err
	}
	return run(load.Config{
		Binaries: cfg.Binaries, Regions: Regions, Database: Database, Accounts: file, Senders: senders(directory), Events: events, Seed: cfg.Seed,
	})
}

// oneRegion leaves of settings one region and who sends to it, so that there are as many partitions and sinks as a case says.
func oneRegion(settings load.Config, account string) load.Config {
	settings.Regions, settings.Senders = Regions[:1], only(settings.Senders, account)
	return settings
}

func only(all []demo.Account, id string) (out []demo.Account) {
	for _, a := range all {
		if a.ID == id {
			out = append(out, a)
		}
	}
	return out
}

// senders are the accounts that traffic can be sent for.
func senders(directory *account.Directory) (out []demo.Account) {
	for _, a := range directory.Accounts() {
		if keys := plainKeys(directory, a); len(keys) > 0 && served(a.Region) {
			out = append(out, demo.Account{ID: a.ID, WriteKey: keys[0]})
		}
	}
	return out
}

// plainKeys are an account's keys that are known in plain text: those that its file has so, and the demo's.
func plainKeys(directory *account.Directory, a *account.Account) []string {
	keys := slices.Clone(a.WriteKeys)
	for _, key := range demoKeys {
		if directory.ByKey(key) == a && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
