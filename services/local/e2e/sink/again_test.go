package sink

import (
	"testing"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

// setBack commits an offset without metadata, as kafka-consumer-groups --reset-offsets does.
func (h *house) setBack(offset int64) {
	h.t.Helper()
	o, err := operator.New(h.cfg.Kafka.Brokers...)
	if err != nil {
		h.t.Fatal(err)
	}
	defer o.Close()
	if err := o.SetOffset(deadline(h.t), schemas.SinkGroup(region), schemas.EnrichedTopic(region), 0, offset); err != nil {
		h.t.Fatal(err)
	}
}

// Somebody deletes rows and sets the offset back, to have them stored again. The batch has the bounds it had, and ClickHouse remembers
// its token long after it has forgotten the rows (ClickHouse/ClickHouse#61565).
func TestRowsThatWereDeletedAreStoredAgainWhenTheOffsetIsSetBack(t *testing.T) {
	for name, remove := range map[string]string{
		"lightweight delete": "DELETE FROM events WHERE raw_offset < 20",
		"mutation":           "ALTER TABLE events DELETE WHERE raw_offset < 20 SETTINGS mutations_sync = 2",
		"truncate":           "TRUNCATE TABLE events",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 1)
			h.send(0, h.some(30)...)
			h.run(h.holds(30), "30 rows")
			h.exec(remove)
			if h.holds(30)() {
				t.Fatal("nothing was deleted: the test shows nothing")
			}
			h.setBack(0)
			h.run(h.holds(30), "30 rows again")
		})
	}
}

// A group that lost its offsets asks the table: what is stored is left out, by the batch's old bounds or others.
func TestAnOffsetThatWasSetBackDoublesNothing(t *testing.T) {
	h := newHouse(t, 1)
	h.send(0, h.some(30)...)
	h.run(h.holds(30), "30 rows")
	h.setBack(7)
	h.send(0, h.some(5)...)
	h.run(h.holds(35), "35 rows")
}
