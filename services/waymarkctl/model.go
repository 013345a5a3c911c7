package waymarkctl

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/model"
)

type modelCommand struct {
	Rebuild modelRebuildCommand `cmd:"" help:"Make the model anew from the events."`
	Check   modelCheckCommand   `cmd:"" help:"Compare the model with the events; 1 when they differ."`
}

// spanOfDays is days of UTC, both included.
type spanOfDays struct {
	Region string   `help:"The region." placeholder:"R"`
	From   optional `help:"Days from then on, of UTC: a date, RFC 3339, or a duration before now." placeholder:"T"`
	To     optional `help:"Up to that day, it included." placeholder:"T"`
}

func (s *spanOfDays) validate() error {
	if !s.From.IsZero() && !s.To.IsZero() && s.To.Before(s.From.Time) {
		return errors.New("--to must not lie before --from")
	}
	return nil
}

type modelRebuildCommand struct{ spanOfDays }

// Help says what is made anew, and what it costs.
func (*modelRebuildCommand) Help() string {
	return `Makes item_activity and visitor_activity anew for the months in which the days lie, and end_user_activity for all time, from the events that there
are. Needed after a re-enrichment, for events that were stored before there was a model, after a deletion by hand, and where a log says that a view may lack a
block. Sinks go on, and readers see a month's old rows or its new ones. A month takes as much disk again, for as long as it is made. It may be killed and run again.`
}

func (c *modelRebuildCommand) Run(env *environment) (err error) {
	if err := c.validate(); err != nil {
		return err
	}
	name, region, err := env.cfg.region(c.Region)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(region.ClickHouse.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	rebuild := model.Rebuild{Conn: conn, From: c.From.Time, To: c.To.Time, Told: func(sentence string) { fmt.Fprintln(env.stderr, sentence) }}
	months, err := rebuild.Run(env.ctx)
	if err != nil {
		return fmt.Errorf("region %s: the model is as it was, but for what is told above (run the same again): %w", name, err)
	}
	fmt.Fprintf(env.stdout, "region %s: %d months of the model, and its end users, are made anew\n", name, months)
	return nil
}

type modelCheckCommand struct{ spanOfDays }

// Help explains the columns.
func (*modelCheckCommand) Help() string {
	return `Compares, day by day, the distinct events and the interactions that the events table has with those that the model was given, and the end users of
all time. LACKING is what the model has not, ALONE what it has and the events table has no more: after a re-enrichment, say. What came within the last minute may be on its
way and is not missed. It changes nothing, and the pipeline may run on. Days without a difference are not listed.`
}

// Run fails when there is a difference.
func (c *modelCheckCommand) Run(env *environment) (err error) {
	if err := c.validate(); err != nil {
		return err
	}
	name, region, err := env.cfg.region(c.Region)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(region.ClickHouse.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var days int
	var events uint64
	var differ []model.Day
	check := model.Check{Conn: conn, From: c.From.Time, To: c.To.Time}
	endUsers, err := check.Run(env.ctx, func(d model.Day) error {
		if d.Events.Events > 0 {
			days++
		}
		events += d.Events.Events
		if !d.Agrees() {
			differ = append(differ, d)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	if len(differ) == 0 && endUsers.Agrees() {
		fmt.Fprintf(env.stdout, "region %s: the model has %d events of %d days, and %d end users, as the events table has them\n", name, events, days, endUsers.Events)
		return nil
	}
	table := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "DAY\tEVENTS\tLACKING\tALONE\tINTERACTIONS\tLACKING\tALONE")
	for _, d := range differ {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", d.Day.Format(time.DateOnly),
			d.Events.Events, d.Events.Lacking, d.Events.Alone, d.Interactions.Events, d.Interactions.Lacking, d.Interactions.Alone)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if !endUsers.Agrees() {
		fmt.Fprintf(env.stdout, "of %d end users %d are lacking; %d are in the model alone\n", endUsers.Events, endUsers.Lacking, endUsers.Alone)
	}
	command := "waymarkctl model rebuild --region " + name
	if len(differ) > 0 {
		command += " --from " + differ[0].Day.Format(time.DateOnly) + " --to " + differ[len(differ)-1].Day.Format(time.DateOnly)
	}
	return fmt.Errorf("region %s: the model differs from the events; %s makes it anew", name, command)
}
