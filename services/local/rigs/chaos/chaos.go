// Package chaos proves, or refutes, that nothing is lost and nothing doubled: it runs the production binaries as processes,
// sends events as SDKs do, kills, freezes, cuts and slows everything on a schedule made from a seed, and then compares what
// clients were told with what ClickHouse has, event by event.
package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/retry"
)

// Config says what to run.
type Config struct {
	// Binaries is the folder of waymark-edge, waymark-enricher, waymark-sink and waymark-local.
	Binaries string
	// Events are sent at Rate events a second, as far as the faults let them through.
	Events int
	Rate   float64
	// Faults are spread over the run; each kind comes about equally often.
	Faults int
	// Seed decides which fault comes when, to whom and for how long, and what is sent.
	Seed uint64
	// ApacheKafka runs three nodes of Apache Kafka in place of the embedded one.
	ApacheKafka bool
	// Only, unless empty, are the kinds of faults that come.
	Only []string
	// Members is how many edges, enrichers and sinks there are. Default 2.
	Members int
	// Sabotage breaks the protocol on purpose, so that a test can see the audit fail.
	Sabotage Sabotage
	// SpoolBytes bounds each edge's spool; 0 leaves the default, and gives the second edge a disk that is soon full.
	SpoolBytes int64
	// Keep leaves the folder of logs and data, whatever comes out.
	Keep bool
}

// ErrBroken means that the audit found a difference, or that a process ended by itself.
var ErrBroken = errors.New("the pipeline did not hold")

// Run plays the whole and prints the table of faults and the verdict. Its error wraps ErrBroken when the pipeline did not hold.
func Run(ctx context.Context, cfg Config, out io.Writer) error {
	return within(ctx, cfg, out, func(r *run) error { return r.play(ctx) })
}

