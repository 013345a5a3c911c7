// Command waymark-chaos kills, freezes and cuts a whole pipeline under load, and then counts.
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

	"github.com/waymark-events/waymark/services/local/rigs/chaos"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "waymark-chaos: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	cfg := chaos.Config{Binaries: "bin", Events: 1_000_000, Rate: 4000, Faults: 80, Seed: 1}
	flags := flag.NewFlagSet("waymark-chaos", flag.ContinueOnError)
	flags.StringVar(&cfg.Binaries, "bin", cfg.Binaries, "`folder` of the production binaries")
	flags.IntVar(&cfg.Events, "events", cfg.Events, "how many events")
	flags.Float64Var(&cfg.Rate, "rate", cfg.Rate, "`events/s` that clients try to send")
	flags.IntVar(&cfg.Faults, "faults", cfg.Faults, "how many faults")
	flags.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "decides what is sent, and which fault comes when")
	flags.BoolVar(&cfg.ApacheKafka, "apache-kafka", false, "run three nodes of Apache Kafka (Java 17, make apache-kafka) instead of the embedded Kafka")
	flags.BoolVar(&cfg.Keep, "keep", false, "leave logs and data")
	flags.Func("only", "a `kind` of fault: only this one comes, and others that are named so", func(kind string) error {
		cfg.Only = append(cfg.Only, kind)
		return nil
	})
	var outage chaos.Outage
	without := flags.String("without", "", "in place of faults, take one `engine` away under load: kafka or clickhouse")
	flags.DurationVar(&outage.Away, "away", 10*time.Minute, "how long it is away")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if cfg.Events < 1000 || cfg.Rate <= 0 || cfg.Faults < 0 {
		return errors.New("want at least 1000 --events, a --rate above 0 and 0 or more --faults")
	}
	switch *without {
	case "":
		return chaos.Run(ctx, cfg, os.Stdout)
	case "kafka", "clickhouse":
		outage.Kafka = *without == "kafka"
		return chaos.RunOutage(ctx, cfg, outage, os.Stdout)
	}
	return fmt.Errorf("--without %s: want kafka or clickhouse", *without)
}
