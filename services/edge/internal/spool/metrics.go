package spool

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

type metrics struct {
	appended, drained, syncs prometheus.Counter
	refused                  *prometheus.CounterVec
	syncSeconds              prometheus.Histogram
	torn, corrupt, putAside  prometheus.Counter
	restored, lost           prometheus.Counter
	// oldest is the time of the oldest record that was read to be drained, Unix milliseconds.
	oldest atomic.Int64
}

func newMetrics(reg prometheus.Registerer, l *Log) (*metrics, error) {
	locked := func(read func() float64) func() float64 {
		return func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return read()
		}
	}
	m := &metrics{
		appended: prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_appended_events_total", Help: "Events written to the spool, fsynced."}),
		drained:  prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_drained_events_total", Help: "Events that went from the spool to Kafka."}),
		syncs:    prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_syncs_total", Help: "Writes of the spool, each with its fsync; requests share them."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_spool_refused_events_total", Help: "Events that the spool did not take, by reason: full, disk.",
		}, []string{"reason"}),
		syncSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_edge_spool_sync_seconds", Help: "Time of a write with its fsync.", Buckets: prometheus.ExponentialBuckets(0.0001, 3, 10),
		}),
		torn:     prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_torn_bytes_total", Help: "Bytes of writes that a crash cut off before they were acknowledged."}),
		corrupt:  prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_corrupt_bytes_total", Help: "Bytes that failed their checksum and were put aside: acknowledged events may be among them."}),
		putAside: prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_refused_records_total", Help: "Records that Kafka will never take, put aside."}),
		restored: prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_restored_events_total", Help: "Events written anew, since the spool's folder or files were taken away under the running edge."}),
		lost:     prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_lost_events_total", Help: "Accepted events that are gone, since somebody cut the spool's files."}),
	}
	for _, reason := range []string{"full", "disk"} {
		m.refused.WithLabelValues(reason)
	}
	return m, telemetry.Register(reg,
		m.appended, m.drained, m.syncs, m.refused, m.syncSeconds, m.torn, m.corrupt, m.putAside, m.restored, m.lost,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "waymark_edge_spool_bytes", Help: "Bytes of the spool's files."}, locked(func() float64 { return float64(l.bytes) })),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "waymark_edge_spool_limit_bytes", Help: "What they may become."}, func() float64 { return float64(l.Bytes) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "waymark_edge_spool_events", Help: "Events in the spool that Kafka does not have yet."}, locked(func() float64 { return float64(l.events) })),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "waymark_edge_spool_age_seconds", Help: "Age of the oldest event that waits in the spool; 0 when none does."}, locked(func() float64 {
			if l.events == 0 || m.oldest.Load() == 0 {
				return 0
			}
			return max(0, time.Since(time.UnixMilli(m.oldest.Load())).Seconds())
		})),
	)
}
