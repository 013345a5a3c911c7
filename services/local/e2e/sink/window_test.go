package sink

import (
	"fmt"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
)

// forget makes the table's deduplication window one block, and has another block push out what it remembered.
func (h *house) forget() {
	h.t.Helper()
	h.exec("ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 1")
	h.strangers++
	h.exec(fmt.Sprintf("INSERT INTO events (event_id, account_id, time, raw_topic_id, raw_partition, raw_offset) VALUES (generateUUIDv4(), 'stranger', now64(3), generateUUIDv4(), 1000, %d)", h.strangers))
}

// ours tells whether the table has n rows, without FINAL, of as many events, beside those of forget.
func (h *house) ours(n int) func() bool {
	return func() bool { return h.holds(n + h.strangers)() }
}

// overTwoMonths makes n events, every second of which happened in another month.
func (h *house) overTwoMonths(n int) []event.Record {
	out := make([]event.Record, n)
	for i := range out {
		e := h.enriched()
		if i%2 == 0 {
			e.Time = time.Now().AddDate(0, -1, -4).UnixMilli()
		}
		out[i] = record(h.t, e)
	}
	return out
}

// A view that counts what it was given: it shows whether a block reached it once.
const view = `CREATE MATERIALIZED VIEW seen ENGINE = MergeTree ORDER BY raw_offset SETTINGS non_replicated_deduplication_window = 100
	AS SELECT raw_offset, account_id FROM events`

func TestAnOpenIntentIsCompletedOnceBeyondTheDeduplicationWindow(t *testing.T) {
	for name, c := range map[string]struct {
		landed  int // of the 50 rows, the first
		forgets bool
	}{
		"nothing landed": {0, false}, "nothing landed, long ago": {0, true},
		"all landed": {50, false}, "all landed, long ago": {50, true},
		"a half landed": {25, false}, "a half landed, long ago": {25, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 1)
			records := h.some(50)
			if c.landed > 0 {
				h.send(0, records[:c.landed]...)
				h.run(h.holds(c.landed), "what landed")
				h.send(0, records[c.landed:]...)
			} else {
				h.send(0, records...)
			}
			if c.forgets {
				h.forget()
			}
			// The rows landed, and the sink died before the next commit.
			h.intend(0, 50)
			h.send(0, h.some(7)...)
			h.run(h.ours(57), "57 rows")
		})
	}
}

func TestABatchOfWhichOneMonthLandedIsCompleted(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		t.Run(fmt.Sprintf("long ago %v", forgets), func(t *testing.T) {
			h := newHouse(t, 1)
			h.send(0, h.overTwoMonths(40)...)
			h.run(h.holds(40), "40 rows")
			// ClickHouse died between the parts of the two months.
			h.exec(fmt.Sprintf("ALTER TABLE events DROP PARTITION %s", time.Now().AddDate(0, -1, -4).UTC().Format("200601")))
			if !h.holds(20)() {
				t.Fatal("the older month was not dropped: the test shows nothing")
			}
			if forgets {
				h.forget()
			} else {
				// The window forgets the dropped part's token, as if the part had never been.
				h.exec("ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 100")
			}
			h.intend(0, 40)
			h.run(h.ours(40), "40 rows")
		})
	}
}

func TestAReplayDoesNotDoubleAMaterializedView(t *testing.T) {
	h := newHouse(t, 1)
	h.exec(view)
	h.send(0, h.some(50)...)
	h.run(h.holds(50), "50 rows")
	for _, forgets := range []bool{false, true} {
		if forgets {
			h.forget()
		}
		h.intend(0, 50)
		h.run(h.settled(50), "the replay")
		if n := h.count("SELECT count() FROM seen WHERE account_id != 'stranger'"); n != 50 || !h.ours(50)() {
			t.Errorf("forgotten %v: the view was given %d rows, the table holds 50: %v", forgets, n, h.ours(50)())
		}
	}
}

// settled tells whether the group has committed offset and has no intent.
func (h *house) settled(offset int64) func() bool {
	return func() bool {
		lag, err := admin.Lag(deadline(h.t), h.client, schemas.SinkGroup(region), schemas.EnrichedTopic(region))
		if err != nil {
			h.t.Fatal(err)
		}
		state, err := checkpoint.ParseSink(lag[0].Metadata, lag[0].Committed)
		return err == nil && lag[0].Committed == offset && state.Next == 0
	}
}
