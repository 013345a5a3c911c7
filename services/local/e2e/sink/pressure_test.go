package sink

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

func TestTooManyPartsMakeBatchesGrowAndBuryNothing(t *testing.T) {
	h := newHouse(t, 1)
	h.exec("SYSTEM STOP MERGES events")
	h.exec("ALTER TABLE events MODIFY SETTING parts_to_delay_insert = 0, parts_to_throw_insert = 2")
	s := h.start()
	for n := range 2 {
		h.send(0, h.some(10)...)
		kafkatest.Wait(t, h.holds(10*(n+1)), "part %d", n)
	}
	h.send(0, h.some(10)...)
	kafkatest.Wait(t, func() bool { return metric(t, s.Registry, "waymark_sink_batch_scale") >= 4 }, "larger batches")
	if !h.holds(20)() {
		t.Fatal("the server took a part too many: the test shows nothing")
	}
	h.exec("ALTER TABLE events MODIFY SETTING parts_to_throw_insert = 1000")
	h.exec("SYSTEM START MERGES events")
	kafkatest.Wait(t, h.holds(30), "30 rows")
	h.send(0, h.some(10)...)
	kafkatest.Wait(t, h.holds(40), "40 rows")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if n := h.count("SELECT count() FROM dead_events"); n != 0 {
		t.Errorf("%d events were buried", n)
	}
}
