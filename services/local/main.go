package local

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"

	"github.com/waymark-events/waymark/pkg/process"
)

const usage = `waymark-local runs the whole pipeline on this machine: one process, with an embedded Kafka, and a child of it, ClickHouse.

  waymark-local [flags]              edge, console, and enricher and sink of both regions, and both engines
  waymark-local kafka [flags]        only Kafka, with the topics of both regions
  waymark-local clickhouse [flags]   only ClickHouse, with the databases of both regions
  waymark-local bench [flags]        what a million events cost each process: --cases, --events, --seconds, --json; prints tables
  waymark-local compare [flags]      the same of two builds in turn, --against and --bin, --rounds times each: prints ratios
  waymark-local gate [flags]         fails where services allocate 30 % more than --baseline says; --rewrite makes it anew
  waymark-local traffic [flags]      sends --events to --edge for --account at --demo events/s, after a line on its standard input
  waymark-local million [flags]      a volume test of the production binaries in separate processes
  waymark-local history [flags]      a past of one account, for a waymark-local that runs: --days, --events, --account
  waymark-local answers [flags]      how long each view takes over up to --events events; prints a table for each size

Flags:
`

// Main is the command: it returns the exit status, 0 after a clean end, 1 on an error, 2 on wrong flags.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command := "run"
	if len(args) > 0 && commands[args[0]] != nil {
		command, args = args[0], args[1:]
	}
	cfg, version, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case version:
		fmt.Fprintf(stdout, "waymark-local %s (%s, %s/%s)\n", process.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return 0
	}
	if err := commands[command](ctx, cfg, stdout); err != nil {
		fmt.Fprintf(stderr, "waymark-local: %v\n", err)
		return 1
	}
	return 0
}

var commands = map[string]func(context.Context, Config, io.Writer) error{
	"run":        Run,
	"kafka":      runKafka,
	"clickhouse": runClickHouse,
	"bench":      runBench,
	"compare":    runCompare,
	"gate":       runGate,
	"traffic":    runTraffic,
	"million":    runMillion,
	"history":    runHistory,
	"answers":    runAnswers,
}

func parse(args []string, stderr io.Writer) (cfg Config, version bool, err error) {
	cfg = DefaultConfig()
	flags := flag.NewFlagSet("waymark-local", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&cfg.Data, "data", cfg.Data, "`folder` of everything that persists: topics, tables, accounts, log")
	flags.StringVar(&cfg.Edge, "edge", cfg.Edge, "`address` of the edge, which takes events over HTTP")
	flags.StringVar(&cfg.Console, "console", cfg.Console, "`address` of the console, the page with everybody's figures")
	flags.StringVar(&cfg.Kafka, "kafka", cfg.Kafka, "`address` of Kafka")
	flags.StringVar(&cfg.KafkaAdvertised, "kafka-advertised", "", "`address` that Kafka's clients are told, when they come through something that forwards to --kafka")
	flags.StringVar(&cfg.ClickHouseNative, "clickhouse-native", cfg.ClickHouseNative, "`address` of ClickHouse's native protocol")
	flags.StringVar(&cfg.ClickHouseHTTP, "clickhouse-http", cfg.ClickHouseHTTP, "`address` of ClickHouse's HTTP interface")
	flags.StringVar(&cfg.Admin, "admin", cfg.Admin, "`address` of /healthz, /readyz and /metrics")
	flags.StringVar(&cfg.Accounts, "accounts", "", "YAML `file` of accounts; without it, demo-us (wk_demo_us) and demo-eu (wk_demo_eu)")
	flags.StringVar(&cfg.Geo, "geo", "", "City `file` (.mmdb); without it, the DB-IP database that make demo fetched, or a small one made on the spot")
	flags.Float64Var(&cfg.Demo, "demo", 0, "send believable traffic at so many `events/s`")
	flags.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "seed of the traffic")
	flags.IntVar(&cfg.Days, "days", cfg.Days, "with --demo: give a fresh data folder a past of so many `days`; history: how long (default 30)")
	flags.StringVar(&cfg.Account, "account", cfg.Account, "history and traffic: whose")
	flags.IntVar(&cfg.Events, "events", cfg.Events, "bench, million, traffic, history and answers: how many events")
	flags.StringVar(&cfg.Binaries, "bin", cfg.Binaries, "bench and million: `folder` of the production binaries")
	flags.StringVar(&cfg.Measure.Cases, "cases", "", "bench and compare: `regular expression` of the cases to measure, such as trickle-2000/p16/s1; all for all")
	flags.IntVar(&cfg.Measure.Seconds, "seconds", cfg.Measure.Seconds, "bench and compare: how long traffic of a rate goes on")
	flags.StringVar(&cfg.Measure.JSON, "json", "", "bench: `file` that keeps all figures")
	flags.StringVar(&cfg.Measure.Against, "against", "", "compare: `folder` of another build's binaries")
	flags.IntVar(&cfg.Measure.Rounds, "rounds", cfg.Measure.Rounds, "compare: how often each build is measured")
	flags.StringVar(&cfg.Measure.Baseline, "baseline", "", "gate: `file` of the allocations to hold against")
	flags.BoolVar(&cfg.Measure.Rewrite, "rewrite", false, "gate: write the baseline anew")
	flags.BoolVar(&cfg.Measure.Day, "day", false, "traffic: follow a day's curve, with --demo as its mean")
	flags.BoolVar(&version, "version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		return cfg, false, err
	}
	if flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	} else {
		err = cfg.Validate()
	}
	if err != nil {
		fmt.Fprintf(stderr, "waymark-local: %v\n", err)
	}
	return cfg, version, err
}
