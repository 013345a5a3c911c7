//go:build apachekafka

package erasure

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
)

// cluster is a broker of Apache Kafka's own, for the test alone: the topics of all tests have the same names.
func cluster(t testing.TB) string { return apachekafka.StartWith(t, 1).Brokers()[0] }
