package waymarkctl

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/identity"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/audit"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/where"
)

// both opens a region's Kafka and ClickHouse.
func (env *environment) both(region Region) (*kafka.Client, *clickhouse.Conn, func() error, error) {
	client, err := env.client(env.ctx, region)
	if err != nil {
		return nil, nil, nil, err
	}
	conn, err := clickhouse.Open(region.ClickHouse.Config)
	if err != nil {
		return nil, nil, nil, errors.Join(err, client.Close())
	}
	return client, conn, func() error { return errors.Join(conn.Close(), client.Close()) }, nil
}

type auditCommand struct {
	Region string `help:"Only this region." placeholder:"R"`
	From   moment `help:"Events received from then on: RFC 3339, a date, or a duration before now." default:"-1h" placeholder:"T"`
	To     moment `help:"Up to then." default:"now" placeholder:"T"`
	JSON   bool   `help:"Print JSON." name:"json"`
}

// Help explains the columns.
func (*auditCommand) Help() string {
	return `Compares every record of the raw topic whose time lies in the span with the tables. It changes nothing, and the pipeline may run on. A row is
a record's when topic id, partition, leader epoch, offset and event id agree: rows of an earlier topic of that name are counted apart.

RECORDS   records of the raw topic
STORED    rows of events
DEAD      dead letters (see "waymarkctl dead list")
REPEATED  a client sent the event again; it is stored from another record
NOT COLLECTED accepted before the account's policy said that such events are not collected
UNDER WAY not enriched yet, or seen on the enriched or dead topic where the sinks have not come to
AGED OUT  no rows since the events table's TTL deletes them
ERASED    no rows since "waymarkctl erase" took them out
MISSING   none of these: lost
TWICE     records with more than one row of the same epoch
EXPIRED   offsets that retention deleted from Kafka and that are no rows: nobody can tell any more

The status is 1 when anything is missing, twice, an event has more than one row, or the raw log has holes that nothing explains.`
}

// Run fails when anything is missing or doubled.
func (c *auditCommand) Run(env *environment) error {
	if !c.To.After(c.From.Time) {
		return errors.New("--to must lie after --from")
	}
	names, err := env.cfg.regions(c.Region)
	if err != nil {
		return err
	}
	var errs []error
	for i, name := range names {
		if i > 0 && !c.JSON {
			fmt.Fprintln(env.stdout)
		}
		if err := c.region(env, name); err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w", name, err))
		}
	}
	return inOneLine(errs...)
}

var errIncomplete = errors.New("it is not complete")

func (c *auditCommand) region(env *environment, name string) error {
	client, conn, shut, err := env.both(env.cfg.Regions[name])
	if err != nil {
		return err
	}
	erasures, note, err := erasuresOf(env, client, name)
	if err != nil {
		return errors.Join(err, shut())
	}
	a := audit.Audit{Client: client, Conn: conn, Region: name, From: c.From.Time, To: c.To.Time, Erasures: erasures}
	report, err := a.Run(env.ctx)
	if err == nil && note != "" {
		report.Notes = append(report.Notes, note)
	}
	if err = errors.Join(err, shut()); err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(env.stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.Text(env.stdout)
	}
	if err == nil && !report.Complete() {
		err = errIncomplete
	}
	return err
}

// erasuresOf reads who was erased in a region, or says why it cannot be told who was.
func erasuresOf(env *environment, client *kafka.Client, region string) (*erasure.Set, string, error) {
	keys, err := env.cfg.Regions[region].Erasure.Keys()
	if err != nil {
		return nil, "", err
	}
	set, err := erasure.Read(env.ctx, client, schemas.ErasuresTopic(region), keys)
	var operators *erasure.OperatorError
	switch {
	case errors.Is(err, kafka.ErrUnknownTopic): // nobody
		return nil, "", nil
	case errors.As(err, &operators):
		return nil, "what was erased counts as missing: " + err.Error(), nil
	}
	return set, "", err
}

type whereCommand struct {
	ID      string `arg:"" help:"The event's id: a UUID, or with --account the id that the client gave it."`
	Account string `help:"The account, for an id that is no UUID." placeholder:"A"`
	Region  string `help:"Only this region." placeholder:"R"`
	From    moment `help:"How far back the raw topic is read when no table has the event." default:"-24h" placeholder:"T"`
}

// Run fails when the event is nowhere.
func (c *whereCommand) Run(env *environment) error {
	id, err := uuid.Parse(c.ID)
	switch {
	case err != nil && c.Account == "":
		return fmt.Errorf("%q is no UUID: name the account with --account to look for a client's own id", c.ID)
	case err != nil:
		id = identity.EventID(c.Account, c.ID)
	}
	names, err := env.cfg.regions(c.Region)
	if err != nil {
		return err
	}
	anywhere := false
	for _, name := range names {
		client, conn, shut, err := env.both(env.cfg.Regions[name])
		if err != nil {
			return fmt.Errorf("region %s: %w", name, err)
		}
		erasures, note, err := erasuresOf(env, client, name)
		if err != nil {
			return errors.Join(fmt.Errorf("region %s: %w", name, err), shut())
		}
		if note != "" {
			fmt.Fprintf(env.stdout, "region %s: %s\n", name, note)
		}
		s := where.Search{Client: client, Conn: conn, Region: name, ID: id, From: c.From.Time, Erasures: erasures, Out: env.stdout}
		found, err := s.Run(env.ctx)
		if err = errors.Join(err, shut()); err != nil {
			return fmt.Errorf("region %s: %w", name, err)
		}
		anywhere = anywhere || found
	}
	if !anywhere {
		return fmt.Errorf("event %s was not found: no edge accepted it (its account's policy may not collect it), or it is older than --from and was never stored", id)
	}
	return nil
}
