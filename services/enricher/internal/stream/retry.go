package stream

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

const firstPause, lastPause = 50 * time.Millisecond, 10 * time.Second

func newBackoff() *retry.Backoff { return &retry.Backoff{First: firstPause, Last: lastPause} }

// persist calls do until it succeeds, its error is not worth a retry, or ctx ends. failed hears of each failure to come
// back from.
func persist(ctx context.Context, failed func(error), do func() error) error {
	return retry.Policy{First: firstPause, Last: lastPause, Passes: kafka.Retriable, Notice: failed}.Do(ctx, do)
}

// retrying counts and logs the failures of a step that is tried again.
func retrying(m *metrics, log *zap.Logger, step string) func(error) {
	return func(err error) {
		m.retries.WithLabelValues(step).Inc()
		log.Warn("trying again", zap.String("step", step), zap.Error(err))
	}
}
