package waymarkctl

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/result"
)

type setupCommand struct {
	topicFlags
	Wait time.Duration `help:"How long to wait for each Kafka and ClickHouse to answer." default:"60s"`
}

// Run makes every region ready for the services. It can be repeated.
func (c *setupCommand) Run(env *environment) error {
	for _, name := range env.cfg.names() {
		if err := c.region(env, name); err != nil {
			return fmt.Errorf("region %s: %w", name, err)
		}
	}
	return nil
}

func (c *setupCommand) region(env *environment, name string) error {
	region := env.cfg.Regions[name]
	err := until(env.ctx, c.Wait, kafka.Retriable, func(ctx context.Context) error { return kafkaAnswers(ctx, env, region) })
	if err != nil {
		return err
	}
	if err := c.apply(env, name); err != nil {
		return err
	}
	passing := func(err error) bool { return clickhouse.Classify(err) == clickhouse.Retriable }
	if err := until(env.ctx, c.Wait, passing, func(ctx context.Context) error { return clickhouseAnswers(ctx, region) }); err != nil {
		return err
	}
	return migrate(env, name)
}

// until repeats do while its error is a passing one, for wait at most. It returns do's error rather than the clock's.
func until(ctx context.Context, wait time.Duration, passing func(error) bool, do func(context.Context) error) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var before error
	trying := retry.Policy{First: 100 * time.Millisecond, Last: 2 * time.Second, Passes: passing, Notice: func(err error) { before = err }}
	err := trying.Do(waiting, func() error { return do(waiting) })
	if err != nil && before != nil && waiting.Err() != nil && errors.Is(err, waiting.Err()) {
		return before
	}
	return err
}

func kafkaAnswers(ctx context.Context, env *environment, region Region) error {
	client, err := env.client(ctx, region)
	if err != nil {
		return err
	}
	return client.Close()
}

// clickhouseAnswers connects to the database every server has: Waymark's may have to be created first.
func clickhouseAnswers(ctx context.Context, region Region) error {
	cfg := region.ClickHouse.Config
	cfg.Database = "default"
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Ping(ctx)
}

type migrateCommand struct {
	Region string `help:"Only this region." placeholder:"R"`
	Print  bool   `help:"Only print the statements that make everything anew, as the settings say; ClickHouse is not asked."`
}

func (c *migrateCommand) Run(env *environment) error {
	names, err := env.cfg.regions(c.Region)
	if err != nil {
		return err
	}
	do := migrate
	if c.Print {
		do = printStatements
	}
	for _, name := range names {
		if err := do(env, name); err != nil {
			return fmt.Errorf("region %s: %w", name, err)
		}
	}
	return nil
}

func printStatements(env *environment, name string) error {
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		return err
	}
	cfg := env.cfg.Regions[name].ClickHouse
	statements, err := schema.Statements(cfg.Database, cfg.Tables)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "-- region %s\n\n", name)
	for _, statement := range statements {
		fmt.Fprintf(env.stdout, "%s;\n\n", statement)
	}
	return nil
}

func migrate(env *environment, name string) error {
	cfg := env.cfg.Regions[name].ClickHouse
	report, err := clickhouse.Migrate(env.ctx, cfg.Config, cfg.Tables, schemas.Migrations())
	for _, change := range report.Changes {
		fmt.Fprintf(env.stdout, "region %s: %s\n", name, change)
	}
	for _, note := range report.Notes {
		fmt.Fprintf(env.stdout, "region %s: note: %s\n", name, note)
	}
	if err != nil {
		return fmt.Errorf("ClickHouse: %w", err)
	}
	if len(report.Changes) == 0 {
		fmt.Fprintf(env.stdout, "region %s: tables are up to date\n", name)
	}
	return nil
}

// silent are the statements that return no rows: asked for rows, the client cannot tell their end from a lost connection.
var silent = regexp.MustCompile(`(?i)^\s*(ALTER|ATTACH|CREATE|DELETE|DETACH|DROP|EXCHANGE|GRANT|INSERT|OPTIMIZE|RENAME|REVOKE|SET|SYSTEM|TRUNCATE|UPDATE)\s`)

type sqlCommand struct {
	Query  string `arg:"" help:"The statement."`
	Region string `help:"The region." placeholder:"R"`
	Format string `help:"tsv, json (an object a line) or table." enum:"tsv,json,table" default:"tsv"`
}

func (c *sqlCommand) Run(env *environment) error {
	name, region, err := env.cfg.region(c.Region)
	if err != nil {
		return err
	}
	printer, err := result.New(c.Format, env.stdout)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(region.ClickHouse.Config)
	if err != nil {
		return err
	}
	defer conn.Close()
	if silent.MatchString(c.Query) {
		err = conn.Exec(env.ctx, c.Query)
	} else {
		err = conn.Query(env.ctx, c.Query, printer.Row)
	}
	// Rows that came before an error are the answer to something too.
	if flushed := printer.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		return fmt.Errorf("region %s: ClickHouse: %w", name, err)
	}
	return nil
}
