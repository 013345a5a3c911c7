package sink

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// One sink is killed after the other, each at a step of its own; the last one lives. Some rows are refused, so that the search for them
// and burying are among the steps.
func TestKillingTheSinkAtAnyStepNeitherLosesNorDoubles(t *testing.T) {
	at := func(step string, nth int64) orders { return orders{At: step, Nth: nth, Signal: syscall.SIGKILL} }
	var cases [][]orders
	for _, step := range []string{"formed", "intended", "inserting", "inserted", "burying", "buried", "stored"} {
		cases = append(cases, []orders{at(step, 1)}, []orders{at(step, 3)})
	}
	cases = append(cases, []orders{at("settled", 1)}, []orders{at("searching", 1)}, []orders{at("searching", 1), at("searching", 1), at("inserted", 1)})
	for _, step := range []string{"replaying", "readback", "confirming", "searching", "inserting", "inserted", "burying", "buried", "stored"} {
		cases = append(cases, []orders{at("stored", 1), at(step, 1)})
	}
	cases = append(cases, []orders{at("inserting", 3), at("readback", 1), at("inserted", 1)}, []orders{at("inserted", 2), at("inserting", 1), at("inserted", 2)})
	for _, delay := range []time.Duration{500 * time.Microsecond, 3 * time.Millisecond, 8 * time.Millisecond} {
		o := at("inserting", 4)
		o.Delay = delay
		cases = append(cases, []orders{o})
	}
	// Most of the time is spent waiting for the sessions of the dead to end: all wait together.
	room := make(chan struct{}, 8)
	var all sync.WaitGroup
	for _, kills := range cases {
		name := ""
		for _, k := range kills {
			name += fmt.Sprintf(" %s %d %s", k.At, k.Nth, k.Delay)
		}
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			t.Run(name, func(t *testing.T) { killAndCount(t, kills) })
		})
	}
	all.Wait()
}

func killAndCount(t *testing.T, kills []orders) {
	h := newHouse(t, 1)
	h.cfg.Batch.Rows, h.cfg.Batch.FetchBytes = 100, 10_000
	const sends, each = 6, 150
	for i := range sends {
		records := h.some(each)
		if i%3 == 0 {
			e := h.enriched()
			e.Props = []byte(`{"a":`)
			records = append(records, record(t, e))
			records[7].Value = []byte{0xff, 0xff}
		}
		h.send(0, records...)
	}
	const rows, dead = sends*each - 2, 4
	for _, k := range kills {
		h.spawn(k).killed()
	}
	last := h.spawn(orders{})
	all := func() bool {
		return h.count("SELECT count() FROM events") >= rows && h.count("SELECT count() FROM dead_events") >= dead
	}
	kafkatest.Wait(t, func() bool { return all() && h.settled(sends*each+2)() }, "all rows")
	last.end()
	if !h.holds(rows)() || h.count("SELECT count() FROM dead_events") != dead || h.count("SELECT uniqExact(offset) FROM dead_events") != dead {
		t.Errorf("%d rows of %d events and %d dead, want %d and %d", h.count("SELECT count() FROM events"),
			h.count("SELECT uniqExact(event_id) FROM events"), h.count("SELECT count() FROM dead_events"), rows, dead)
	}
}
