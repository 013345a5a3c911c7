package sink

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
)

// Three visitors play a walk-thru, two of them reach a step, one completes it.
func TestAFunnelAndPropsAreAskedForInSQL(t *testing.T) {
	h := newHouse(t, 1)
	var records []event.Record
	for i, visitor := range []string{"a", "b", "c"} {
		for n, what := range []string{"play", "step", "complete"}[:3-i] {
			e := h.enriched()
			e.VisitorId, e.Event, e.ItemId, e.Props = visitor, what, "124909", []byte(`{"plan":"pro","cart":{"total":12}}`)
			e.Time += int64(n) * 1000
			e.ClientTime = e.Time
			records = append(records, record(t, e))
		}
	}
	h.send(0, records...)
	h.run(h.holds(6), "6 rows")
	got := h.row(`SELECT countIf(level >= 1) AS played, countIf(level >= 2) AS stepped, countIf(level >= 3) AS completed FROM
		(SELECT visitor_id, windowFunnel(3600000)(toUInt64(toUnixTimestamp64Milli(time)), event = 'play', event = 'step', event = 'complete') AS level
		 FROM events WHERE account_id = 'demo' AND item_type = 'walkthru' AND item_id = '124909' AND time >= now() - INTERVAL 30 DAY GROUP BY visitor_id)`)
	if diff := cmp.Diff(map[string]any{"played": uint64(3), "stepped": uint64(2), "completed": uint64(1)}, got); diff != "" {
		t.Error(diff)
	}
	got = h.row(`SELECT props.plan::String AS plan, uniq(visitor_id) AS visitors, sum(props.cart.total::Float64) AS total FROM events WHERE account_id = 'demo' GROUP BY plan`)
	if diff := cmp.Diff(map[string]any{"plan": "pro", "visitors": uint64(3), "total": float64(72)}, got); diff != "" {
		t.Error(diff)
	}
}
