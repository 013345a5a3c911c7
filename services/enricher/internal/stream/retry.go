package stream

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

func newBackoff() *retry.Backoff {
	return &retry.Backoff{First: 50 * time.Millisecond, Last: 10 * time.Second}
}

// persist calls do until it succeeds, its error is not worth a retry, or ctx ends. failed hears of each failure to come
// back from.
func persist(ctx context.Context, failed func(error), do func() error) error {
	pause := newBackoff()
	for {
		err := do()
		if err == nil || ctx.Err() != nil || !kafka.Retriable(err) {
			return err
		}
		failed(err)
		if pause.Wait(ctx) != nil {
			return err
		}
	}
}

// watchRetries counts and logs the failures of a step.
func (s *Stream) watchRetries(step string, log *zap.Logger) func(error) {
	return func(err error) {
		s.metrics.retries.WithLabelValues(step).Inc()
		log.Warn("trying again", zap.String("step", step), zap.Error(err))
	}
}
