//go:build apachekafka

package kafkatest

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/apachekafka"
)

// Start returns the address of Apache Kafka's own broker. All tests of the process share it: their topics and groups must have
// names of their own.
func Start(t testing.TB) string {
	t.Helper()
	return apachekafka.Shared(t)
}
