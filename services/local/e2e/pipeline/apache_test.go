//go:build apachekafka

package pipeline

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
)

// brokers are Apache Kafka's own.
func brokers(t *testing.T) []string { return []string{apachekafka.Shared(t)} }
