package sink

import (
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/schemas"
)

// given makes a dead record of what failed at an offset of the raw topic.
func (h *house) given(offset int64, at int64) event.Record {
	h.t.Helper()
	message := event.Dead{Reason: "malformed_json", Stage: "decode", Region: region, Topic: schemas.RawTopic(region), Partition: 3, Offset: offset, FailedAt: at}
	value, err := message.MarshalVT()
	if err != nil {
		h.t.Fatal(err)
	}
	return event.Record{Timestamp: at, Key: []byte("demo|v"), Value: value}
}

func (h *house) bury(records ...event.Record) {
	h.t.Helper()
	if _, err := h.producer.Produce(deadline(h.t), schemas.DeadTopic(region), 0, records); err != nil {
		h.t.Fatal(err)
	}
}

// An enricher that dies between a dead record and its commit writes it again, later and perhaps in another month.
func TestWhatWasGivenUpTwiceIsOneDeadRow(t *testing.T) {
	const june, july = 1_780_000_000_000, 1_784_000_000_000
	h := newHouse(t, 1)
	dead := func(n int) func() bool {
		return func() bool {
			return h.count("SELECT count() FROM dead_events") == n && h.count("SELECT uniqExact(offset) FROM dead_events") == n
		}
	}
	h.bury(h.given(1, june), h.given(2, june), h.given(1, july), h.given(2, july), h.given(3, july))
	h.run(dead(3), "3 rows of one batch")
	h.bury(h.given(3, july), h.given(2, july), h.given(4, july))
	h.run(dead(4), "a repetition in a later batch")
	// It was stored in June, when it first failed.
	if n := h.count("SELECT count() FROM dead_events WHERE failed_at < fromUnixTimestamp64Milli(1782000000000)"); n != 2 {
		t.Errorf("%d rows are of June, want the first of each repetition", n)
	}
	// The same batch again, as a sink finds it that died before its commit.
	h.intendOn(schemas.DeadTopic(region), 5, 8)
	h.bury(h.given(5, july))
	h.run(dead(5), "a replay")
}
