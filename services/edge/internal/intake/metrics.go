package intake

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/privacy"
)

type metrics struct {
	events    *prometheus.CounterVec
	batch     prometheus.Histogram
	notStored *prometheus.CounterVec
	ignored   *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_events_total", Help: "Events answered, by region, result (accepted, rejected, ignored) and the code of those that are not accepted.",
		}, []string{"region", "result", "reason"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_edge_batch_events", Help: "Events of a request.", Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		notStored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_not_stored_total", Help: "Events answered 503, by region and reason (kafka, spool_full, spool_disk, buffer_full, client_gone).",
		}, []string{"region", "reason"}),
	}
	m.ignored = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waymark_edge_not_collected_total", Help: "Events answered as ignored, by region and why the account's policy does not collect them (level, denied, no_consent, gpc, dnt).",
	}, []string{"region", "reason"})
	var errs []error
	for _, c := range []prometheus.Collector{m.events, m.batch, m.notStored, m.ignored} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

func (m *metrics) checked(region string, results []Result) {
	m.batch.Observe(float64(len(results)))
	for i := range results {
		m.events.WithLabelValues(region, results[i].Status, results[i].Code).Inc()
		if why := results[i].refusal; why != privacy.Collected {
			m.ignored.WithLabelValues(region, string(why)).Inc()
		}
	}
}
