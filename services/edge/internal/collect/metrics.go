package collect

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  prometheus.Histogram
	bytes    prometheus.Counter
	inFlight prometheus.Gauge
	busy     *prometheus.CounterVec
	panics   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_requests_total", Help: "Requests, by the answer's status.",
		}, []string{"code"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_edge_request_seconds", Help: "Time from a request's header to its answer, Kafka's acknowledgement included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_edge_body_bytes_total", Help: "Bytes of request bodies, decompressed.",
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "waymark_edge_in_flight_bytes", Help: "Bytes that requests under way hold.",
		}),
		busy: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_edge_busy_total", Help: "Requests that found no room and were answered 503, by whose share was used up: full (all of it), peer, anonymous, work (it waited too long for a core).",
		}, []string{"reason"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_edge_panics_total", Help: "Requests whose handling broke down, answered 500: each is a bug, whose stack is logged.",
		}),
	}
	for _, reason := range []error{errFull, errPeer, errAnonymous, errWork} {
		m.busy.WithLabelValues(reason.Error())
	}
	return m, telemetry.Register(reg, m.requests, m.seconds, m.bytes, m.inFlight, m.busy, m.panics)
}

func (m *metrics) answered(code int, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	m.seconds.Observe(took.Seconds())
}
