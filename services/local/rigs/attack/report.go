package attack

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// A report is what a run came to.
type report struct {
	before, during *traffic
	seen           []outcome
	// What the edge took up to when honest clients began, when the attack did, and when it ended.
	began, quiet, after child.Usage
	panics              float64
	// within is Config's.
	within time.Duration
}

// noise is what the 99th percentile may rise beside doubling: on few cores a garbage collection of anybody's shows.
const noise = 100 * time.Millisecond

// allowed is the 99th percentile that honest clients may notice: twice what it was, and the noise. Where others have the machine's cores, the edge's
// work takes the longer for it, and so may this.
func (r *report) allowed() time.Duration {
	if r.within > 0 {
		return r.within
	}
	stretched := max(1, r.stretch(r.quiet, r.after)/r.stretch(r.began, r.quiet))
	return time.Duration(float64(2*quantile(r.before.took, 0.99)+noise) * stretched)
}

// stretch is how much longer the edge's work took between two moments than it would have on a machine of its own.
func (*report) stretch(from, to child.Usage) float64 {
	ran, waited := to.CPU-from.CPU, to.Waited-from.Waited
	return 1 + float64(waited)/float64(max(ran, time.Millisecond))
}

// starved tells whether others had the edge's cores for more than half of the time that it had work: then its queues say how full the machine is,
// and nothing of how the edge holds.
func (r *report) starved() bool { return r.stretch(r.quiet, r.after) > 2 }

// judge says all that did not hold.
func (r *report) judge() error {
	var wrong []error
	if most := memoryLimit(); r.after.Peak > most {
		wrong = append(wrong, fmt.Errorf("the edge took %d MiB, more than %d", r.after.Peak>>20, most>>20))
	}
	if during := quantile(r.during.took, 0.99); !r.starved() && during > r.allowed() {
		wrong = append(wrong, fmt.Errorf("honest clients waited %s (99th percentile), and %s before: more than %s", during, quantile(r.before.took, 0.99), r.allowed()))
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
	milliseconds := func(t time.Duration) string { return fmt.Sprintf("%.1f", float64(t.Microseconds())/1000) }
	row("requests", func(t *traffic) any { return len(t.took) })
	row("not answered 200", func(t *traffic) any { return t.failures() })
	row("p50, ms", func(t *traffic) any { return milliseconds(quantile(t.took, 0.5)) })
	row("p99, ms", func(t *traffic) any { return milliseconds(quantile(t.took, 0.99)) })
	row("p50, p99 of a server beside it that nobody attacks, ms", func(t *traffic) any {
		return milliseconds(quantile(t.control, 0.5)) + ", " + milliseconds(quantile(t.control, 0.99))
	})
	if r.starved() {
		fmt.Fprintf(out, "\nOthers had this machine's cores: the edge's work took %.1f times as long. The percentiles are not judged.\n", r.stretch(r.quiet, r.after))
	}
	fmt.Fprintf(out, "\nAllowed p99: %s ms. Edge: crashes 0, panics %v, peak memory %d MiB (of %d allowed), %.0f s of CPU, and %.0f s of waiting for a core.\n", milliseconds(r.allowed()), r.panics, r.after.Peak>>20, memoryLimit()>>20, r.after.CPU.Seconds(), r.after.Waited.Seconds())
}
