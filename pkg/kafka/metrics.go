package kafka

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

type metrics struct {
	produceRequests *prometheus.CounterVec
	produceBytes    *prometheus.CounterVec
	produceSeconds  prometheus.Histogram
	produceRetries  prometheus.Counter
	produceSplits   *prometheus.CounterVec
	producerResets  *prometheus.CounterVec
	unsureResends   prometheus.Counter
	buffered        prometheus.Gauge
	fetchBytes      *prometheus.CounterVec
	fetchErrors     *prometheus.CounterVec
	generations     *prometheus.CounterVec
	commits         *prometheus.CounterVec
}

// newMetrics registers the package's metrics with reg. Clients of one registry share them.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		produceRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_kafka_produce_requests_total", Help: "Record batches sent, each try of one, by topic and result (ok, error).",
		}, []string{"topic", "result"}),
		produceBytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_kafka_produce_bytes_total", Help: "Bytes of record batches acknowledged, as sent.",
		}, []string{"topic"}),
		produceSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_kafka_produce_seconds", Help: "Time from a record batch that is ready to be sent to its acknowledgement by all in-sync replicas.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		produceRetries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_kafka_produce_retries_total", Help: "Record batches sent again.",
		}),
		produceSplits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_kafka_produce_splits_total",
			Help: "Calls whose records were sent again in parts, since a batch was larger than its topic takes: its max.message.bytes is below producer.max_batch_bytes.",
		}, []string{"topic"}),
		producerResets: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_kafka_producer_resets_total",
			Help: "Times a partition's batches were numbered anew, by reason: abandoned (given up with its outcome unknown), " +
				"out_of_order, duplicate, unknown_id, fenced (the leader's state differs from the producer's).",
		}, []string{"reason"}),
		unsureResends: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_kafka_producer_unsure_resends_total",
			Help: "Batches numbered anew and sent again though an earlier try may have been stored: each may be in its topic twice.",
		}),
		buffered: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "waymark_kafka_buffered_bytes", Help: "Records taken by Send and not yet acknowledged.",
		}),
		fetchBytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_kafka_fetch_bytes_total", Help: "Bytes of record batches fetched, as received.",
		}, []string{"topic"}),
		fetchErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_kafka_fetch_errors_total", Help: "Fetch requests that failed.",
		}, []string{"topic"}),
		generations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_kafka_group_generations_total", Help: "Generations joined: each is a rebalance this member took part in.",
		}, []string{"group"}),
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_kafka_commits_total", Help: "Offset commits, by result (ok, fenced, error).",
		}, []string{"group", "result"}),
	}
	return m, errors.Join(
		telemetry.Share(reg, &m.produceRequests), telemetry.Share(reg, &m.produceBytes), telemetry.Share(reg, &m.produceSeconds),
		telemetry.Share(reg, &m.produceRetries), telemetry.Share(reg, &m.produceSplits), telemetry.Share(reg, &m.producerResets),
		telemetry.Share(reg, &m.unsureResends), telemetry.Share(reg, &m.buffered), telemetry.Share(reg, &m.fetchBytes),
		telemetry.Share(reg, &m.fetchErrors), telemetry.Share(reg, &m.generations), telemetry.Share(reg, &m.commits),
	)
}
