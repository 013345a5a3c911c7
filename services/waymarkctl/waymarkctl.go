// Package waymarkctl is the operator's command: topics, migrations, test events, a look at what flows, proofs that nothing is missing,
// dead letters, and enriching anew.
package waymarkctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/terminal"
)

// commands is the command line.
type commands struct {
	Config      string           `help:"YAML file of settings." type:"path" placeholder:"FILE"`
	PrintConfig bool             `help:"Print the effective settings, secrets hidden, and exit."`
	Version     kong.VersionFlag `help:"Print the version and exit."`

	Setup  setupCommand  `cmd:"" help:"Apply topics and migrations of every region (topics apply, then migrate)."`
	Topics topicsCommand `cmd:"" help:"Kafka topics."`

	Migrate migrateCommand `cmd:"" help:"Bring ClickHouse's tables up to date."`
	Send    sendCommand    `cmd:"" help:"Post a file of events (NDJSON) to the edge."`
	Tail    tailCommand    `cmd:"" help:"Print enriched events, or dead records, as JSON lines."`
	Lag     lagCommand     `cmd:"" help:"Show how far the consumers are behind, by partition."`
	SQL     sqlCommand     `cmd:"" name:"sql" help:"Ask ClickHouse."`
	Key     keyCommand     `cmd:"" help:"Write keys, which the accounts file has as hashes."`
	Analyst analystCommand `cmd:"" help:"Users of ClickHouse's who ask and change nothing."`

	Audit     auditCommand     `cmd:"" help:"Prove what became of every event of a span of time; 1 when any is missing or doubled."`
	Where     whereCommand     `cmd:"" help:"Say where an event is, or what became of it."`
	Dead      deadCommand      `cmd:"" help:"Dead letters."`
	Policy    policyCommand    `cmd:"" help:"Accounts' privacy policies."`
	Keys      keysCommand      `cmd:"" help:"Keys that pseudonyms of user ids are made with."`
	Retention retentionCommand `cmd:"" help:"How long rows are kept."`

	Reenrich reenrichCommand `cmd:"" help:"Enrich a region's events again from a moment on, replacing what is stored."`
	Model    modelCommand    `cmd:"" help:"The tables that are computed from events."`

	Export exportCommand `cmd:"" help:"Write what ClickHouse answers, or all events, to files: Parquet, CSV or NDJSON."`

	Erase        eraseCommand        `cmd:"" help:"Take a person out of an account, for good."`
	ExportPerson exportPersonCommand `cmd:"" help:"Print all that is stored of a person, as JSON lines."`
	Erasures     erasuresCommand     `cmd:"" help:"Who was erased, without names."`
	Region       regionCommand       `cmd:"" help:"Where accounts lie."`
}

// environment is what a command works with.
type environment struct {
	ctx            context.Context
	cfg            *Config
	stdin          io.Reader
	stdout, stderr io.Writer
	// exact is stdout as it is, for what must not change by a byte, unless it is a terminal.
	exact io.Writer
}

// Run carries out one command line and returns the exit status: 0, 1 on failure, 2 on a wrong command line or settings.
//
// What is printed was written by clients, for a part: it commands no terminal.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	safe := terminal.New(stdout)
	var exact io.Writer = safe
	if !terminal.Is(stdout) {
		exact = stdout
	}
	return carryOut(ctx, args, stdin, safe, terminal.New(stderr), exact)
}

func carryOut(ctx context.Context, args []string, stdin io.Reader, stdout, stderr, exact io.Writer) int {
	cli := new(commands)
	exited := -1
	parser, err := cli.parser(kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		fmt.Fprintf(stderr, "waymarkctl: %v\n", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if err != nil && slices.Contains(args, "--print-config") {
		// It needs no command; the parser does.
		parsed, err = parser.Parse(append(slices.Clone(args), "lag"))
	}
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "waymarkctl: %v; see waymarkctl --help\n", err)
		return 2
	}
	cfg := DefaultConfig()
	if err := config.Load(cfg, "waymarkctl", cli.Config, os.Environ()); err != nil {
		fmt.Fprintf(stderr, "waymarkctl: %v\n", err)
		return 2
	}
	if cli.PrintConfig {
		err = config.Print(stdout, cfg)
	} else {
		err = parsed.Run(&environment{ctx, cfg, stdin, stdout, stderr, exact})
	}
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "waymarkctl: interrupted")
		return 1
	case err != nil:
		// Errors of several brokers come on a line each.
		fmt.Fprintf(stderr, "waymarkctl: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}

func (c *commands) parser(options ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append(options,
		kong.Name("waymarkctl"),
		kong.Description("Operate a Waymark pipeline."),
		kong.Vars{"version": "waymarkctl " + process.Version},
	)...)
}

// client connects to a region's Kafka, and fails at once when no broker answers: what the single calls say then is less plain.
// Nobody scrapes a command, so its metrics go nowhere.
func (env *environment) client(ctx context.Context, region Region) (*kafka.Client, error) {
	client, err := kafka.NewClient(region.Kafka, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	if err := client.Ping(ctx); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return client, nil
}
