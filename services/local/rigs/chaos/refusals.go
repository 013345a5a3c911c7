package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/retry"
)

// A refusal is what somebody adds to the events table, and it takes rows no more, or takes them and says no. A sink may stop itself
// with an operator's error then, and is started again until the refusal is over, as an orchestrator does.
type refusal struct {
	// add and drop are statements; %[1]s is a name, %[2]s a condition on the rows that are refused.
	add, drop []string
	// code is ClickHouse's error code of it, and class what the sink takes it for.
	class, code string
	// says is a part of the sentence of a sink that stops for it; %[1]s is the name.
	says []string
}

// conditions are on all rows, or on some.
var conditions = []string{"raw_offset >= 0", "raw_offset % 97 = 0"}

// throws is a view that throws what expression does.
func throws(expression, class, code string) refusal {
	return refusal{
		class: class, code: code,
		add: []string{
			"CREATE TABLE %[1]s (n Int32) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 1000",
			"CREATE MATERIALIZED VIEW %[1]s_view TO %[1]s AS SELECT " + expression + " AS n FROM events",
		},
		drop: []string{"DROP VIEW IF EXISTS %[1]s_view SYNC", "DROP TABLE IF EXISTS %[1]s SYNC"},
		says: []string{"%[1]s_view", storedBefore},
	}
}

var (
	// The first fails with FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, which the sink takes for one that passes; the other with CANNOT_PARSE_TEXT,
	// which is of a row's kind.
	viewThatPasses = throws("toInt32(throwIf(%[2]s))", "retriable", "395")
	viewOfRows     = throws("toInt32(if(%[2]s, visitor_id, '1'))", "row", "6")
	constraint     = refusal{
		class: "row", code: "469",
		add:  []string{"ALTER TABLE events ADD CONSTRAINT %[1]s CHECK raw_offset < 0"},
		drop: []string{"ALTER TABLE events DROP CONSTRAINT IF EXISTS %[1]s"},
		says: []string{"refuses rows though nothing is wrong with their values", storedBefore},
	}
)

// storedBefore is what a sink says when ClickHouse refuses, and does not say for whom, what the table has already.
const storedBefore = "rows that are stored in events were refused"

// patienceWithRefusal is how long a refusal waits for an insert: sinks that change their partitions make none.
const patienceWithRefusal = 20 * time.Second

// lastWords is how long after a refusal a sink may still stop for it: it finishes the batches of its other partitions first.
const lastWords = 15 * time.Second

func refuse(r refusal) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		w.await(&w.sinkCrew) // nobody starts again those that are only added for a while
		defer w.sinkCrew.Unlock()
		name, condition, lasts := fmt.Sprintf("chaos_%08x", random.Uint32()), one(random, conditions), between(random, 2*time.Second, 6*time.Second)
		t := &tolerance{}
		for _, says := range r.says {
			t.says = append(t.says, strings.ReplaceAll(says, "%[1]s", name))
		}
		w.tolerate(t, true)
		defer w.tolerate(t, false)
		err := w.whileRefusing(ctx, r, t, name, condition, lasts)
		_ = retry.Pause(ctx, lastWords)
		return fmt.Sprintf("%s for %s, a view's on rows with %s; met by an insert: %t; sinks stopped for it: %d", name, lasts, condition, t.met, t.stops.Load()), err
	}
}

// whileRefusing lets a refusal last from the first insert that meets it.
func (w *world) whileRefusing(ctx context.Context, r refusal, t *tolerance, name, condition string, lasts time.Duration) error {
	w.clickhouseFault.Lock()
	defer w.clickhouseFault.Unlock()
	var errs []error
	run := func(statements []string) {
		for _, s := range statements {
			_, err := w.sql(ctx, strings.NewReplacer("%[1]s", name, "%[2]s", condition).Replace(s))
			errs = append(errs, err)
		}
	}
	before := w.refused(r, true)
	run(r.add)
	for begin := time.Now(); time.Since(begin) < patienceWithRefusal && !t.met; {
		t.met = t.stops.Load() > 0 || w.refused(r, false) > before || retry.Pause(ctx, 200*time.Millisecond) != nil
	}
	_ = retry.Pause(ctx, lasts)
	run(r.drop)
	return errors.Join(errs...)
}

// refused counts the inserts that sinks saw fail so, since each was started. Those that another fault is at are waited for, or left out.
func (w *world) refused(r refusal, wait bool) (n float64) {
	for _, m := range w.sinks {
		if wait {
			m.mu.Lock()
		}
		if wait || m.mu.TryLock() {
			of, _ := m.Metric(fmt.Sprintf("waymark_sink_insert_failures_total{class=%q,code=%q,region=%q}", r.class, r.code, region)) // none is no such metric
			n += of
			m.mu.Unlock()
		}
	}
	return n
}

// tolerate says whether sinks may stop themselves for what t says.
func (w *world) tolerate(t *tolerance, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if on {
		w.tolerated = t
	} else {
		w.tolerated = nil
	}
}

// stopsForGoodReason tells whether m ended with an operator's error that a fault is the cause of now.
func (w *world) stopsForGoodReason(m *member, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.kind != "sink" || w.tolerated == nil || !strings.Contains(err.Error(), "stopped; nothing is lost, a restart goes on from here") {
		return false
	}
	for _, says := range w.tolerated.says {
		if strings.Contains(err.Error(), says) {
			w.tolerated.stops.Add(1)
			w.log.Info("a sink stopped with an operator's error", zap.Error(err))
			return true
		}
	}
	return false
}
