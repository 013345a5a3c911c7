package waymarkctl

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/model"
)

type retentionCommand struct {
	Apply retentionApplyCommand `cmd:"" help:"Give the rows that are there the retention that accounts' policies have now."`
}

type retentionApplyCommand struct {
	accountsFile
	Region  string `help:"Only this region." placeholder:"R"`
	Account string `help:"Only this account." placeholder:"A"`
}

// Help says what it costs.
func (*retentionApplyCommand) Help() string {
	return `Rows keep the retention that their account had when they were enriched. This rewrites the column expires of those whose retention is another now, in events and in
what is computed from them, as one mutation for each account and table (system.mutations), and waits for it. Rows that are past it then go with the next merges, the first within hours; OPTIMIZE
TABLE events FINAL does it at once.`
}

var (
	//go:embed sql/retention_rows.sql
	retentionRowsSQL string
	//go:embed sql/retention_apply.sql
	retentionApplySQL string
	//go:embed sql/retention_rows_model.sql
	retentionRowsModelSQL string
	//go:embed sql/retention_apply_model.sql
	retentionApplyModelSQL string
)

// Run changes what differs.
func (c *retentionApplyCommand) Run(env *environment) error {
	directory, err := c.read(env)
	if err != nil {
		return err
	}
	names, err := env.cfg.regions(c.Region)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if err := c.region(env, name, directory); err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w", name, err))
		}
	}
	return inOneLine(errs...)
}

func (c *retentionApplyCommand) region(env *environment, name string, directory *account.Directory) (err error) {
	conn, err := clickhouse.Open(env.cfg.Regions[name].ClickHouse.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, a := range directory.Accounts() {
		if a.Region != name || c.Account != "" && a.ID != c.Account {
			continue
		}
		args := []any{clickhouse.Named("account", a.ID), clickhouse.Named("seconds", int64(a.Policy.Retention())*24*3600)}
		// Events first: a rebuild that comes between the two makes the model of them.
		rows, err := c.change(env, conn, retentionRowsSQL, retentionApplySQL, args)
		if err != nil {
			return fmt.Errorf("account %s: %w", a.ID, err)
		}
		for _, t := range model.Tables() {
			if _, err := c.change(env, conn, t.Fill(retentionRowsModelSQL), t.Fill(retentionApplyModelSQL), args); err != nil {
				return fmt.Errorf("account %s: table %s: %w", a.ID, t.Name, err)
			}
		}
		fmt.Fprintf(env.stdout, "region %s, account %s: %d rows changed\n", name, a.ID, rows)
	}
	return nil
}

// change runs apply where there are rows to change, and returns how many.
func (c *retentionApplyCommand) change(env *environment, conn *clickhouse.Conn, count, apply string, args []any) (rows uint64, err error) {
	err = conn.Query(env.ctx, count, func(_ []string, v []any) error {
		rows = v[0].(uint64)
		return nil
	}, args...)
	if err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	if rows == 0 {
		return 0, nil
	}
	return rows, conn.Exec(env.ctx, apply, args...)
}
