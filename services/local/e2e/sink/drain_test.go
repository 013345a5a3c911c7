package sink

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	childprocess "github.com/waymark-events/waymark/services/local/rigs/child"
)

// sinksVariable names programs of the sink, separated by colons, that are to be compared; without it this tree's is measured alone.
const sinksVariable = "WAYMARK_BENCH_SINKS"

// BenchmarkBacklog drains 100,000 enriched events of four partitions into ClickHouse, by the sink in a process of its own, each program in turn. For
// each it reports the medians of its CPU seconds a million rows, of its heap objects a row, and the highest of its resident memory;
// for all but the first also the ratio of the CPU to the first's. CPU counts from the start of the process to the last row.
func BenchmarkBacklog(b *testing.B) {
	programs := sinkPrograms(b)
	g := newBacklog(b)
	cpu, objects, peaks := make([][]float64, len(programs)), make([][]float64, len(programs)), make([]int64, len(programs))
	for round := 0; b.Loop(); round++ {
		for i := range programs {
			which := (i + round) % len(programs) // each is first as often as another
			g.fill(backlogEach / 1000)
			used := g.drainBy(programs[which])
			cpu[which] = append(cpu[which], used.CPU.Seconds()*1e6/backlogRows)
			objects[which] = append(objects[which], used.Mallocs/backlogRows)
			peaks[which] = max(peaks[which], used.Peak)
		}
	}
	for i, program := range programs {
		unit := func(of string) string { return filepath.Base(program) + ":" + of }
		b.ReportMetric(median(cpu[i]), unit("CPU-s/Mrows"))
		b.ReportMetric(median(objects[i]), unit("objects/row"))
		b.ReportMetric(math.Round(float64(peaks[i])/(1<<20)), unit("peak-MiB"))
		if i > 0 {
			b.ReportMetric(median(cpu[i])/median(cpu[0]), unit("CPU-ratio"))
		}
	}
}

// BenchmarkTrickle is a sink that is fed some 6,000 events a second on sixteen partitions, with batches of a second and of five: each program with
// each, in turn. It reports the CPU seconds a million events; what the broker waits for costs nothing, so there is no other figure.
func BenchmarkTrickle(b *testing.B) {
	const partitions, each, spell, spells = 16, 75, 200 * time.Millisecond, 60
	programs := sinkPrograms(b)
	g := newBacklogOf(b, partitions)
	cpu := make(map[string][]float64)
	for b.Loop() {
		for _, age := range []string{"1s", "5s"} {
			for _, program := range programs {
				p := g.start(program, "BATCH_AGE="+age)
				if err := p.Ready(b.Context()); err != nil {
					b.Fatal(err)
				}
				before := usage(b, p)
				tick := time.NewTicker(spell)
				for range spells {
					<-tick.C
					for partition := range int32(partitions) {
						g.produce(partition, each)
					}
				}
				tick.Stop()
				took := usage(b, p).CPU - before.CPU
				if err := p.Stop(); err != nil {
					b.Fatal(err)
				}
				unit := filepath.Base(program) + ":" + age + ":CPU-s/Mevents"
				cpu[unit] = append(cpu[unit], took.Seconds()*1e6/(partitions*each*spells))
			}
		}
	}
	for unit, values := range cpu {
		b.ReportMetric(median(values), unit)
	}
}

func usage(b *testing.B, p *childprocess.Process) childprocess.Usage {
	b.Helper()
	used, err := p.Usage()
	if err != nil {
		b.Fatal(err)
	}
	return used
}

func sinkPrograms(b testing.TB) []string {
	b.Helper()
	if programs := os.Getenv(sinksVariable); programs != "" {
		return strings.Split(programs, ":")
	}
	program := filepath.Join(b.TempDir(), "waymark-sink")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/waymark-events/waymark/services/sink/cmd/waymark-sink").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return []string{program}
}

// drainBy runs a program until the backlog is in the table, and tells what it used.
func (g *backlog) drainBy(program string) childprocess.Usage {
	g.b.Helper()
	p := g.start(program)
	g.await()
	used, err := p.Usage()
	if err != nil {
		g.b.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		g.b.Fatal(err)
	}
	return used
}

// start starts a program with settings of its own.
func (g *backlog) start(program string, settings ...string) *childprocess.Process {
	g.b.Helper()
	settings = append(settings, "REGION="+region, "KAFKA_BROKERS="+g.cfg.Kafka.Brokers[0], "CLICKHOUSE_ADDRESSES="+g.cfg.ClickHouse.Addresses[0], "CLICKHOUSE_DATABASE="+g.server.Database)
	admin, err := childprocess.FreeAddresses(1)
	if err != nil {
		g.b.Fatal(err)
	}
	p := &childprocess.Process{Name: "sink", Args: []string{program}, Admin: admin[0]}
	for _, setting := range append(settings, "ADMIN="+p.Admin) {
		p.Env = append(p.Env, "WAYMARK_SINK_"+setting)
	}
	if err := p.Start(context.Background(), g.b.TempDir()); err != nil {
		g.b.Fatal(err)
	}
	return p
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
