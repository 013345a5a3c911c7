package load

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// A Cost is what processes of one role took in a stage.
type Cost struct {
	Processes int
	// CPU is seconds of user and system time; Waited is seconds in which threads that could run had no core.
	CPU, Waited float64
	// Mallocs counts heap objects, Allocated their bytes; 0 where nobody counts them.
	Mallocs, Allocated float64
	// Peak is the most resident memory that one of them ever had, bytes.
	Peak int64
}

func (c *Cost) add(u child.Usage) {
	c.Processes++
	c.CPU += u.CPU.Seconds()
	c.Waited += u.Waited.Seconds()
	c.Mallocs += u.Mallocs
	c.Allocated += u.Allocated
	c.Peak = max(c.Peak, u.Peak)
}

func (c Cost) minus(before Cost) Cost {
	return Cost{max(c.Processes, before.Processes), c.CPU - before.CPU, c.Waited - before.Waited, c.Mallocs - before.Mallocs, c.Allocated - before.Allocated, c.Peak}
}

// roleRig is this process, which measures. The others are named as their processes are.
const roleRig = "rig"

// Costs are by role: sender, edge, enricher, sink, Kafka, ClickHouse, rig.
type Costs map[string]Cost

func (c Costs) minus(before Costs) Costs {
	out := make(Costs, len(c))
	for role, cost := range c {
		out[role] = cost.minus(before[role])
	}
	return out
}

// cpu is that of all, without the rig's.
func (c Costs) cpu() (sum float64) {
	for role, cost := range c {
		if role != roleRig {
			sum += cost.CPU
		}
	}
	return sum
}

// starved is the share of the time in which a thread could run, percent, that it had no core: of a machine that does other things, too. Rates and
// latencies of a starved stage tell little.
func (c Costs) starved() float64 {
	var waited, ran float64
	for _, cost := range c {
		waited += cost.Waited
		ran += cost.CPU
	}
	return 100 * waited / max(waited+ran, 1e-9)
}

// costs is what everything that runs took so far.
func (r *rig) costs() (Costs, error) {
	out := make(Costs)
	for _, p := range r.running {
		u, err := p.Usage()
		if err != nil {
			return nil, fmt.Errorf("what %s uses: %w", p.Name, err)
		}
		role, _, _ := strings.Cut(p.Name, " ")
		c := out[role]
		c.add(u)
		out[role] = c
	}
	own, err := self()
	out[roleRig] = own
	return out, err
}

// A Stage is a window of time in which a number of events went some part of the way, with what it took everybody.
type Stage struct {
	Name   string
	Events int
	// Seconds is until the last event was through, Rest how long ClickHouse merged after that.
	Seconds, Rest float64
	Costs         Costs
	House         House
}

// per returns x for a million events.
func (s Stage) per(x float64) float64 { return perMillion(x, s.Events) }

// without takes away what the start of a role's processes takes without events.
func (s Stage) without(start Stage, role string) Stage {
	s.Seconds -= start.Seconds
	s.Costs[role] = s.Costs[role].minus(start.Costs[role])
	s.House = s.House.minus(start.House)
	return s
}

// stage charges what everything takes while work goes on, and until ClickHouse has merged what it wants to.
func (r *rig) stage(ctx context.Context, name string, work func() (events int, err error)) (s Stage, err error) {
	s.Name = name
	before, err := r.costs()
	if err != nil {
		return s, err
	}
	house, err := r.house(ctx)
	if err != nil {
		return s, err
	}
	begin := time.Now()
	if s.Events, err = work(); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	s.Seconds = time.Since(begin).Seconds()
	if err := r.rest(ctx); err != nil {
		return s, err
	}
	s.Rest = time.Since(begin).Seconds() - s.Seconds
	after, err := r.costs()
	if err != nil {
		return s, err
	}
	s.Costs = after.minus(before)
	now, err := r.house(ctx)
	s.House = now.minus(house)
	return s, err
}

// loadAverage is that of the last minute, by proc(5).
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
