package sink

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/sink"
)

// The end finds a stored batch whose offset is not yet committed, and behind it one that is still being filled: the first is
// acknowledged, the second is not.
func TestTheEndAcknowledgesNothingOfABatchThatIsStillFilling(t *testing.T) {
	h := newHouse(t, 1)
	h.cfg.Batch.Rows = 100
	h.cfg.Batch.Age = 5 * time.Minute
	h.cfg.Batch.FetchBytes = 10_000 // some of the records at a time
	h.cfg.Batch.FetchWait = 10 * time.Second
	for range 24 {
		h.send(0, h.some(10)...)
	}
	registry := prometheus.NewRegistry()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- sink.Run(ctx, h.cfg, telemetry.Telemetry{Log: zap.NewNop(), Registry: registry, Health: new(telemetry.Health)})
	}()
	kafkatest.Wait(t, func() bool {
		behind, ok := lag(t, registry)
		return ok && behind == 0 && h.count("SELECT count() FROM events") >= 100
	}, "everything fetched and a full batch stored")
	stored := h.count("SELECT count() FROM events")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if stored == 240 {
		t.Fatal("no batch was left unfinished: the test shows nothing")
	}
	h.cfg.Batch.Age, h.cfg.Batch.FetchWait = 50*time.Millisecond, 20*time.Millisecond
	h.run(h.holds(240), "all rows")
}

// lag is what the sink says of the events topic's partition 0.
func lag(t *testing.T, registry *prometheus.Registry) (records float64, ok bool) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "waymark_sink_lag_records" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "topic" && l.GetValue() == schemas.EnrichedTopic(region) {
					return m.GetGauge().GetValue(), true
				}
			}
		}
	}
	return 0, false
}
