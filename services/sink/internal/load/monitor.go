package load

import (
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

// A monitor is what one partition's parts tell how they fare: log, metrics, readiness, and whoever traces the protocol.
type monitor struct {
	topic   string
	number  string // of the partition
	log     *zap.Logger
	metrics *metrics
	// progress is told when nothing can be stored for long.
	progress *telemetry.Progress
	// step is called as the partition comes to a step of the protocol (WithTrace).
	step func(name string)
}

// newMonitor returns the monitor of a claim's partition, until end. A nil health asks nobody.
func newMonitor(claim *kafka.Claim, log *zap.Logger, metrics *metrics, health *telemetry.Health, step func(string)) *monitor {
	m := &monitor{topic: claim.Topic, number: strconv.Itoa(int(claim.Partition)), log: log, metrics: metrics, progress: new(telemetry.Progress), step: step}
	if health != nil {
		m.progress = health.Progress()
	}
	return m
}

// retried counts a step that is tried again.
func (m *monitor) retried(step string) { m.metrics.retries.WithLabelValues(step).Inc() }

// silent counts and tells of a question to ClickHouse that is asked again.
func (m *monitor) silent(step string, err error) {
	m.retried(step)
	m.progress.Failing("the "+step+" of ClickHouse", clickhouse.Brief(err))
	m.log.Warn("ClickHouse does not answer; trying again", zap.String("step", step), zap.Error(err))
}

// lag notes how many records of the log were not yet fetched, scale how much larger than set its batches are.
func (m *monitor) lag(records int64) {
	m.metrics.lag.WithLabelValues(m.topic, m.number).Set(float64(max(records, 0)))
}

func (m *monitor) scale(times float64) {
	m.metrics.scale.WithLabelValues(m.topic, m.number).Set(max(times, 1))
}

// stored counts a batch, of which some rows were withheld.
func (m *monitor) stored(b *batch, withheld int) {
	m.metrics.repeated.Add(float64(b.repeated))
	m.metrics.erased.Add(float64(withheld))
	if n := b.rows.Len() - withheld; n > 0 {
		m.metrics.rows.WithLabelValues(m.topic).Add(float64(n))
		m.metrics.age.Observe(time.Since(time.UnixMilli(b.oldest)).Seconds())
	}
}

// inserted counts an insert of so many rows, of records of so many bytes.
func (m *monitor) inserted(rows, bytes int) {
	if rows > 0 {
		m.metrics.batchRows.Observe(float64(rows))
		m.metrics.batchBytes.Observe(float64(bytes))
	}
}

// unsure says of a block that views may lack it.
func (m *monitor) unsure(b *batch) {
	m.metrics.unsureViews.Inc()
	m.log.Error("the table has a block that its materialized views may lack, and it cannot be sent again for sure under its token: compare them",
		zap.String("table", b.rows.Table()), zap.Int64("from", b.extent.from.Offset), zap.Int64("to", b.extent.to.Offset))
}

// unsureOfShare says of a batch that was in a joint batch, and was stored for itself, that views may lack rows, or have some twice: of the joint block, should
// that come yet.
func (m *monitor) unsureOfShare(b *batch) {
	m.metrics.unsureViews.Inc()
	m.log.Error("a batch was not stored together with those that it was to be: materialized views may lack rows of it, or have some twice: compare them",
		zap.String("table", b.rows.Table()), zap.Int64("from", b.extent.from.Offset), zap.Int64("to", b.extent.to.Offset))
}

// end takes the partition's gauges away.
func (m *monitor) end() {
	m.metrics.scale.DeleteLabelValues(m.topic, m.number)
	m.metrics.lag.DeleteLabelValues(m.topic, m.number)
	m.progress.End()
}
