package waymarkctl

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/export"
)

type exportCommand struct {
	Query  exportQueryCommand  `cmd:"" default:"withargs" help:"Write the rows of a SELECT, or of a view, to a file (the default command)."`
	Events exportEventsCommand `cmd:"" help:"Write events to Parquet files, each into exactly one, and go on from where the last run ended."`
}

type exportQueryCommand struct {
	Query           string            `arg:"" optional:"" help:"The SELECT, without FORMAT."`
	Region          string            `help:"The region." placeholder:"R"`
	View            string            `help:"All rows of this view, instead of a SELECT." placeholder:"NAME"`
	Param           map[string]string `help:"A parameter's value, of the view or of {name:Type} in the SELECT." placeholder:"NAME=VALUE" mapsep:"none"`
	To              string            `help:"The file, or s3://BUCKET/NAME; - for standard output." required:"" placeholder:"FILE"`
	Format          string            `help:"parquet, csv or ndjson. Default: by the file's ending." placeholder:"F"`
	ForSpreadsheets bool              `help:"CSV only: an apostrophe before texts that a spreadsheet would take for formulas."`
}

// Help says what a file holds.
func (*exportQueryCommand) Help() string {
	return `ClickHouse renders the rows, and they are written as they come: memory does not grow with them. The file is there whole or not at all. An older one
of that name is replaced when the new one is whole.`
}

var selects = regexp.MustCompile(`(?is)^\s*(--[^\n]*\n\s*)*(SELECT|WITH|\()`)

func (c *exportQueryCommand) Run(env *environment) error {
	if (c.Query == "") == (c.View == "") {
		return errors.New("want a SELECT or --view, one of them")
	}
	if c.Query != "" && !selects.MatchString(c.Query) {
		return errors.New("only what SELECT returns can be exported")
	}
	format, err := export.FormatOf(c.Format, c.To)
	if err != nil {
		return err
	}
	if c.ForSpreadsheets && format.Name != "csv" {
		return fmt.Errorf("--for-spreadsheets is for csv, not for %s", format.Name)
	}
	name, region, err := env.cfg.region(c.Region)
	if err != nil {
		return err
	}
	server, err := export.NewServer(region.ClickHouse.Config, region.ClickHouse.HTTP)
	if err != nil {
		return err
	}
	defer server.Close()
	statement, values := c.Query, c.Param
	if c.View != "" {
		if statement, values, err = c.view(env, region); err != nil {
			return fmt.Errorf("region %s: %w", name, err)
		}
	}
	copyTo := func(out io.Writer) error {
		if c.ForSpreadsheets {
			out = export.ForSpreadsheets(out)
		}
		_, err := server.Copy(env.ctx, out, statement, format.ClickHouse, values)
		return err
	}
	switch {
	case c.To == "-":
		err = copyTo(env.exact)
	case export.IsObject(c.To):
		err = toObject(env, region, c.To, copyTo)
	default:
		err = export.WriteFile(c.To, func(f *os.File) error { return copyTo(f) })
	}
	if err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	return nil
}

func toObject(env *environment, region Region, name string, copyTo func(io.Writer) error) error {
	bucket, err := export.OpenBucket(region.S3, name)
	if err != nil {
		return err
	}
	defer bucket.Close()
	return bucket.Write(env.ctx, copyTo)
}

func (c *exportQueryCommand) view(env *environment, region Region) (string, map[string]string, error) {
	conn, err := clickhouse.Open(region.ClickHouse.Config)
	if err != nil {
		return "", nil, err
	}
	statement, values, err := export.Statement(env.ctx, conn, c.View, c.Param)
	return statement, values, errors.Join(err, conn.Close())
}
