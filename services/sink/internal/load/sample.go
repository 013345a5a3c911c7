package load

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// sampleEvery is how often a partition reads back a batch that ClickHouse has acknowledged.
const sampleEvery = time.Minute

// sample reads an acknowledged batch back now and then: servers have reported inserts as done that were not (ClickHouse/ClickHouse#80735).
// It can only alarm. What is gone was there when it was acknowledged, or never: an operator must find out, and the records are still in
// Kafka.
func (r *readback) sample(work context.Context, d *delivery) {
	b := d.batch
	if b.letters || time.Since(r.sampled) < sampleEvery {
		return
	}
	r.sampled = time.Now()
	there, err := r.table.Held(work, b.rows.Table(), b.rows.Span())
	if err != nil {
		r.monitor.log.Warn("a batch that ClickHouse acknowledged could not be read back", zap.Error(err))
		return
	}
	held := b.among(there)
	var missing []int
	for i, ok := range held.rows {
		if _, refused := d.refused.of[i]; !ok && !refused && !d.withheld.rows[i] {
			missing = append(missing, i)
		}
	}
	r.monitor.metrics.sampled.Inc()
	if len(missing) == 0 {
		return
	}
	// A merge may have put a repetition of the event in the place of a row.
	gone, err := r.table.Gone(work, b.rows.IDs(missing))
	if err != nil || gone == 0 {
		return
	}
	r.monitor.metrics.sampledMissing.Add(float64(gone))
	r.monitor.log.Error("ClickHouse acknowledged rows that it does not have: they are still in Kafka; look at the table and its disks, and run waymarkctl audit",
		zap.Int("events", gone), zap.Int64("from", b.extent.from.Offset), zap.Int64("to", b.extent.to.Offset))
}
