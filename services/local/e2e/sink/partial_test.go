package sink

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// The end finds a stored batch whose offset is not yet committed, and behind it one that is still being filled: the first is
// acknowledged, the second is not.
func TestTheEndAcknowledgesNothingOfABatchThatIsStillFilling(t *testing.T) {
	h := newHouse(t, 1)
	h.cfg.Batch.Rows = 100
	h.cfg.Batch.Age = 5 * time.Minute
	h.cfg.Batch.FetchWait = 10 * time.Second // no idle moment, in which the first batch would be acknowledged
	h.send(0, h.some(100)...)
	s := h.start()
	kafkatest.Wait(t, h.holds(100), "a full batch")
	before := fetchedBytes(t, s.Registry)
	h.send(0, h.some(10)...)
	kafkatest.Wait(t, func() bool { return fetchedBytes(t, s.Registry) > before }, "the start of another")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if !h.holds(100)() {
		t.Fatal("the second batch was not left unfinished: the test shows nothing")
	}
	h.cfg.Batch.Age, h.cfg.Batch.FetchWait = 50*time.Millisecond, 20*time.Millisecond
	h.send(0, h.some(1)...)
	h.run(h.holds(111), "111 rows")
}

// fetchedBytes is what was fetched of the events topic.
func fetchedBytes(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	return metric(t, registry, "waymark_kafka_fetch_bytes_total")
}

// metric reads one number, of the events topic where it is told by topic.
func metric(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 0 || strings.Contains(m.String(), schemas.EnrichedTopic(region)) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}
