//go:build !apachekafka

package erasure

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// cluster is an embedded broker, for the test alone.
func cluster(t testing.TB) string { return kafkatest.Start(t) }
