// Package answers measures how long the views take to answer a question of one account and thirty days, over tables of several sizes with other accounts
// beside.
package answers

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/local/history"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// Config says what to measure.
type Config struct {
	// ClickHouse is the database, HTTP the host:port of its HTTP interface, Pid its process and Dir the folder of its files.
	ClickHouse clickhouse.Config
	HTTP       string
	Pid        int
	Dir        string
	// History is the past that all others are copies of.
	History history.Options
	// Sizes are how many events the account has when it is asked, rising. Other accounts have a tenth as many, beside it.
	Sizes []int
}

// others have the events that are beside the account's.
var others = []string{"beside-a", "beside-b"}

// Run fills the database up to each size and prints a table of all views.
func Run(ctx context.Context, cfg Config, out io.Writer) (err error) {
	views, err := questions()
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := keptUntil(ctx, conn, &cfg.History.Past.Until); err != nil {
		return err
	}
	seed, err := history.Fill(ctx, cfg.History)
	if err != nil {
		return err
	}
	r := rig{cfg: cfg, conn: conn, seed: seed, copies: map[string]int{}}
	if err := r.count(ctx); err != nil {
		return err
	}
	for i, size := range cfg.Sizes {
		if last := i+1 == len(cfg.Sizes); !last && r.copies[cfg.account()] > r.wanted(size) {
			continue // a folder that was kept has more already
		}
		begin, before := time.Now(), r.events()
		if err := r.grow(ctx, size); err != nil {
			return err
		}
		took := time.Since(begin)
		if err := r.settle(ctx); err != nil {
			return err
		}
		if made := r.events() - before; made > 0 {
			fmt.Fprintf(out, "\n%d events, %d of them the account's; the last %d were made and stored, the model with them, at %.0f a second.\n",
				r.events(), r.copies[cfg.account()]*seed, made, float64(made)/took.Seconds())
		}
		if err := r.sizes(ctx, out); err != nil {
			return err
		}
		if err := r.ask(ctx, views, out); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) account() string { return c.History.Past.Accounts[0].ID }

type rig struct {
	cfg    Config
	conn   *clickhouse.Conn
	seed   int            // events of one copy
	copies map[string]int // of each account
}

func (r *rig) events() (n int) {
	for _, copies := range r.copies {
		n += copies * r.seed
	}
	return n
}

//go:embed sql/until.sql
var untilSQL string

// keptUntil sets until to the end of the history that a folder has kept, since one of another day would be stored beside it.
func keptUntil(ctx context.Context, conn *clickhouse.Conn, until *time.Time) error {
	return conn.Query(ctx, untilSQL, func(_ []string, v []any) error {
		*until = v[0].(time.Time).UTC()
		return nil
	}, clickhouse.Named("topic_id", history.Topic.String()))
}

//go:embed sql/copies.sql
var copiesOfTable string

// count takes what the database has already.
func (r *rig) count(ctx context.Context) error {
	return r.conn.Query(ctx, copiesOfTable, func(_ []string, v []any) error {
		r.copies[v[0].(string)] = int(v[1].(uint32))
		return nil
	}, clickhouse.Named("topic_id", history.Topic.String()))
}

// atOnce is how many copies a statement makes: about a million events.
const atOnce = 5

// wanted is how many copies have so many events.
func (r *rig) wanted(events int) int { return (events + r.seed - 1) / r.seed }

// grow gives the account so many events, and the others a tenth as many together.
func (r *rig) grow(ctx context.Context, events int) error {
	wanted := map[string]int{r.cfg.account(): r.wanted(events)}
	for _, account := range others {
		wanted[account] = max(1, wanted[r.cfg.account()]/10/len(others))
	}
	for _, account := range append([]string{r.cfg.account()}, others...) {
		// The account's copy 0 is the history itself; the others have copies only, from 1.
		for r.copies[account] < wanted[account] {
			first := r.copies[account]
			if account != r.cfg.account() {
				first++
			}
			n := min(atOnce, wanted[account]-r.copies[account])
			if err := history.Multiply(ctx, r.conn, history.Copies{Seed: r.cfg.account(), Account: account, From: first, To: first + n}); err != nil {
				return err
			}
			r.copies[account] += n
		}
	}
	return nil
}

// settle waits until ClickHouse has merged what it wants to merge by itself: tables as they are a while after their last insert.
func (r *rig) settle(ctx context.Context) error {
	for idle := 0; idle < 6; {
		var merges uint64
		if err := r.conn.Scalar(ctx, "SELECT count() FROM system.merges", &merges); err != nil {
			return err
		}
		if idle++; merges > 0 {
			idle = 0
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return nil
}

// sizes prints what the tables take.
func (r *rig) sizes(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "\n| table | rows | parts | bytes on disk | bytes an event |\n|---|---:|---:|---:|---:|\n")
	return r.conn.Query(ctx, tables, func(_ []string, v []any) error {
		fmt.Fprintf(out, "| %v | %v | %v | %v | %.1f |\n", v[0], v[1], v[2], v[3], float64(v[3].(uint64))/float64(r.events()))
		return nil
	}, clickhouse.Named("database", r.cfg.ClickHouse.Database))
}

// Runs of each kind: the median of so many.
const (
	coldRuns = 3
	warmRuns = 7
)

// ask prints what each view takes, cold and warm.
func (r *rig) ask(ctx context.Context, views []question, out io.Writer) error {
	parameters, err := r.parameters(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nLoad average before: %s. %d cores.\n", loadAverage(), runtime.NumCPU())
	fmt.Fprintf(out, "\n| view | cold, ms | warm, ms | slowest, ms | CPU, ms | rows read | MB read | peak MiB |\n|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, view := range views {
		if err := r.askOne(ctx, view, parameters, out); err != nil {
			return fmt.Errorf("%s: %w", view.name, err)
		}
	}
	fmt.Fprintf(out, "\nLoad average after: %s.\n", loadAverage())
	return nil
}

func (r *rig) askOne(ctx context.Context, view question, parameters map[string]string, out io.Writer) error {
	var cold, warm []time.Duration
	for range coldRuns {
		if err := r.forget(ctx); err != nil {
			return err
		}
		a, err := r.query(ctx, view.sql, parameters)
		if err != nil {
			return err
		}
		cold = append(cold, a.took)
	}
	before, err := child.CPU(r.cfg.Pid)
	if err != nil {
		return err
	}
	var last answer
	for range warmRuns {
		if last, err = r.query(ctx, view.sql, parameters); err != nil {
			return err
		}
		warm = append(warm, last.took)
	}
	after, err := child.CPU(r.cfg.Pid)
	if err != nil {
		return err
	}
	slices.Sort(cold)
	slices.Sort(warm)
	fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %d | %.1f | %d |\n", view.name, cold[coldRuns/2].Milliseconds(), warm[warmRuns/2].Milliseconds(),
		warm[warmRuns-1].Milliseconds(), ((after - before) / warmRuns).Milliseconds(), last.rows, float64(last.bytes)/1e6, last.memory>>20)
	return nil
}

// loadAverage is the machine's: others may share it.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
