package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/waymark-events/waymark/pkg/retry"
)

// Outage is a long absence of one engine under steady load.
type Outage struct {
	// Kafka is away; otherwise it is ClickHouse.
	Kafka bool
	// Away is how long.
	Away time.Duration
}

// calm is how long the load runs before the outage, and after it.
const calm = 30 * time.Second

// RunOutage sends cfg.Rate events a second while an engine is away, and prints how the edge answered, what memory and CPU each
// process took, and how long it took to catch up; then it audits. cfg.Events and cfg.Faults are not used.
func RunOutage(ctx context.Context, cfg Config, o Outage, out io.Writer) error {
	cfg.Events = int(cfg.Rate * (o.Away + 2*calm).Seconds())
	cfg.SpoolBytes = 8 << 30
	return within(ctx, cfg, out, func(r *run) error { return r.outage(ctx, o) })
}

// A phase is a part of the run: how long answers took in it, and what the processes had used at its end.
type phase struct {
	name    string
	took    time.Duration
	answers []time.Duration
	memory  map[string]int64         // bytes resident at its end, by process
	cpu     map[string]time.Duration // in it
}

func (r *run) outage(ctx context.Context, o Outage) error {
	c := r.clients()
	var mu sync.Mutex
	var answers []time.Duration
	c.answered = func(took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, took)
	}
	watch, unwatch := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer unwatch()
	background.Go(func() { r.supervise(watch) })
	background.Go(func() { r.progress(watch, c) })

	var phases []phase
	used := r.cpu()
	end := func(name string, begin time.Time) {
		mu.Lock()
		defer mu.Unlock()
		p := phase{name: name, took: time.Since(begin), answers: answers, memory: map[string]int64{}, cpu: map[string]time.Duration{}}
		answers = nil
		now := r.cpu()
		for name, u := range now {
			p.memory[name], p.cpu[name] = u.resident, u.cpu-used[name].cpu
		}
		used = now
		phases = append(phases, p)
	}

	sent := make(chan error, 1)
	go func() { sent <- c.run(ctx) }() // received below
	begin := time.Now()
	err := retry.Pause(ctx, calm)
	end("before", begin)
	begin = time.Now()
	err = errors.Join(err, r.away(ctx, o))
	end("away", begin)
	back := time.Now()
	err = errors.Join(err, <-sent)
	end("after, with load", back)
	begin = time.Now()
	if err = errors.Join(err, r.settle(ctx)); err != nil {
		return err
	}
	end("catching up", begin)
	r.sending = calm + o.Away + phases[2].took
	r.settling = time.Since(begin)
	r.tell(phases)
	fmt.Fprintf(r.out, "\nAt rest %.0f s after the engine came back, %.0f s of them under the same load.\n", time.Since(back).Seconds(), phases[2].took.Seconds())
	return nil
}

// away takes the engine away, as kill -9 does, and brings it back.
func (r *run) away(ctx context.Context, o Outage) error {
	if o.Kafka {
		r.kafka.Kill(0)
		return errors.Join(retry.Pause(ctx, o.Away), r.kafka.Start(0))
	}
	r.clickhouse.mu.Lock()
	defer r.clickhouse.mu.Unlock()
	if err := r.kill(r.clickhouse); err != nil {
		return err
	}
	return errors.Join(retry.Pause(ctx, o.Away), r.revive(ctx, r.clickhouse))
}

type use struct {
	resident int64
	cpu      time.Duration
}

// cpu reads what the services use now.
func (r *run) cpu() map[string]use {
	out := map[string]use{}
	for _, m := range r.services() {
		if u, err := m.Usage(); err == nil {
			out[m.Name] = use{u.Resident, u.CPU}
		}
	}
	return out
}

// tell prints the phases.
func (r *run) tell(phases []phase) {
	fmt.Fprintf(r.out, "\n| | %s | %s | %s | %s |\n|---|---:|---:|---:|---:|\n| seconds |", phases[0].name, phases[1].name, phases[2].name, phases[3].name)
	for _, p := range phases {
		fmt.Fprintf(r.out, " %.0f |", p.took.Seconds())
	}
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"longest", 1}} {
		fmt.Fprintf(r.out, "\n| edge's answer %s, ms |", q.name)
		for _, p := range phases {
			if len(p.answers) == 0 {
				fmt.Fprint(r.out, " |")
				continue
			}
			slices.Sort(p.answers)
			fmt.Fprintf(r.out, " %.1f |", float64(p.answers[int(q.at*float64(len(p.answers)-1))].Microseconds())/1000)
		}
	}
	for _, m := range r.services() {
		fmt.Fprintf(r.out, "\n| %s: MiB resident at the end, CPU s a minute |", m.Name)
		for _, p := range phases {
			fmt.Fprintf(r.out, " %d, %.1f |", p.memory[m.Name]>>20, p.cpu[m.Name].Seconds()/p.took.Minutes())
		}
	}
	fmt.Fprintln(r.out)
}
