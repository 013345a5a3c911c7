package sink

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// Whatever the settings, what lives is less than half of the memory limit that follows from them, so that the collector starts when as much as that is
// garbage, and not when the limit comes near: its work does not depend on how much is in hand.
func TestTheMemoryLimitNeverBites(t *testing.T) {
	program := sinkPrograms(t)[0]
	for name, c := range map[string]struct {
		thousands int // of events on each partition
		settings  []string
	}{
		// Nothing ends a batch but the memory; all events would take 65 MiB.
		"little memory, endless batches": {20, []string{"MEMORY=16777216", "BATCH_FETCH_BYTES=262144", "BATCH_ROWS=1000000", "BATCH_BYTES=1073741824", "BATCH_AGE=5m", "INSERTS=1"}},
		"the least memory there is":      {2, []string{"MEMORY=80000", "BATCH_FETCH_BYTES=10000", "INSERTS=64"}},
	} {
		g := newBacklog(t)
		g.fill(c.thousands)
		p := g.start(program, c.settings...)
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
			if next > 0.8*limit {
				t.Errorf("%s: collections begin at %.1f MiB, and the limit is %.1f", name, next/(1<<20), limit/(1<<20))
			}
			return t.Failed() || g.rows() > uint64(500*c.thousands*backlogPartitions) // half: the last batches wait for more
		}, "rows, with %s", name)
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}
