package sink

import (
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// unfit is an event that ClickHouse takes nowhere: no stage of ours writes such props.
func (h *house) unfit() event.Record {
	h.t.Helper()
	e := h.enriched()
	e.Props = []byte(`{"a":`)
	return record(h.t, e)
}

// Whatever a batch is full of, its sound rows are stored with a few inserts, and do not wait.
func TestABatchOfRefusedRowsCostsAFewInserts(t *testing.T) {
	const rows = 500
	for name, sound := range map[string]func(i int) bool{
		"one sound neighbour":      func(i int) bool { return i == 321 },
		"every other row is sound": func(i int) bool { return i%2 == 0 },
		"one refused neighbour":    func(i int) bool { return i != 321 },
		"no row is sound":          func(int) bool { return false },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 1)
			var records []event.Record
			stored := 0
			for i := range rows {
				if sound(i) {
					records = append(records, h.some(1)...)
					stored++
				} else {
					records = append(records, h.unfit())
				}
			}
			h.send(0, records...)
			s := h.start()
			kafkatest.Wait(t, func() bool {
				return h.holds(stored)() && h.count("SELECT count() FROM dead_events") == rows-stored
			}, "%d rows and %d dead", stored, rows-stored)
			// A fetch may cut the 500 into two batches.
			if n := failures(t, h.registry, "row", "117"); n > 2 {
				t.Errorf("%v inserts failed, want one of each batch", n)
			}
			if n := h.count("SELECT toUInt64(max(max_block_number)) FROM system.parts WHERE database = currentDatabase() AND table = 'events'"); n > 2 {
				t.Errorf("the rows came in %d inserts, want one of each batch", n)
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			h.send(0, h.some(1)...)
			h.run(h.holds(stored+1), "the partition goes on")
		})
	}
}

// Rows that have nothing wrong, and that a constraint of the operator's refuses all the same, are found one by one.
func TestManyRowsThatAConstraintRefusesAreBuriedAndTheOthersStored(t *testing.T) {
	h := newHouse(t, 1)
	h.exec("ALTER TABLE events ADD CONSTRAINT mine CHECK item_name != 'refused'")
	var records []event.Record
	for i := range 100 {
		e := h.enriched()
		if i != 3 {
			e.ItemName = "refused"
		}
		records = append(records, record(t, e))
	}
	h.send(0, records...)
	h.run(func() bool { return h.holds(1)() && h.count("SELECT count() FROM dead_events") == 99 }, "1 row and 99 dead")
}

// The look at all values of a batch needs no right but to read and to write.
func TestARefusedRowIsFoundWithoutFurtherRights(t *testing.T) {
	h, _ := newHouseOf(t, login{}, 1)
	h.send(0, append(h.some(30), h.unfit(), h.unfit())...)
	h.run(func() bool { return h.holds(30)() && h.count("SELECT count() FROM dead_events") == 2 }, "30 rows and 2 dead")
	if n := failures(t, h.registry, "row", "117"); n != 1 {
		t.Errorf("%v inserts failed, want 1", n)
	}
}
