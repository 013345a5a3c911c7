package sink

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// Whatever the settings, what lives is less than half of the memory limit that follows from them, so that the collector starts when as much as that is
// garbage, and not when the limit comes near: its work does not depend on how much is in hand.
func TestTheMemoryLimitNeverBites(t *testing.T) {
	const thousands = 5 // 17 MB of columns
	program := sinkPrograms(t)[0]
	for name, settings := range map[string][]string{
		// Nothing ends a batch but the memory.
		"little memory, endless batches": {"MEMORY=8388608", "BATCH_FETCH_BYTES=1048576", "BATCH_ROWS=1000000", "BATCH_BYTES=1073741824", "BATCH_AGE=5m", "INSERTS=1"},
		"the least memory there is":      {"MEMORY=80000", "BATCH_FETCH_BYTES=10000", "INSERTS=64"},
	} {
		g := newBacklog(t)
		g.fill(thousands)
		p := g.start(program, settings...)
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		limit, err := p.Metric("go_gc_gomemlimit_bytes")
		if err != nil {
			t.Fatal(err)
		}
		kafkatest.Wait(t, func() bool {
			// The heap at which the next collection begins: what lived at the last one, twice, unless the limit comes first.
			next, err := p.Metric("go_memstats_next_gc_bytes")
			if err != nil {
				t.Fatal(err)
			}
			if next > 0.9*limit {
				t.Errorf("%s: collections begin at %.1f MiB, and the limit is %.1f", name, next/(1<<20), limit/(1<<20))
			}
			return t.Failed() || g.rows() > 500*thousands*backlogPartitions // half: the last batches wait for more
		}, "rows, with %s", name)
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}
