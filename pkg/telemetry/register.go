package telemetry

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Register registers metrics with reg. The error has one of each that reg would not have. A metric that is there already is an error too: its owners
// would count apart, and only the first would be seen.
func Register(reg prometheus.Registerer, metrics ...prometheus.Collector) error {
	var errs []error
	for _, metric := range metrics {
		if err := reg.Register(metric); err != nil {
			errs = append(errs, fmt.Errorf("register metrics: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Share registers a metric that several of a process may have, and which then count together: where reg has an equal one already, that takes
// the place of metric.
func Share[C prometheus.Collector](reg prometheus.Registerer, metric *C) error {
	err := Register(reg, *metric)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if there, ok := already.ExistingCollector.(C); ok {
			*metric = there
			return nil
		}
	}
	return err
}
