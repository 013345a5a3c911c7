package sink

import (
	"fmt"
	"testing"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A sink was away for longer than the topic keeps its records, with an intent open over offsets 0–30.
func TestWhatRetentionDeletesUnderAnOpenIntentIsReportedAndTheRestIsStoredOnce(t *testing.T) {
	for _, c := range []struct {
		start  int64 // of the log afterwards
		landed bool
		rows   int
	}{
		{12, false, 23}, // the log begins inside the intent
		{12, true, 35},
		{30, false, 5}, // at its end
		{33, true, 32}, // behind it
	} {
		t.Run(fmt.Sprintf("start %d, landed %v", c.start, c.landed), func(t *testing.T) {
			b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			h := newHouseOn(t, b.Address(), 1)
			h.send(0, h.some(30)...)
			if c.landed {
				h.run(h.holds(30), "30 rows")
			}
			h.intend(0, 30)
			h.send(0, h.some(5)...)
			if err := b.DeleteRecords(schemas.EnrichedTopic(region), 0, c.start); err != nil {
				t.Fatal(err)
			}
			s := h.start()
			kafkatest.Wait(t, h.settled(35), "the end of the log")
			if !h.holds(c.rows)() {
				t.Errorf("%d rows, want %d", h.count("SELECT count() FROM events"), c.rows)
			}
			if lost := metric(t, s.Registry, "waymark_sink_lost_to_retention_total"); lost != float64(c.start) {
				t.Errorf("%v records are reported as lost, want %d", lost, c.start)
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
