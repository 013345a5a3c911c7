package attack

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// A report is what a run came to.
type report struct {
	before, during *traffic
	seen           []outcome
	peak           int64 // bytes of resident memory, at its highest
	cpu            time.Duration
	panics         float64
}

// noise is what the 99th percentile may rise beside doubling: attackers, honest clients, Kafka and the edge share the machine's cores, and on
// two of them a garbage collection of any shows.
const noise = 100 * time.Millisecond

// judge says all that did not hold.
func (r *report) judge() error {
	var wrong []error
	if most := memoryLimit(); r.peak > most {
		wrong = append(wrong, fmt.Errorf("the edge took %d MiB, more than %d", r.peak>>20, most>>20))
	}
	before, during := r.before.quantile(0.99), r.during.quantile(0.99)
	if during > 2*before+noise {
		wrong = append(wrong, fmt.Errorf("honest clients waited %s (99th percentile), and %s before: more than twice that and %s", during, before, noise))
	}
	for name, t := range map[string]*traffic{"before": r.before, "during": r.during} {
		if n := t.failures(); n*1000 > len(t.took) { // one of a thousand may meet a connection that is just closed
			wrong = append(wrong, fmt.Errorf("%s the attack %d of %d honest requests were not answered 200: %v", name, n, len(t.took), t.failed))
		}
	}
	if r.panics > 0 {
		wrong = append(wrong, fmt.Errorf("%v requests broke the edge's handling of them", r.panics))
	}
	for i := range r.seen {
		if r.seen[i].Tries == 0 {
			wrong = append(wrong, fmt.Errorf("the attack %q was never made", r.seen[i].Name))
		}
		if n := r.seen[i].Answers["500"]; n > 0 {
			wrong = append(wrong, fmt.Errorf("the attack %q was answered 500, %d times", r.seen[i].Name, n))
		}
	}
	return errors.Join(wrong...)
}

// print writes two Markdown tables.
func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "| attack | tries | what became of them |\n|---|---:|---|\n")
	for i := range r.seen {
		o := &r.seen[i]
		var answers []string
		for _, answer := range slices.Sorted(maps.Keys(o.Answers)) {
			answers = append(answers, fmt.Sprintf("%s: %d", answer, o.Answers[answer]))
		}
		fmt.Fprintf(out, "| %s | %d | %s |\n", o.Name, o.Tries, strings.Join(answers, ", "))
	}
	fmt.Fprintf(out, "\n| honest clients | before | during |\n|---|---:|---:|\n")
	row := func(what string, of func(*traffic) any) {
		fmt.Fprintf(out, "| %s | %v | %v |\n", what, of(r.before), of(r.during))
	}
	milliseconds := func(q float64) func(*traffic) any {
		return func(t *traffic) any { return fmt.Sprintf("%.1f", float64(t.quantile(q).Microseconds())/1000) }
	}
	row("requests", func(t *traffic) any { return len(t.took) })
	row("not answered 200", func(t *traffic) any { return t.failures() })
	row("p50, ms", milliseconds(0.5))
	row("p99, ms", milliseconds(0.99))
	fmt.Fprintf(out, "\nEdge: crashes 0, panics %v, peak memory %d MiB (of %d allowed), %.0f s of CPU.\n", r.panics, r.peak>>20, memoryLimit()>>20, r.cpu.Seconds())
}
