package load

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/services/local/engines/chdb"
)

// A Report is everything that Bench measured, so that two runs can be compared.
type Report struct {
	At      time.Time
	Machine Machine
	// Revision is the commit that the binaries are of, Go what compiled them, ClickHouse libchdb's version.
	Revision, Go, ClickHouse string
	Events, Seconds          int
	Measurements             []Measurement
}

// A Machine is where it ran.
type Machine struct {
	System, Processor string
	Cores             int
	MemoryMiB         int
}

func newReport() Report {
	return Report{At: time.Now().UTC(), Machine: machine(), Revision: process.Version, Go: runtime.Version(), ClickHouse: "libchdb " + chdb.LibraryVersion}
}

// machine is read from proc(5); what is not there stays empty.
func machine() Machine {
	m := Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU()}
	m.Processor = strings.TrimLeft(field("/proc/cpuinfo", "model name"), "\t :")
	if kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimLeft(field("/proc/meminfo", "MemTotal"), " :"), " kB")); err == nil {
		m.MemoryMiB = kib >> 10
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += " " + strings.TrimSpace(string(release))
	}
	return m
}

// field is what follows a name in a file of lines.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(text), name)
	line, _, _ := strings.Cut(after, "\n")
	return line
}

// write keeps the report as JSON.
func (r Report) write(file string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// roles in the order of the path, then who is not part of it.
var roles = []string{"sender", "edge", "enricher", "sink", "Kafka", "ClickHouse"}

// header says what it is that was measured.
func (r Report) header(out io.Writer) {
	fmt.Fprintf(out, "%s, revision %s, %s, %s; %s, %d cores (%s), %d MiB.\n", r.At.Format(time.DateTime), r.Revision, r.Go, r.ClickHouse,
		r.Machine.System, r.Machine.Cores, r.Machine.Processor, r.Machine.MemoryMiB)
}

// tables prints what was measured as Markdown.
func (r Report) tables(out io.Writer) {
	fmt.Fprint(out, "\nCPU seconds per million events, of every process; `rig` is what measuring itself took, and in no sum. `starved` is how much of the time a thread that\ncould run had no core, in percent: rates and latencies of a starved stage tell little.\n\n")
	row(out, append(append([]string{"case", "stage", "events", "events/s"}, roles...), "all", "rig", "starved", "load")...)
	align(out, 2, 12)
	r.each(func(m Measurement, s Stage) {
		cells := []string{m.Case, s.Name, strconv.Itoa(s.Events), fmt.Sprintf("%.0f", float64(s.Events)/s.Seconds)}
		for _, role := range roles {
			cells = append(cells, some(s.per(s.Costs[role].CPU), s.Costs[role].Processes, "%.1f"))
		}
		row(out, append(cells, fmt.Sprintf("%.1f", s.per(s.Costs.cpu())), fmt.Sprintf("%.1f", s.per(s.Costs[roleRig].CPU)), fmt.Sprintf("%.0f", s.Costs.starved()), m.Load)...)
	})
	fmt.Fprint(out, "\nAllocations and allocated bytes an event, of who counts them; peak memory of one process, MiB.\n\n")
	counted := []string{"sender", "edge", "enricher", "sink"}
	row(out, append(append(append([]string{"case", "stage"}, prefixed("allocations: ", counted)...), prefixed("bytes: ", counted)...), prefixed("peak: ", roles)...)...)
	align(out, 2, 2*len(counted)+len(roles))
	r.each(func(m Measurement, s Stage) {
		cells := []string{m.Case, s.Name}
		for _, role := range counted {
			cells = append(cells, some(s.Costs[role].Mallocs/float64(s.Events), s.Costs[role].Processes, "%.1f"))
		}
		for _, role := range counted {
			cells = append(cells, some(s.Costs[role].Allocated/float64(s.Events), s.Costs[role].Processes, "%.0f"))
		}
		for _, role := range roles {
			cells = append(cells, some(float64(s.Costs[role].Peak)/(1<<20), s.Costs[role].Processes, "%.0f"))
		}
		row(out, cells...)
	})
	fmt.Fprint(out, "\nWhat ClickHouse made of them; rows of all tables, those of the model included.\n\n")
	row(out, "case", "stage", "inserts", "parts made", "rows stored an event", "merges", "rows merged an event", "merging afterwards, s")
	align(out, 2, 6)
	r.each(func(m Measurement, s Stage) {
		if s.House.Inserts > 0 || s.House.Parts > 0 {
			row(out, m.Case, s.Name, fmt.Sprintf("%.0f", s.House.Inserts), fmt.Sprintf("%.0f", s.House.Parts), fmt.Sprintf("%.2f", s.House.Rows/float64(s.Events)),
				fmt.Sprintf("%.0f", s.House.Merges), fmt.Sprintf("%.2f", s.House.MergedRows/float64(s.Events)), fmt.Sprintf("%.1f", s.Rest))
		}
	})
	fmt.Fprint(out, "\nBytes on disk an event, events a request, and how long until SQL finds an event, ms.\n\n")
	row(out, "case", "table events", "model", "raw log", "enriched log", "events a request", "accepted → insert p50", "p99", "sent → SQL p50", "p99")
	align(out, 1, 9)
	for _, m := range r.Measurements {
		n := float64(max(m.Events, 1))
		cells := []string{m.Case}
		for _, bytes := range []int64{m.Disk.Events, m.Disk.Model, m.Disk.Raw, m.Disk.Enriched} {
			cells = append(cells, fmt.Sprintf("%.1f", float64(bytes)/n))
		}
		cells = append(cells, fmt.Sprintf("%.1f", n/float64(max(m.Requests, 1))))
		if f := m.Freshness; f != nil {
			for _, ms := range []float64{f.RowsP50, f.RowsP99, f.P50, f.P99} {
				cells = append(cells, fmt.Sprintf("%.0f", ms))
			}
		} else {
			cells = append(cells, slices.Repeat([]string{"–"}, 4)...)
		}
		row(out, cells...)
	}
}

func (r Report) each(do func(Measurement, Stage)) {
	for _, m := range r.Measurements {
		for _, s := range m.Stages {
			do(m, s)
		}
	}
}

// some is a number of those that took part.
func some(x float64, processes int, format string) string {
	if processes == 0 {
		return "–"
	}
	return fmt.Sprintf(format, x)
}

func prefixed(prefix string, names []string) (out []string) {
	for _, n := range names {
		out = append(out, prefix+n)
	}
	return out
}

func row(out io.Writer, cells ...string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }

// align begins a table: words on the left, numbers on the right.
func align(out io.Writer, words, numbers int) {
	fmt.Fprintln(out, "|"+strings.Repeat("---|", words)+strings.Repeat("---:|", numbers))
}
