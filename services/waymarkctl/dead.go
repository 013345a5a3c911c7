package waymarkctl

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/dead"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/tail"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/terminal"
)

type deadCommand struct {
	List   deadListCommand   `cmd:"" help:"List dead letters."`
	Show   deadShowCommand   `cmd:"" help:"Print whole dead records, personal data included, as JSON lines."`
	Replay deadReplayCommand `cmd:"" help:"Put dead letters on the raw topic again, without doubling any."`
}

type deadFilter struct {
	Region  string `help:"The region; a list may be of all." placeholder:"R"`
	Account string `help:"Only this account's." placeholder:"A"`
	Stage   string `help:"Only of this stage: decode, enrich or insert." placeholder:"S"`
	Reason  string `help:"Only for this reason, such as unknown_item_type." placeholder:"W"`
	ID      string `help:"Only of this event." placeholder:"UUID"`
	From    moment `help:"That failed from then on: RFC 3339, a date, or a duration before now." default:"-168h" placeholder:"T"`
	To      moment `help:"Up to then." default:"now" placeholder:"T"`
	Limit   int    `help:"At most so many, the latest." default:"1000" placeholder:"N"`
}

func (f *deadFilter) filter() (dead.Filter, error) {
	out := dead.Filter{Account: f.Account, Stage: f.Stage, Reason: f.Reason, ID: f.ID, From: f.From.Time, To: f.To.Time, Limit: f.Limit}
	if f.Limit < 1 {
		return out, errors.New("--limit: want at least 1")
	}
	if f.ID != "" {
		id, err := uuid.Parse(f.ID)
		if err != nil {
			return out, fmt.Errorf("--id: %q is no UUID", f.ID)
		}
		out.ID = id.String()
	}
	return out, nil
}

// with calls do with the region's letters, those of choose.
func (f *deadFilter) with(env *environment, choose dead.Filter, do func(*dead.Letters, []dead.Letter) error) error {
	name, _, err := env.cfg.region(f.Region)
	if err != nil {
		return err
	}
	return inRegion(env, name, choose, do)
}

// each is with for every region where none is named.
func (f *deadFilter) each(env *environment, choose dead.Filter, do func(*dead.Letters, []dead.Letter) error) error {
	names, err := env.cfg.regions(f.Region)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, inRegion(env, name, choose, do))
	}
	return inOneLine(errs...)
}

func inRegion(env *environment, name string, choose dead.Filter, do func(*dead.Letters, []dead.Letter) error) error {
	client, conn, shut, err := env.both(env.cfg.Regions[name])
	if err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	letters := &dead.Letters{Client: client, Conn: conn, Region: name}
	list, err := letters.List(env.ctx, choose)
	if err == nil {
		err = do(letters, list)
	}
	if err = errors.Join(err, shut()); err != nil {
		return fmt.Errorf("region %s: %w", name, err)
	}
	return nil
}

type deadListCommand struct {
	deadFilter
	JSON bool `help:"Print JSON lines." name:"json"`
}

func (c *deadListCommand) Run(env *environment) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(env.stdout)
		return c.each(env, filter, func(_ *dead.Letters, list []dead.Letter) error {
			for i := range list {
				if err := encoder.Encode(&list[i]); err != nil {
					return fmt.Errorf("write: %w", err)
				}
			}
			return nil
		})
	}
	table := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "FAILED\tEVENT\tACCOUNT\tSTAGE\tREASON\tFAILED ON\tERROR")
	err = c.each(env, filter, func(_ *dead.Letters, list []dead.Letter) error {
		for _, l := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s/%d/%d\t%s\n", l.FailedAt.Format(time.RFC3339), l.EventID, l.Account, l.Stage, l.Reason,
				l.Topic, l.Partition, l.Offset, terminal.Line(l.Error))
		}
		return nil
	})
	return errors.Join(err, table.Flush())
}

type deadShowCommand struct {
	Letter string `arg:"" help:"An event's id, or TOPIC/PARTITION/OFFSET where it failed."`
	Region string `help:"Only this region." placeholder:"R"`
	Raw    bool   `help:"Only the original bytes."`
}

