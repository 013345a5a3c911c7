package waymarkctl

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/residency"
)

type regionCommand struct {
	Check regionCheckCommand `cmd:"" help:"Compare where accounts' rows lie with the accounts file; 1 when any lie elsewhere."`
}

type regionCheckCommand struct {
	Accounts string `help:"The accounts file." required:"" type:"path" placeholder:"FILE"`
	Region   string `help:"Only this region." placeholder:"R"`
}

// Help says what to do about what it finds.
func (*regionCheckCommand) Help() string {
	return `Looks through the tables of every region for rows of accounts that belong to another, as after a change of an account's region, and says how they are
erased. Rows of accounts that the file does not know are listed too. What Kafka has of them goes with its topics' retention.`
}

// Run fails when rows lie where they should not.
func (c *regionCheckCommand) Run(env *environment) error {
	accounts, err := account.Read(c.Accounts)
	if err != nil {
		return err
	}
	names, err := env.cfg.regions(c.Region)
	if err != nil {
		return err
	}
	var errs []error
	var all []residency.Misplaced
	for _, name := range names {
		found, err := misplaced(env, name, accounts)
		if err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w", name, err))
		}
		all = append(all, found...)
	}
	if len(all) > 0 {
		errs = append(errs, errors.New("rows lie in regions that are not their accounts'"))
		if err := c.print(env, all); err != nil {
			errs = append(errs, err)
		}
	} else if len(errs) == 0 {
		fmt.Fprintln(env.stdout, "every row lies in its account's region")
	}
	return inOneLine(errs...)
}

func misplaced(env *environment, name string, accounts *account.Directory) (_ []residency.Misplaced, err error) {
	conn, err := clickhouse.Open(env.cfg.Regions[name].ClickHouse.Config)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return residency.Look(env.ctx, conn, name, accounts)
}

func (c *regionCheckCommand) print(env *environment, all []residency.Misplaced) error {
	table := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tBELONGS TO\tLIES IN\tEVENTS\tCOMPUTED FROM THEM\tDEAD LETTERS\tLAST")
	for _, m := range all {
		belongs := m.Belongs
		if belongs == "" {
			belongs = "(not in the file)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", m.Account, belongs, m.Lies, m.Events, m.Computed, m.Dead, m.Last.Format(time.RFC3339))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, m := range all {
		fmt.Fprintf(env.stdout, "to erase them, once they are where they belong: waymarkctl erase --region %s --account %s --from 1900-01-02 --to 2262-04-10 --suppress\n", m.Lies, m.Account)
	}
	return nil
}
