package spool

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	appended, drained, syncs prometheus.Counter
	refused                  *prometheus.CounterVec
	syncSeconds              prometheus.Histogram
	torn, corrupt, putAside  prometheus.Counter
	// oldest is the time of the oldest record that was read to be drained, Unix milliseconds.
	oldest atomic.Int64
}

func newMetrics(reg prometheus.Registerer, l *Log) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_spool_" + name, Help: help})
	}
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "waymark_edge_spool_" + name, Help: help}, read)
	}
	locked := func(read func() float64) func() float64 {
		return func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return read()
		}
	}
	m := &metrics{
		appended: counter("appended_events_total", "Events written to the spool, fsynced."),
		drained:  counter("drained_events_total", "Events that went from the spool to Kafka."),
		syncs:    counter("syncs_total", "Writes of the spool, each with its fsync; requests share them."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_spool_refused_events_total", Help: "Events that the spool did not take, by reason: full, disk.",
		}, []string{"reason"}),
		syncSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_edge_spool_sync_seconds", Help: "Time of a write with its fsync.", Buckets: prometheus.ExponentialBuckets(0.0001, 3, 10),
		}),
		torn:     counter("torn_bytes_total", "Bytes of writes that a crash cut off before they were acknowledged."),
		corrupt:  counter("corrupt_bytes_total", "Bytes that failed their checksum and were put aside: acknowledged events may be among them."),
		putAside: counter("refused_records_total", "Records that Kafka will never take, put aside."),
	}
	for _, reason := range []string{"full", "disk"} {
		m.refused.WithLabelValues(reason)
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.appended, m.drained, m.syncs, m.refused, m.syncSeconds, m.torn, m.corrupt, m.putAside,
		gauge("bytes", "Bytes of the spool's files.", locked(func() float64 { return float64(l.bytes) })),
		gauge("limit_bytes", "What they may become.", func() float64 { return float64(l.Bytes) }),
		gauge("events", "Events in the spool that Kafka does not have yet.", locked(func() float64 { return float64(l.events) })),
		gauge("age_seconds", "Age of the oldest event that waits in the spool; 0 when none does.", locked(func() float64 {
			if l.events == 0 || m.oldest.Load() == 0 {
				return 0
			}
			return max(0, time.Since(time.UnixMilli(m.oldest.Load())).Seconds())
		})),
	} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}
