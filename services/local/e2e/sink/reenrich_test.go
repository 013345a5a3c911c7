package sink

import (
	"testing"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
)

// A re-enrichment sets the enricher back and raises the epoch: what it makes of an event again replaces the row there is, without FINAL.
func TestWhatIsEnrichedAgainReplacesItsRowsAndDoublesNone(t *testing.T) {
	h := newHouse(t, 1)
	var again []event.Record
	for i := range 60 {
		e := h.enriched()
		e.City = "before"
		h.send(0, record(t, e))
		if i == 33 { // by today's rules it is dropped
			continue
		}
		if i >= 20 {
			e.City, e.Epoch = "after", 1
			e.ItemName = "a name that was corrected"
			again = append(again, record(t, e))
		}
	}
	h.run(h.holds(60), "60 rows")
	cities := func() map[string]any {
		return h.row("SELECT countIf(city = 'before') AS before, countIf(city = 'after') AS after, uniqExact(raw_offset) AS offsets FROM events")
	}
	want := func(before, after uint64) func() bool {
		return func() bool {
			got := cities()
			return got["before"] == before && got["after"] == after && got["offsets"] == before+after
		}
	}
	h.send(0, again[:10]...) // offsets 20–29
	h.run(want(50, 10), "10 rows replaced")
	h.send(0, again[10:]...)
	h.run(want(20, 39), "39 rows replaced, one gone")
	// The sink died after its insert, and replays it.
	h.intend(70, 99, checkpoint.Mark{Source: checkpoint.Source{Topic: h.raw, Epoch: 1, Offset: 29}, Superseded: 60, Fed: 0, Doubt: checkpoint.Nowhere(h.raw)})
	more := h.some(5)
	h.send(0, more...) // the old epoch's: a repetition from before
	h.run(h.settled(104), "the replay")
	if !want(20, 39)() {
		t.Errorf("got %v", cities())
	}
}
