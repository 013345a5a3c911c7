package waymarkctl

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/waymark-events/waymark/services/waymarkctl/internal/reenrich"
)

type reenrichCommand struct {
	Region string `help:"The region." placeholder:"R"`
	From   moment `help:"Everything received from then on: RFC 3339, a date, or a duration before now." required:"" placeholder:"T"`
	DryRun bool   `help:"Only say what would be done."`
	Yes    bool   `help:"Do not ask."`
}

// Help says how a region is enriched again.
func (*reenrichCommand) Help() string {
	return `Sets the enrichers of a region back to an earlier moment, under a higher epoch. Stop all of them first; start them again afterwards. They
read the raw topic from there and enrich everything again, with the geolocation, rules and policies of now; new events wait behind.
The sink replaces batch by batch: it deletes the rows of the lower epoch and inserts the new ones, so queries miss a batch for a
moment and never see it twice. What is computed from events has the old rows' part, too, until "waymarkctl model rebuild", and what else hangs on the events
table, such as materialized views, is not corrected.`
}

func (c *reenrichCommand) Run(env *environment) error {
	name, region, err := env.cfg.region(c.Region)
	if err != nil {
		return err
	}
	client, err := env.client(env.ctx, region)
	if err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	defer client.Close()
	plan, err := reenrich.Make(env.ctx, client, name, c.From.Time)
	if err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	table := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "PARTITION\tENRICHED UP TO\tBACK TO\tRECORDS AGAIN")
	for _, p := range plan.Partitions {
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\n", p.Partition, p.Committed, p.Offset, p.Again)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	fmt.Fprintf(env.stdout, "epoch %d, %d records\n", plan.Epoch, plan.Records())
	for _, warning := range plan.Warnings {
		fmt.Fprintf(env.stdout, "note: %s\n", warning)
	}
	switch {
	case c.DryRun:
		return nil
	case plan.Records() == 0:
		return errors.New("nothing was enriched since then: nothing to do")
	case !c.Yes && !env.confirm("Set the enrichers of region "+name+" back?"):
		return errors.New("nothing was done; --yes answers the question")
	}
	if err := plan.Apply(env.ctx, client); err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	fmt.Fprintf(env.stdout, "done: start the enrichers; waymarkctl lag --region %s shows how far they are, waymarkctl audit proves the result\n", name)
	// An event's time lies up to a week before its receipt.
	fmt.Fprintf(env.stdout, "once the lag is 0: waymarkctl model rebuild --region %s --from %s, since what is computed from events has the replaced rows' part, too\n",
		name, c.From.AddDate(0, 0, -7).Format(time.DateOnly))
	return nil
}
