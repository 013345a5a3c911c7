package stream

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

type metrics struct {
	events          *prometheus.CounterVec
	batchEvents     prometheus.Histogram
	batchBytes      prometheus.Histogram
	steps           *prometheus.HistogramVec
	age             prometheus.Histogram
	lagRecords      *prometheus.GaugeVec
	retries         *prometheus.CounterVec
	lostToRetention prometheus.Counter
	rewinds         *prometheus.CounterVec
	holes           prometheus.Counter
	bugs            prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_enricher_events_total",
			Help: "Raw events committed, by result (enriched, dead, repeated: a client's repetition, left out, erased: somebody's who was erased, left out, or not_collected: the account's policy has changed since the edge took it) and reason of death.",
		}, []string{"result", "reason"}),
		batchEvents: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_enricher_batch_events", Help: "Raw records in a fetched batch.", Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		batchBytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_enricher_batch_bytes", Help: "Bytes of enriched values in a batch, uncompressed.", Buckets: prometheus.ExponentialBuckets(1024, 4, 7),
		}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "waymark_enricher_step_seconds", Help: "Time a batch spends in each step (fetch waits for records; enrich, produce, bury, commit), and remember: a claimed partition's window is read from the enriched topic.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"step"}),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_enricher_age_seconds", Help: "Age of an event when it is enriched, since the edge received it.", Buckets: prometheus.ExponentialBuckets(0.002, 4, 11),
		}),
		lagRecords: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "waymark_enricher_lag_records", Help: "Records of the raw topic not yet fetched, by partition.",
		}, []string{"partition"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_enricher_retries_total", Help: "Failures that were tried again, by step.",
		}, []string{"step"}),
		lostToRetention: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_enricher_lost_to_retention_total", Help: "Raw records deleted by retention before they were enriched, at most.",
		}),
		rewinds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_enricher_rewinds_total", Help: "Times a partition was begun elsewhere than at an offset that this group had committed on its log, by cause: a log is another one or was cut, offsets were lost or set by other tools.",
		}, []string{"cause"}),
		holes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_enricher_holes_total", Help: "Offsets of the raw topic without a record that nothing explains: what compaction took.",
		}),
		bugs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_enricher_bugs_total", Help: "Errors of enrichment that are neither permanent nor worth a retry: bugs, which hold their partition.",
		}),
	}
	m.events.WithLabelValues("enriched", "")
	m.events.WithLabelValues("repeated", "")
	m.events.WithLabelValues("erased", "")
	m.events.WithLabelValues("not_collected", "")
	for _, cause := range causes {
		m.rewinds.WithLabelValues(cause)
	}
	for _, step := range []string{"begin", "remember", "sink", "fetch", "produce", "bury", "commit"} {
		m.retries.WithLabelValues(step)
	}
	return m, telemetry.Register(reg, m.events, m.batchEvents, m.batchBytes, m.steps, m.age, m.lagRecords, m.retries, m.lostToRetention, m.rewinds, m.holes, m.bugs)
}

func (m *metrics) step(name string, started time.Time) {
	m.steps.WithLabelValues(name).Observe(time.Since(started).Seconds())
}

func (m *metrics) enriched(b *batch, started time.Time) {
	m.step("enrich", started)
	m.batchEvents.Observe(float64(len(b.fetched.Records)))
	m.batchBytes.Observe(float64(b.bytes))
}

func (m *metrics) forwarded(b *batch) {
	m.events.WithLabelValues("enriched", "").Add(float64(len(b.fetched.Records) - len(b.dead) - b.repeated - b.erased))
	m.events.WithLabelValues("repeated", "").Add(float64(b.repeated))
	m.events.WithLabelValues("erased", "").Add(float64(b.erased))
	for _, d := range b.dead {
		if d.why.Reason == event.ReasonNotCollected {
			m.events.WithLabelValues("not_collected", "").Inc()
			continue
		}
		m.events.WithLabelValues("dead", string(d.why.Reason)).Inc()
	}
}

func (m *metrics) lag(partition int32, records int64) {
	m.lagRecords.WithLabelValues(strconv.Itoa(int(partition))).Set(float64(max(records, 0)))
}

// forget takes a partition that is no longer ours out of the lag.
func (m *metrics) forget(partition int32) {
	m.lagRecords.DeleteLabelValues(strconv.Itoa(int(partition)))
}
