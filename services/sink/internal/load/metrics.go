package load

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

type metrics struct {
	rows           *prometheus.CounterVec
	repeated       prometheus.Counter
	erased         prometheus.Counter
	dead           *prometheus.CounterVec
	batchRows      prometheus.Histogram
	batchBytes     prometheus.Histogram
	insertSeconds  prometheus.Histogram
	age            prometheus.Histogram
	lag            *prometheus.GaugeVec
	scale          *prometheus.GaugeVec
	retries        *prometheus.CounterVec
	failures       *prometheus.CounterVec
	replays        prometheus.Counter
	lost           prometheus.Counter
	holes          prometheus.Counter
	resumed        prometheus.Counter
	joint          prometheus.Counter
	dissolved      prometheus.Counter
	unsureViews    prometheus.Counter
	sampled        prometheus.Counter
	sampledMissing prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_sink_rows_total", Help: "Rows that ClickHouse acknowledged, by topic they came from.",
		}, []string{"topic"}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_sink_repeated_total", Help: "Enriched records left out because an enricher had written them twice.",
		}),
		erased: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_sink_erased_total", Help: "Rows left out because somebody was erased.",
		}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_sink_dead_total", Help: "Records that made no row, by reason.",
		}, []string{"reason"}),
		batchRows: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_sink_batch_rows", Help: "Rows of an insert.", Buckets: prometheus.ExponentialBuckets(1, 4, 10),
		}),
		batchBytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_sink_batch_bytes", Help: "Bytes of an insert's records.", Buckets: prometheus.ExponentialBuckets(1024, 4, 10),
		}),
		insertSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_sink_insert_seconds", Help: "Time of an insert that succeeded.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waymark_sink_age_seconds", Help: "From the edge's receipt of a batch's oldest event to its row in ClickHouse.", Buckets: prometheus.ExponentialBuckets(0.05, 2, 18),
		}),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "waymark_sink_lag_records", Help: "Records of a partition not yet fetched.",
		}, []string{"topic", "partition"}),
		scale: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "waymark_sink_batch_scale", Help: "How many times larger than set a partition's batches are, since ClickHouse reported too many parts.",
		}, []string{"topic", "partition"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_sink_retries_total", Help: "Steps tried again, by step (fetch, commit, insert, readback, bury).",
		}, []string{"step"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_sink_insert_failures_total", Help: "Inserts that failed, by class (retriable, operator, row) and ClickHouse's error code.",
		}, []string{"class", "code"}),
		replays: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_sink_replays_total", Help: "Open intents found and completed.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waymark_sink_lost_to_retention_total", Help: "Offsets deleted by the topic's retention before they were stored.",
		}),
	}
	m.holes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_sink_holes_total", Help: "Offsets without a record that no transaction explains, as compaction leaves them.",
	})
	m.resumed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_sink_resumed_total", Help: "Claims that could not go on at the committed offset: the log or the group's memory had changed.",
	})
	m.joint = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_sink_joint_inserts_total", Help: "Inserts that stored batches of several partitions together.",
	})
	m.dissolved = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_sink_joint_dissolved_total", Help: "Joint batches that were not stored together, so that each partition's went on alone.",
	})
	m.unsureViews = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_sink_views_unsure_total", Help: "Blocks that are in their table and may be missing in its materialized views.",
	})
	m.sampled = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_sink_sampled_total", Help: "Batches read back though ClickHouse had acknowledged them.",
	})
	m.sampledMissing = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waymark_sink_sampled_missing_total", Help: "Events of such batches that ClickHouse did not have.",
	})
	return m, telemetry.Register(reg, m.rows, m.repeated, m.erased, m.dead, m.batchRows, m.batchBytes, m.insertSeconds, m.age, m.lag, m.scale, m.retries, m.failures, m.replays, m.lost,
		m.holes, m.resumed, m.joint, m.dissolved, m.unsureViews, m.sampled, m.sampledMissing)
}
