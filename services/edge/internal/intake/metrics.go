package intake

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

type metrics struct {
	events    *prometheus.CounterVec
	batch     prometheus.Histogram
	notStored *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_events_total", Help: "Events answered, by region, result (accepted, rejected, dead) and the rejection's reason.",
		}, []string{"region", "result", "reason"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_edge_batch_events", Help: "Events of a request.", Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		notStored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_not_stored_total", Help: "Events answered 503, by region and reason (kafka, spool_full, spool_disk, buffer_full, client_gone).",
		}, []string{"region", "reason"}),
	}
	return m, telemetry.Register(reg, m.events, m.batch, m.notStored)
}

func (m *metrics) checked(region string, results []Result) {
	m.batch.Observe(float64(len(results)))
	for i := range results {
		m.events.WithLabelValues(region, results[i].Status, results[i].Code).Inc()
	}
}
