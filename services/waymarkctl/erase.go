package waymarkctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/pseudonym"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/erase"
)

// personFlags say whose events.
type personFlags struct {
	Region  string `help:"The region." placeholder:"R"`
	Account string `help:"The account." required:"" placeholder:"A"`
	User    string `help:"The end user, as the client sent the id or as it is stored: byte by byte, capitals too." placeholder:"U"`
	Visitor string `help:"The visitor." placeholder:"V"`
}

// region opens the region that is named.
func (f *personFlags) region(env *environment) (erase.Region, func() error, error) {
	name, region, err := env.cfg.region(f.Region)
	if err != nil {
		return erase.Region{}, nil, err
	}
	keys, err := region.Erasure.Keys()
	if err != nil {
		return erase.Region{}, nil, fmt.Errorf("region %s: %w", name, err)
	}
	client, conn, shut, err := env.both(region)
	if err != nil {
		return erase.Region{}, nil, fmt.Errorf("region %s: %w", name, err)
	}
	return erase.Region{Name: name, Client: client, Conn: conn, Keys: keys}, shut, nil
}

// pseudonyms are what is stored in the user's place, where this machine has the key ring.
func (f *personFlags) pseudonyms(env *environment) ([]string, error) {
	if f.User == "" || env.cfg.Keys == "" {
		return nil, nil
	}
	ring, err := pseudonym.Read(env.cfg.Keys)
	if err != nil {
		return nil, err
	}
	return ring.All(f.Account, f.User), nil
}

type eraseCommand struct {
	personFlags
	Company   string        `help:"The end users' company." placeholder:"C"`
	From      optional      `help:"Only events that happened from then on: RFC 3339, a date, or a duration before now." placeholder:"T"`
	To        optional      `help:"Only events that happened before then." placeholder:"T"`
	Anonymise bool          `help:"Leave events that nobody can be told from, for the counts."`
	Suppress  bool          `help:"Keep out what is received later, too, for ever."`
	Margin    time.Duration `help:"How far edges' clocks may be ahead of this machine's: what they receive within it from now on is erased, too." default:"1m"`
	Wait      time.Duration `help:"How long to wait until nothing is left." default:"10m"`
	DryRun    bool          `help:"Only say what would be erased."`
	JSON      bool          `help:"Print the receipt as JSON." name:"json"`
	Yes       bool          `help:"Do not ask."`
}

// Help says what is erased.
func (*eraseCommand) Help() string {
	return `Takes a user, a visitor, a company, or a span of time out of an account: out of the tables, and out of all that Kafka still has and somebody may
store again. Visitors that only this user was are erased along, and so are the user's pseudonyms, where keys names the key ring. A tombstone without a name on the topic erasures.REGION tells enrichers and sinks, which must have
the same erasure.secret. It prints a receipt that says what has copies still, and until when. Killed, or run into an error, it can be run again.`
}

func (c *eraseCommand) Run(env *environment) (err error) {
	request := erase.Request{
		Account: c.Account, User: c.User, Visitor: c.Visitor, Company: c.Company, From: c.From.Time, To: c.To.Time,
		Mode: erasure.Erase, Suppress: c.Suppress, Margin: c.Margin, Wait: c.Wait,
	}
	if c.Anonymise {
		request.Mode = erasure.Anonymise
	}
	if err := request.Validate(); err != nil {
		return err
	}
	if request.Pseudonyms, err = c.pseudonyms(env); err != nil {
		return err
	}
	region, shut, err := c.region(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shut()) }()
	told := func(sentence string) { fmt.Fprintln(env.stderr, sentence) }
	work, err := erase.Prepare(env.ctx, region, request, told)
	if err != nil {
		return fmt.Errorf("region %s: %w", region.Name, err)
	}
	if c.DryRun {
		return c.print(env, work.Receipt())
	}
	if found := work.Receipt(); !c.Yes && !env.confirm(fmt.Sprintf("Erase %d rows of events and %d of dead_events of account %s in region %s, and %d that are computed from them?",
		found.Events, found.DeadEvents, c.Account, region.Name, found.Model)) {
		return errors.New("nothing was done; --yes answers the question")
	}
	receipt, err := work.Run(env.ctx)
	if err != nil {
		return fmt.Errorf("region %s: %w", region.Name, err)
	}
	return c.print(env, receipt)
}