func (c *deadShowCommand) Run(env *environment) error {
	choose := dead.Filter{From: time.Unix(0, 0), To: time.Now().Add(time.Hour), Limit: 100}
	if id, err := uuid.Parse(c.Letter); err == nil {
		choose.ID = id.String()
	} else if choose.Topic, choose.Partition, choose.Offset, err = place(c.Letter); err != nil {
		return err
	}
	f := deadFilter{Region: c.Region}
	found := false
	err := f.each(env, choose, func(letters *dead.Letters, list []dead.Letter) error {
		found = found || len(list) > 0
		var gone error
		for i := range list {
			rec, err := letters.Read(env.ctx, &list[i])
			if err != nil {
				return err
			}
			if rec == nil {
				gone = fmt.Errorf("the dead topic has the record no longer: retention deleted it, or the topic was made anew (%s: %s)", list[i].Reason, list[i].Error)
				continue
			}
			if err := c.print(env, rec); err != nil {
				return err
			}
		}
		return gone
	})
	if err == nil && !found {
		err = fmt.Errorf("no dead letter %s", c.Letter)
	}
	return err
}

func (c *deadShowCommand) print(env *environment, rec *event.Record) error {
	var line []byte
	var err error
	out := env.stdout
	if c.Raw {
		out = env.exact
		var d event.Dead
		err = d.UnmarshalVT(rec.Value)
		line = d.Value
	} else {
		line, err = tail.DeadJSON(nil, rec)
	}
	if err != nil {
		return fmt.Errorf("decode the dead record: %w", err)
	}
	if _, err := out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// place reads TOPIC/PARTITION/OFFSET.
func place(text string) (topic string, partition int32, offset int64, err error) {
	parts := strings.Split(text, "/")
	if len(parts) == 3 {
		p, err1 := strconv.ParseInt(parts[1], 10, 32)
		o, err2 := strconv.ParseInt(parts[2], 10, 64)
		if err1 == nil && err2 == nil && parts[0] != "" {
			return parts[0], int32(p), o, nil
		}
	}
	return "", 0, 0, fmt.Errorf("%q is neither an event's id nor TOPIC/PARTITION/OFFSET", text)
}

type deadReplayCommand struct {
	deadFilter
	DryRun bool          `help:"Only say what would be sent."`
	Yes    bool          `help:"Do not ask."`
	Window time.Duration `help:"The enrichers' dedup.window: letters of stage insert that are younger are not sent, since the enricher would leave them out." default:"15m"`
	Wait   time.Duration `help:"How long to wait for what becomes of them." default:"30s"`
}

// Help says what a replay does.
func (*deadReplayCommand) Help() string {
	return `Puts the original records, with their headers and event ids, on the raw topic again: fix what made them fail first. Events that are
stored already are not sent, so that a replay can be repeated, or run after an interruption, without doubling any.`
}

func (c *deadReplayCommand) Run(env *environment) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	return c.with(env, filter, func(letters *dead.Letters, list []dead.Letter) error {
		fmt.Fprintf(env.stdout, "%d dead letters are chosen\n", len(list))
		if c.DryRun || len(list) == 0 {
			return nil
		}
		if !c.Yes && !env.confirm(fmt.Sprintf("Put them on the raw topic of region %s again?", letters.Region)) {
			return errors.New("nothing was done; --yes answers the question")
		}
		done, err := letters.Replay(env.ctx, list, c.Window, c.Wait)
		fmt.Fprintf(env.stdout, "sent %d: %d are stored now, %d are dead letters again, %d are under way\n", done.Sent, done.Stored, done.DeadAgain, done.Sent-done.Stored-done.DeadAgain)
		if n := done.Already; n > 0 {
			fmt.Fprintf(env.stdout, "%d were not sent: their events are stored, or were among those sent\n", n)
		}
		if n := done.Fresh; n > 0 {
			fmt.Fprintf(env.stdout, "%d were not sent: they were enriched within the last %s; replay them later\n", n, c.Window)
		}
		if n := done.Gone; n > 0 {
			fmt.Fprintf(env.stdout, "%d cannot be sent: their records are gone, deleted by retention or with an earlier topic of that name\n", n)
		}
		if n := done.NotCollected; n > 0 {
			fmt.Fprintf(env.stdout, "%d were not sent: their account's policy did not collect them\n", n)
		}
		if n := done.Unfit; n > 0 {
			fmt.Fprintf(env.stdout, "%d were not sent: they are no raw records\n", n)
		}
		return err
	})
}

// confirm asks a question on standard input; only "y" or "yes" is a yes.
func (env *environment) confirm(question string) bool {
	fmt.Fprintf(env.stdout, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(env.stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
