package erasure

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	tombstones prometheus.Gauge
	holds      prometheus.Counter
	asOf       atomic.Int64 // Unix milliseconds
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		tombstones: prometheus.NewGauge(prometheus.GaugeOpts{Name: "waymark_erasures_tombstones", Help: "Tombstones that are obeyed."}),
		holds: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_erasures_holds_total", Help: "Times that storing waited because the tombstones could not be read lately, or not be obeyed.",
		}),
	}
	age := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "waymark_erasures_view_age_seconds", Help: "How long ago the tombstones were known to be complete. Nothing is stored above ten.",
	}, func() float64 {
		at := m.asOf.Load()
		if at <= 0 {
			return 0
		}
		return time.Since(time.UnixMilli(at)).Seconds()
	})
	var errs []error
	for _, c := range []prometheus.Collector{m.tombstones, m.holds, age} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}
