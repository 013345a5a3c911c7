package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/local/demo"
)

// A console is what a person sees of waymark-local.
type console struct {
	out io.Writer
	p   *Pipeline
}

// greet says where everything is and what to try. It comes when everything is ready.
func (c console) greet() {
	a := c.p.Addresses
	var keys, databases []string
	for _, account := range c.p.accounts.Accounts() {
		for _, key := range plainKeys(c.p.accounts, account) {
			keys = append(keys, key+" ("+account.ID+", "+account.Region+")")
		}
	}
	for _, region := range Regions {
		databases = append(databases, Database(region))
	}
	fmt.Fprintf(c.out, "Waymark is ready.\n\n")
	for _, line := range [][2]string{
		{"Console", "http://" + a.Console + "/ with everybody's figures"},
		{"Shop", "http://" + a.Edge + "/ to click through, with the rows that come of it"},
		{"Edge", "http://" + a.Edge + "/v1/events"},
		{"Write keys", strings.Join(keys, ", ")},
		{"Kafka", a.Kafka},
		{"ClickHouse", "http://" + a.ClickHouseHTTP + " and native " + a.ClickHouseNative + ", databases " + strings.Join(databases, ", ")},
		{"Metrics", "http://" + a.Admin + "/metrics"},
		{"Data, log", c.p.cfg.Data},
		{"Locations", c.p.locations},
	} {
		fmt.Fprintf(c.out, "  %-12s%s\n", line[0], line[1])
	}
	fmt.Fprintf(c.out, "\nThree things to ask:\n\n")
	for _, sql := range questions {
		fmt.Fprintf(c.out, "  curl 'http://%s/?database=%s' --data-binary \"%s FORMAT PrettyCompact\"\n", a.ClickHouseHTTP, Database(Regions[0]), sql)
	}
	fmt.Fprintf(c.out, "\nCtrl-C ends it.\n")
}

// questions are SQL to try. They hold no double quotes: they are shown within some.
var questions = []string{
	"SELECT country, browser, count() AS events, uniq(visitor_id) AS visitors FROM events GROUP BY ALL ORDER BY events DESC LIMIT 10",
	"SELECT item_name, uniqIf(interaction_id, event = 'play') AS plays, round(uniqIf(interaction_id, event = 'complete') / plays, 2) AS completion FROM events WHERE item_type = 'walkthru' GROUP BY item_name ORDER BY plays DESC",
	"SELECT item_name, step_index, step_name, uniq(visitor_id) AS users FROM events WHERE event = 'step' GROUP BY ALL ORDER BY item_name, step_index",
}

// demo sends traffic through the edge's door and shows every few seconds how far it came, until ctx ends or a part fails.
func (c console) demo(ctx context.Context) (err error) {
	p := c.p
	if p.cfg.Days > 0 {
		if err := p.remember(ctx, c.out); err != nil || ctx.Err() != nil {
			return unlessEnded(ctx, err)
		}
	}
	traffic, err := demo.NewGenerator(demo.Options{Seed: p.cfg.Seed, Start: time.Now(), Rate: p.cfg.Demo, Accounts: senders(p.accounts)})
	if err != nil {
		return err
	}
	const connections = 16
	sender := demo.NewSender("http://"+p.Addresses.Edge, connections)
	defer sender.Close()
	counts := new(demo.Counts)
	stored, err := p.counters()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stored.close()) }()
	p.stack.start(ctx, "traffic", func(ctx context.Context) error {
		return demo.Drive(ctx, traffic, sender, demo.Plan{Connections: connections}, counts)
	})
	keep := len(p.stack.parts) - 1
	defer func() { err = errors.Join(err, p.stack.stopTo(keep)) }()
	fmt.Fprintf(c.out, "\nTraffic: %g events/s, seed %d.\n", p.cfg.Demo, p.cfg.Seed)
	tick := time.NewTicker(statusInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-p.stack.failed:
			return err
		case <-tick.C:
			fmt.Fprintln(c.out, status(ctx, counts, stored))
		}
	}
}

// unlessEnded is err, but nil when it came of the end of ctx.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

const statusInterval = 5 * time.Second

// status is one line.
func status(ctx context.Context, counts *demo.Counts, stored *counters) string {
	line := time.Now().Format("15:04:05") + fmt.Sprintf("  accepted %d", counts.Accepted.Load())
	if n := counts.Rejected.Load(); n > 0 {
		line += fmt.Sprintf(", refused %d (%s)", n, counts.Refusal())
	}
	if n := counts.Retries.Load(); n > 0 {
		line += fmt.Sprintf(", repeated requests %d", n)
	}
	line += "; in ClickHouse"
	for _, region := range Regions {
		n, err := stored.events(ctx, region)
		if err != nil {
			return line + ": does not answer"
		}
		line += fmt.Sprintf(" %s %d", region, n)
	}
	return line
}

// counters ask ClickHouse how many events it has.
type counters struct{ byRegion map[string]*clickhouse.Conn }

func (p *Pipeline) counters() (*counters, error) {
	c := &counters{map[string]*clickhouse.Conn{}}
	for _, region := range Regions {
		conn, err := clickhouse.Open(clickhouseConfig(p.Addresses.ClickHouseNative, region))
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.byRegion[region] = conn
	}
	return c, nil
}

// events counts rows, which is free; a client's retry beyond the enricher's window counts until it is merged away.
func (c *counters) events(ctx context.Context, region string) (n uint64, err error) {
	err = c.byRegion[region].Scalar(ctx, "SELECT count() FROM events", &n)
	return n, err
}

func (c *counters) close() error {
	var errs []error
	for _, conn := range c.byRegion {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}
