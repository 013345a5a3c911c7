//go:build !apachekafka

package pipeline

import "testing"

// brokers are none: the pipeline brings its own Kafka.
func brokers(*testing.T) []string { return nil }