// within starts a world, lets play do what it does there, audits, and reports.
func within(ctx context.Context, cfg Config, out io.Writer, play func(*run) error) (err error) {
	cfg.Members = cmp.Or(cfg.Members, 2)
	dir, err := os.MkdirTemp("", "waymark-chaos-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	log, err := logTo(filepath.Join(dir, "chaos.log"))
	if err != nil {
		return err
	}
	w := &world{cfg: cfg, dir: dir, log: log, skew: new(atomic.Int64), quiet: new(sync.RWMutex)}
	stopped := false
	defer func() {
		if !stopped {
			err = errors.Join(err, w.stop())
		}
		if err == nil && !cfg.Keep {
			err = os.RemoveAll(dir)
		} else {
			fmt.Fprintf(out, "Logs and data are in %s.\n", dir)
		}
	}()
	if err := w.start(ctx); err != nil {
		return err
	}
	r := &run{world: w, out: out, ledger: newLedger(), counts: map[string]int{}}
	if err := play(r); err != nil {
		return err
	}
	v, err := audit(ctx, w, r.ledger)
	if err != nil {
		return err
	}
	stopped = true
	if err := w.stop(); err != nil { // SIGTERM at rest must end every service well
		w.died(err)
	}
	return r.report(v)
}

func logTo(file string) (*zap.Logger, error) {
	cfg := zap.NewProductionConfig()
	cfg.OutputPaths, cfg.ErrorOutputPaths = []string{file}, []string{file}
	cfg.Sampling = nil
	return cfg.Build()
}

// A run is what happens while the world stands.
type run struct {
	*world
	out    io.Writer
	ledger *ledger

	mu     sync.Mutex
	counts map[string]int // faults done, by kind
	errs   []error

	sending, settling time.Duration
}

// A planned fault comes when so many events were sent.
type planned struct {
	fault
	after int64
	seed  uint64
}

// plan spreads the faults over the run, the kinds taking turns in an order of their own in each round.
func plan(cfg Config) []planned {
	random := rand.New(rand.NewPCG(cfg.Seed, 1))
	all := faults(cfg.ApacheKafka)
	if len(cfg.Only) > 0 {
		all = slices.DeleteFunc(all, func(f fault) bool { return !slices.Contains(cfg.Only, f.name) })
	}
	var out []planned
	for len(out) < cfg.Faults && len(all) > 0 {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, f := range all[:min(len(all), cfg.Faults-len(out))] {
			out = append(out, planned{fault: f, seed: random.Uint64()})
		}
	}
	// From the first twentieth to the last: what comes at the very end hits nobody.
	for i := range out {
		x := 0.05 + 0.9*(float64(i)+random.Float64())/float64(len(out))
		out[i].after = int64(x * float64(cfg.Events))
	}
	return out
}

// play sends all events while faults come, heals everything and waits until all is at rest.
func (r *run) play(ctx context.Context) error {
	c := r.clients()
	watch, unwatch := context.WithCancel(ctx)
	defer unwatch()
	var background sync.WaitGroup
	defer background.Wait()
	defer unwatch()
	background.Go(func() { r.supervise(watch) })
	background.Go(func() { r.progress(watch, c) })

	begin := time.Now()
	var harm sync.WaitGroup
	harm.Go(func() { r.harm(ctx, c) })
	harm.Go(func() { r.sabotage(ctx, c) })
	err := c.run(ctx)
	harm.Wait()
	if err = errors.Join(err, ctx.Err(), errors.Join(r.errs...)); err != nil {
		return err
	}
	r.sending = time.Since(begin)
	begin = time.Now()
	err = r.settle(ctx)
	r.settling = time.Since(begin)
	return err
}

// clients makes the load.
func (r *run) clients() *clients {
	c := &clients{writeKey: accountKey, events: int64(r.cfg.Events), rate: r.cfg.Rate, seed: r.cfg.Seed, ledger: r.ledger, skew: r.skew, quiet: r.quiet}
	c.slowed = func() time.Duration { return time.Duration(r.waiting.Load()) * time.Second }
	for _, p := range r.toEdges {
		c.edges = append(c.edges, p.Addr())
	}
	return c
}

// harm does each planned fault when its time comes. Faults may overlap; no two of them meet in one process.
func (r *run) harm(ctx context.Context, c *clients) {
	var under sync.WaitGroup
	defer under.Wait()
	for _, p := range plan(r.cfg) {
		for c.taken.Load() < p.after {
			if retry.Pause(ctx, 20*time.Millisecond) != nil {
				return
			}
		}
		under.Go(func() {
			begin := time.Now()
			what, err := p.do(ctx, r.world, rand.New(rand.NewPCG(p.seed, 2)))
			r.world.log.Info("fault", zap.String("kind", p.name), zap.String("what", what), zap.Time("begun", begin), zap.Duration("took", time.Since(begin)), zap.Error(err))
			r.mu.Lock()
			defer r.mu.Unlock()
			r.counts[p.name]++
			if err != nil && ctx.Err() == nil {
				r.errs = append(r.errs, fmt.Errorf("%s: %w", p.name, err))
			}
		})
	}
}

// sabotage breaks the protocol at half time, when that is asked for.
func (r *run) sabotage(ctx context.Context, c *clients) {
	for c.taken.Load() < int64(r.cfg.Events/2) {
		if retry.Pause(ctx, 20*time.Millisecond) != nil {
			return
		}
	}
	if err := r.cfg.Sabotage.apply(ctx, r.world); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs = append(r.errs, err)
	}
}

// progress says every ten seconds how far it is.
func (r *run) progress(ctx context.Context, c *clients) {
	for retry.Pause(ctx, 10*time.Second) == nil {
		r.mu.Lock()
		done := 0
		for _, n := range r.counts {
			done += n
		}
		r.mu.Unlock()
		fmt.Fprintf(r.out, "%d of %d events answered, %d of %d faults, %d requests, %d of them repeated\n",
			r.ledger.settled.Load(), r.cfg.Events, done, r.cfg.Faults, r.ledger.requests.Load(), r.ledger.repeats.Load())
	}
}

// patienceAtRest is how long nothing may move before the run is given up.
const patienceAtRest = 3 * time.Minute

