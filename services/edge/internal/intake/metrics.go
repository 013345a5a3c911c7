package intake

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/privacy"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

type metrics struct {
	events    *prometheus.CounterVec
	batch     prometheus.Histogram
	notStored *prometheus.CounterVec
	limited   *prometheus.CounterVec
	// refusedKeys are requests whose key is none, unknown, or not to be used so.
	refusedKeys *prometheus.CounterVec
	ignored     *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_events_total", Help: "Events answered, by region, result (accepted, rejected, dead, dropped, ignored) and the reason of what is not accepted.",
		}, []string{"region", "result", "reason"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_edge_batch_events", Help: "Events of a request.", Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		notStored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_not_stored_total", Help: "Events answered 503, by region and reason (kafka, spool_full, spool_disk, buffer_full, client_gone).",
		}, []string{"region", "reason"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_limited_total", Help: "Requests answered 429, by limit (client_requests, client_events, key_rate, account_rate, key_quota, account_quota).",
		}, []string{"limit"}),
		refusedKeys: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_refused_keys_total",
			Help: "Requests refused for their write key, by reason (none, unknown, early, expired, server_key_in_page, no_origin, other_origin).",
		}, []string{"reason"}),
	}
	m.ignored = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waymark_edge_not_collected_total", Help: "Events answered as ignored, by region and why the account's policy does not collect them (level, denied, no_consent, gpc, dnt).",
	}, []string{"region", "reason"})
	for _, limit := range []string{"client_requests", "client_events", "key_rate", "account_rate", "key_quota", "account_quota"} {
		m.limited.WithLabelValues(limit)
	}
	for _, reason := range []string{"none", "unknown", "early", "expired", "server_key_in_page", "no_origin", "other_origin"} {
		m.refusedKeys.WithLabelValues(reason)
	}
	return m, telemetry.Register(reg, m.events, m.batch, m.notStored, m.limited, m.refusedKeys, m.ignored)
}

// checked counts a request's results: mostly all of one kind, whose counter is looked for once.
func (m *metrics) checked(region string, results []Result) {
	m.batch.Observe(float64(len(results)))
	for i := 0; i < len(results); {
		first, n := &results[i], 0
		for ; i < len(results) && results[i].Status == first.Status && results[i].Code == first.Code; i++ {
			n++
		}
		m.events.WithLabelValues(region, first.Status, first.Code).Add(float64(n))
	}
	for i := range results {
		if why := results[i].refusal; why != privacy.Collected {
			m.ignored.WithLabelValues(region, string(why)).Inc()
		}
	}
}
