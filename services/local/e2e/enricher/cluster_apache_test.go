//go:build apachekafka

package enricher

import (
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// session is the shortest session that the brokers allow: a successor of a killed member waits for it.
const session = 6 * time.Second

func brokers(t testing.TB) []string {
	t.Helper()
	return []string{kafkatest.Start(t)}
}
