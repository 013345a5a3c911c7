package stream

import (
	"time"

	"go.uber.org/zap"
)

// A monitor is what a claim's parts tell how they fare: log, metrics, and the two checks of readiness.
type monitor struct {
	partition int32
	log       *zap.Logger
	metrics   *metrics
	held      *held
	progress  *progress
}

// retrying counts and logs the failures of a step that is tried again.
func (m *monitor) retrying(step string) func(error) { return retrying(m.metrics, m.log, step) }

// moved says that the partition is alive.
func (m *monitor) moved() { m.progress.touch(m.partition, time.Now()) }

// end takes the partition out of metrics and readiness.
func (m *monitor) end() {
	m.progress.forget(m.partition)
	m.held.release(m.partition)
	m.metrics.forget(m.partition)
}
