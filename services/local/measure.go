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
	return measure(ctx, cfg, 200_000, out, load.Bench)
}

// runMillion prints whether a million events arrive and what they cost.
func runMillion(ctx context.Context, cfg Config, out io.Writer) error {
	return measure(ctx, cfg, 1_000_000, out, load.Million)
}

// measure runs a measurement with the default accounts, in a folder of its own: the user's data is not touched.
func measure(ctx context.Context, cfg Config, events int, out io.Writer, run func(context.Context, load.Config, io.Writer) error) (err error) {
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
	return run(ctx, load.Config{
		Binaries: cfg.Binaries, Regions: Regions, Database: Database, Accounts: file, Senders: senders(directory), Events: events, Seed: cfg.Seed,
	}, out)
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
