// Command waymark-attack keeps the production edge under attack, with honest clients beside the attackers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/waymark-events/waymark/services/local/rigs/attack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "waymark-attack: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == attack.AttackersCommand {
		return attack.Attackers(ctx, os.Stdin, os.Stdout)
	}
	if len(args) == 2 && args[0] == attack.ControlCommand {
		return attack.Control(ctx, args[1], os.Stdout)
	}
	cfg := attack.Config{Binaries: "bin", Duration: 10 * time.Minute, Rate: 100}
	flags := flag.NewFlagSet("waymark-attack", flag.ContinueOnError)
	flags.StringVar(&cfg.Binaries, "bin", cfg.Binaries, "`folder` of waymark-edge")
	flags.DurationVar(&cfg.Duration, "duration", cfg.Duration, "how long the attack lasts")
	flags.IntVar(&cfg.Rate, "rate", cfg.Rate, "honest `requests/s`")
	flags.DurationVar(&cfg.Within, "within", 0, "the most that the honest 99th percentile may be during the attack; 0 is twice what it was before, and 100 ms")
	flags.Func("only", "a `word`: only attacks whose names have it are made, and those of others that are named so", func(word string) error {
		cfg.Only = append(cfg.Only, word)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if cfg.Duration < 10*time.Second || cfg.Rate < 1 || cfg.Rate > 10_000 {
		return errors.New("want a --duration of at least 10s and a --rate of 1–10000")
	}
	return attack.Run(ctx, cfg, os.Stdout)
}