// settle waits until the spools are empty and both groups have read everything, of the topics that are there now, and stay so.
func (r *run) settle(ctx context.Context) error {
	last, since, still := int64(-1), time.Now(), 0
	for {
		left, err := r.left(ctx)
		if err == nil && left == 0 {
			// A topic that was made anew at the very end is empty, and nobody may have noticed yet what it lost.
			_, err = r.acquainted(ctx)
		}
		switch {
		case err != nil:
			left, still = -2, 0
		case left == 0:
			if still++; still == 5 {
				return nil
			}
		default:
			still = 0
		}
		if left != last {
			last, since = left, time.Now()
		}
		if left != 0 && time.Since(since) > patienceAtRest {
			fmt.Fprintf(r.out, "Given up waiting: %d events are still under way (%v).\n", left, err)
			return nil // the audit will say which
		}
		if err := retry.Pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
}

// left counts the events in spools and the records that groups have yet to read.
func (w *world) left(ctx context.Context) (int64, error) {
	var left int64
	for _, m := range w.edges {
		spooled, err := m.Metric(`waymark_edge_spool_events{region="us"}`)
		if err != nil {
			return 0, err
		}
		left += int64(spooled)
	}
	for _, g := range groups {
		lag, err := admin.Lag(ctx, w.client, g.group, g.topic)
		if err != nil {
			return 0, err
		}
		for _, p := range lag {
			left += p.Lag
		}
	}
	return left, nil
}

// report prints the table of faults and the verdict.
func (r *run) report(v *verdict) error {
	if len(r.counts) > 0 {
		r.reportFaults()
	}
	l := r.ledger
	fmt.Fprintf(r.out, "\n%d events accepted in %.0f s (seed %d), %d of them for the dead-letter table; %d refused at the door.\n",
		len(l.accepted)+len(l.buried), r.sending.Seconds(), r.cfg.Seed, len(l.buried), len(l.refused))
	fmt.Fprintf(r.out, "%d requests, of which %d were repeated. At rest %.0f s after the last answer.\n", l.requests.Load(), l.repeats.Load(), r.settling.Seconds())
	fmt.Fprintf(r.out, "\n| audit, id by id, without FINAL | events |\n|---|---:|\n")
	for _, line := range []struct {
		name     string
		findings []finding
	}{
		{"lost", v.lost}, {"doubled", v.doubled}, {"altered", v.altered}, {"never accepted, but stored", v.invented},
		{"dead letters lost", v.deadLost}, {"dead letters doubled", v.deadDoubled},
	} {
		fmt.Fprintf(r.out, "| %s | %d |\n", line.name, len(line.findings))
		for _, f := range line.findings[:min(10, len(line.findings))] {
			fmt.Fprintf(r.out, "|   %s: %s | |\n", f.id, f.what)
		}
	}
	fmt.Fprintf(r.out, "| sent again after an enriched topic was made anew, and stored again (the table collapses them) | %d |\n", len(v.repeated))
	fmt.Fprintf(r.out, "| rows in events, in dead_events | %d, %d |\n\nPeak memory, MiB:", v.rows, v.dead)
	for _, kind := range []string{"edge", "enricher", "sink"} {
		fmt.Fprintf(r.out, " %s %d", kind, r.peaks[kind]>>20)
	}
	fmt.Fprintln(r.out)
	slices.Sort(r.deaths)
	for _, d := range r.deaths {
		fmt.Fprintf(r.out, "Ended by itself: %.600s\n", d)
	}
	if !v.clean() || len(r.deaths) > 0 {
		fmt.Fprintln(r.out, "\nVerdict: BROKEN")
		return ErrBroken
	}
	fmt.Fprintln(r.out, "\nVerdict: held")
	return nil
}

func (r *run) reportFaults() {
	fmt.Fprintf(r.out, "\n| fault | times |\n|---|---:|\n")
	total := 0
	for _, f := range faults(r.cfg.ApacheKafka) {
		if n := r.counts[f.name]; n > 0 {
			fmt.Fprintf(r.out, "| %s | %d |\n", f.name, n)
			total += n
		}
	}
	fmt.Fprintf(r.out, "| all, of %d kinds | %d |\n", len(r.counts), total)
}
