package sink

import (
	"strings"
	"testing"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

func TestATableChangedWhileTheSinkRunsStopsItAndBuriesNothing(t *testing.T) {
	h := newHouse(t, 1)
	h.send(0, h.some(5)...)
	s := h.start()
	kafkatest.Wait(t, h.holds(5), "5 rows")
	h.exec("ALTER TABLE events MODIFY COLUMN asn UInt64")
	h.send(0, h.some(8)...)
	kafkatest.Wait(t, func() bool { return s.Health.Ready(deadline(t)) != nil }, "not ready")
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "column asn") {
		t.Errorf("got %v, want an error about column asn", err)
	}
	h.exec("ALTER TABLE events MODIFY COLUMN asn UInt32")
	h.run(h.holds(13), "13 rows")
	if n := h.count("SELECT count() FROM dead_events"); n != 0 {
		t.Errorf("%d events were buried", n)
	}
}