func (c *eraseCommand) print(env *environment, r *erase.Receipt) error {
	if !c.JSON {
		return r.Text(env.stdout, c.DryRun)
	}
	encoder := json.NewEncoder(env.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

type exportPersonCommand struct{ personFlags }

// Help says what is exported.
func (*exportPersonCommand) Help() string {
	return `Prints all rows of a person as JSON lines, every column, each with the table that it is of: what "waymarkctl erase" of the same person would take. What Kafka
alone has is named on standard error.`
}

func (c *exportPersonCommand) Run(env *environment) (err error) {
	request := erase.Request{Account: c.Account, User: c.User, Visitor: c.Visitor}
	if (c.User == "") == (c.Visitor == "") {
		return errors.New("want one of --user and --visitor")
	}
	if request.Pseudonyms, err = c.pseudonyms(env); err != nil {
		return err
	}
	region, shut, err := c.region(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shut()) }()
	if err := erase.Export(env.ctx, region, request, env.stdout, env.stderr); err != nil {
		return fmt.Errorf("region %s: %w", region.Name, err)
	}
	return nil
}

type erasuresCommand struct {
	List erasuresListCommand `cmd:"" help:"List who was erased, without names."`
}

type erasuresListCommand struct {
	Region string `help:"Only this region." placeholder:"R"`
	JSON   bool   `help:"Print JSON lines." name:"json"`
}

// listed is a tombstone as it is printed.
type listed struct {
	ID            string       `json:"id"`
	Region        string       `json:"region"`
	Account       string       `json:"account"`
	Kind          erasure.Kind `json:"kind"`
	Mode          erasure.Mode `json:"mode"`
	Suppress      bool         `json:"suppress"`
	ReceivedUntil time.Time    `json:"received_until"`
	From          string       `json:"from,omitempty"`
	To            string       `json:"to,omitempty"`
	MadeAt        time.Time    `json:"made_at"`
}

func (c *erasuresListCommand) Run(env *environment) error {
	names, err := env.cfg.regions(c.Region)
	if err != nil {
		return err
	}
	var all []listed
	var errs []error
	for _, name := range names {
		of, err := tombstones(env, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w", name, err))
		}
		all = append(all, of...)
	}
	if err := c.print(env.stdout, all); err != nil {
		errs = append(errs, err)
	}
	return inOneLine(errs...)
}

// tombstones reads a region's.
func tombstones(env *environment, name string) (out []listed, err error) {
	region := env.cfg.Regions[name]
	keys, err := region.Erasure.Keys()
	if err != nil {
		return nil, err
	}
	client, err := env.client(env.ctx, region)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	set, err := erasure.Read(env.ctx, client, schemas.ErasuresTopic(name), keys)
	if err != nil {
		return nil, err
	}
	for _, t := range set.All() {
		out = append(out, listed{
			ID: t.ID(), Region: name, Account: t.Account, Kind: t.Kind, Mode: t.Mode, Suppress: t.Suppress, ReceivedUntil: time.UnixMilli(t.ReceivedUntil).UTC(),
			From: bound(t.From), To: bound(t.To), MadeAt: time.UnixMilli(t.MadeAt).UTC(),
		})
	}
	return out, nil
}

// bound is empty for no bound.
func bound(millis int64) string {
	if millis == 0 {
		return ""
	}
	return time.UnixMilli(millis).UTC().Format(time.RFC3339)
}

func (c *erasuresListCommand) print(out io.Writer, all []listed) error {
	if c.JSON {
		encoder := json.NewEncoder(out)
		for i := range all {
			if err := encoder.Encode(&all[i]); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "MADE\tREGION\tACCOUNT\tKIND\tMODE\tRECEIVED UNTIL\tHAPPENED\tID")
	for _, t := range all {
		until := t.ReceivedUntil.Format(time.RFC3339)
		if t.Suppress {
			until = "for ever"
		}
		happened := "whenever"
		if t.From != "" || t.To != "" {
			happened = t.From + " to " + t.To
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.MadeAt.Format(time.RFC3339), t.Region, t.Account, t.Kind, t.Mode, until, happened, t.ID)
	}
	return table.Flush()
}
