package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/local/history"
)

// pastEvents is how many events the past of a demo has.
const pastEvents = 200_000

// A past is what a data folder's demo has behind it. It is written down before the first event is stored: a start that was interrupted stores the same
// events again, under the same ids, and not another past beside them.
type past struct {
	Seed   uint64    `json:"seed"`
	Until  time.Time `json:"until"`
	Days   int       `json:"days"`
	Events int       `json:"events"`
	Stored bool      `json:"stored"`
}

func (c Config) pastFile() string { return filepath.Join(c.Data, "past.json") }

// remember gives a fresh data folder a past of cfg.Days days, once. A folder with events has one already.
func (p *Pipeline) remember(ctx context.Context, out io.Writer) error {
	was, err := p.readPast(ctx)
	if err != nil || was == nil || was.Stored {
		return err
	}
	if err := p.writePast(was); err != nil {
		return err
	}
	start, stored := time.Now(), 0
	accounts := senders(p.accounts)
	for _, region := range Regions {
		mine := inRegion(accounts, p.accounts, region)
		if len(mine) == 0 {
			continue
		}
		enriching, err := p.enricherConfig(region)
		if err != nil {
			return err
		}
		n, err := history.Fill(ctx, history.Options{
			Past:     demo.HistoryOptions{Seed: was.Seed, Until: was.Until, Days: was.Days, Events: was.Events * len(mine) / len(accounts), Accounts: mine},
			Enricher: enriching, ClickHouse: clickhouseConfig(p.Addresses.ClickHouseNative, region), Log: p.log,
		})
		if err != nil {
			return fmt.Errorf("store a past: %w", err)
		}
		stored += n
	}
	was.Stored = true
	fmt.Fprintf(out, "\nPast: %d days, %d events, stored in %.1f s.\n", was.Days, stored, time.Since(start).Seconds())
	return p.writePast(was)
}

// readPast is the folder's past, or the one that it is to get; nil where its tables have events of which no past is written down.
func (p *Pipeline) readPast(ctx context.Context) (_ *past, err error) {
	text, err := os.ReadFile(p.cfg.pastFile())
	if err == nil {
		was := new(past)
		if err := json.Unmarshal(text, was); err != nil {
			return nil, fmt.Errorf("%s: %w", p.cfg.pastFile(), err)
		}
		return was, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	stored, err := p.counters()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stored.close()) }()
	for _, region := range Regions {
		if n, err := stored.events(ctx, region); err != nil || n > 0 {
			return nil, err
		}
	}
	return &past{Seed: p.cfg.Seed, Until: time.Now().UTC().Truncate(time.Millisecond), Days: p.cfg.Days, Events: pastEvents}, nil
}

func (p *Pipeline) writePast(was *past) error {
	text, err := json.Marshal(was)
	if err != nil {
		return err
	}
	file := p.cfg.pastFile()
	if err := os.WriteFile(file+".new", append(text, '\n'), 0o600); err != nil {
		return plain(err)
	}
	return plain(os.Rename(file+".new", file))
}

// inRegion are the accounts of one region.
func inRegion(all []demo.Account, directory *account.Directory, region string) (out []demo.Account) {
	for _, a := range all {
		if directory.ByID(a.ID).Region == region {
			out = append(out, a)
		}
	}
	return out
}

// seedEvents is how many events of a larger history are made one by one; the others are copies of them.
const seedEvents = 200_000

// runHistory stores a history of an account in the ClickHouse of a waymark-local that runs.
func runHistory(ctx context.Context, cfg Config, out io.Writer) (err error) {
	if cfg.Days == 0 {
		cfg.Days = 30
	}
	if cfg.Events == 0 {
		cfg.Events = pastEvents
	}
	file, err := cfg.accountsFile()
	if err != nil {
		return err
	}
	directory, err := account.Read(file)
	if err != nil {
		return err
	}
	owner := directory.ByID(cfg.Account)
	if owner == nil || !served(owner.Region) {
		return fmt.Errorf("--account: %s has no account %q of a region served here", file, cfg.Account)
	}
	p := &Pipeline{cfg: cfg}
	p.cfg.Accounts = file
	enriching, err := p.enricherConfig(owner.Region)
	if err != nil {
		return err
	}
	house := clickhouseConfig(cfg.ClickHouseNative, owner.Region)
	house.RequestTimeout = 30 * time.Minute // a statement makes a million events
	start := time.Now()
	o := history.Options{
		Past: demo.HistoryOptions{
			Seed: cfg.Seed, Until: start.UTC().Truncate(24 * time.Hour), Days: cfg.Days, Events: min(cfg.Events, seedEvents), Accounts: []demo.Account{{ID: owner.ID}},
		},
		Enricher: enriching, ClickHouse: house, Log: zap.NewNop(),
	}
	n, err := history.Fill(ctx, o)
	if err != nil || n == 0 {
		return err
	}
	fmt.Fprintf(out, "%d events of %d days are stored for %s after %.1f s.\n", n, cfg.Days, owner.ID, time.Since(start).Seconds())
	conn, err := clickhouse.Open(o.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	const atOnce = 5 // a million events a statement
	for copies, first := cfg.Events/n, 1; first < copies; first += atOnce {
		next := min(first+atOnce, copies)
		if err := history.Multiply(ctx, conn, history.Copies{Seed: owner.ID, Account: owner.ID, From: first, To: next}); err != nil {
			return err
		}
		fmt.Fprintf(out, "%d events after %.1f s.\n", next*n, time.Since(start).Seconds())
	}
	return nil
}
