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
func (p *partition) sample(work context.Context, b *batch) {
	if time.Since(p.sampled) < sampleEvery || p.claim.Topic == p.DeadTopic {
		return
	}
	p.sampled = time.Now()
	there, err := p.db.Held(work, b.rows.Table(), b.rows.Span())
	if err != nil {
		p.log.Warn("a batch that ClickHouse acknowledged could not be read back", zap.Error(err))
		return
	}
	held := b.among(there)
	var missing []int
	for i, ok := range held.rows {
		if _, refused := b.refused[i]; !ok && !refused {
			missing = append(missing, i)
		}
	}
	p.metrics.sampled.Inc()
	if len(missing) == 0 {
		return
	}
	// A merge may have put a repetition of the event in the place of a row.
	gone, err := p.db.Gone(work, b.rows.IDs(missing))
	if err != nil || gone == 0 {
		return
	}
	p.metrics.sampledMissing.Add(float64(gone))
	p.log.Error("ClickHouse acknowledged rows that it does not have: they are still in Kafka; look at the table and its disks, and run waymarkctl audit",
		zap.Int("events", gone), zap.Int64("from", b.from.Offset), zap.Int64("to", b.to.Offset))
}
