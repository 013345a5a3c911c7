package waymarkctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/export"
)

type exportEventsCommand struct {
	Region string        `help:"The region." placeholder:"R"`
	To     string        `help:"The folder, or s3://BUCKET/PREFIX; each region needs its own." required:"" placeholder:"DIR"`
	Every  time.Duration `help:"Go on, with a run so often. Without it there is one, for cron and its like." placeholder:"1h"`
	Rows   uint64        `help:"Events that a file has at most." default:"1000000" placeholder:"N"`
	Files  string        `help:"Write nothing: list the files that have events of this account, and of which days." placeholder:"ACCOUNT"`
}

// Help says what is written.
func (*exportEventsCommand) Help() string {
	return `A file of events/ has all stored events of a range of offsets of one raw log, and manifest/ has an entry for each: only files with an entry count.
A run that was interrupted or killed is repeated: no event comes into two files or into none. What is erased later stays in the files until it is deleted
there: --files tells which they are.`
}

func (c *exportEventsCommand) Run(env *environment) error {
	name, region, err := env.cfg.region(c.Region)
	if err != nil {
		return err
	}
	if c.Rows == 0 || c.Every < 0 {
		return errors.New("want at least one row a file, and no negative time")
	}
	place, shutPlace, err := c.place(region)
	if err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	defer shutPlace()
	if c.Files != "" {
		return c.list(env, place)
	}
	server, err := export.NewServer(region.ClickHouse.Config, region.ClickHouse.HTTP)
	if err != nil {
		return err
	}
	defer server.Close()
	client, conn, shut, err := env.both(region)
	if err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	e := &export.Events{Client: client, Conn: conn, Server: server, Region: name, Place: place, Rows: c.Rows, Step: exportTrace(env.ctx)}
	if err = errors.Join(c.repeat(env, e), shut()); err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	return nil
}

// place is where --to says, and what ends its connections.
func (c *exportEventsCommand) place(region Region) (export.Place, func(), error) {
	if !export.IsObject(c.To) {
		return export.NewFolder(kong.ExpandPath(c.To)), func() {}, nil
	}
	bucket, err := export.OpenBucket(region.S3, c.To)
	if err != nil {
		return nil, nil, err
	}
	return bucket.Place(), bucket.Close, nil
}

// repeat runs once, or again and again until the context ends. A run that fails is told, and the next one does what it left.
func (c *exportEventsCommand) repeat(env *environment, e *export.Events) error {
	for {
		report, err := e.Run(env.ctx)
		for _, note := range report.Notes {
			fmt.Fprintf(env.stderr, "note: %s\n", note)
		}
		if report.Removed > 0 {
			fmt.Fprintf(env.stderr, "note: %d files that an interrupted runs left were removed\n", report.Removed)
		}
		if err == nil || report.Files > 0 {
			fmt.Fprintf(env.stdout, "%d events in %d files, %d bytes\n", report.Events, report.Files, report.Bytes)
		}
		if c.Every == 0 || env.ctx.Err() != nil {
			return err
		}
		if err != nil {
			fmt.Fprintf(env.stderr, "waymarkctl: %v; trying again in %s\n", err, c.Every)
		}
		if err := retry.Pause(env.ctx, c.Every); err != nil {
			return err
		}
	}
}

func (c *exportEventsCommand) list(env *environment, place export.Place) error {
	entries, err := place.Entries(env.ctx)
	if err != nil {
		return err
	}
	for _, e := range export.Holding(entries, c.Files) {
		for _, day := range e.Days {
			if day.Account == c.Files {
				fmt.Fprintf(env.stdout, "%s\t%s\t%d\n", e.File, day.Day, day.Events)
			}
		}
	}
	return nil
}

type exportTraceKey struct{}

// WithExportTrace returns a context under which `export events` calls step as it comes to each step, and ends where step returns an error as if it
// were killed there. It is for tests.
func WithExportTrace(ctx context.Context, step func(name string) error) context.Context {
	return context.WithValue(ctx, exportTraceKey{}, step)
}

func exportTrace(ctx context.Context) func(string) error {
	step, _ := ctx.Value(exportTraceKey{}).(func(string) error) // nil without one
	return step
}
