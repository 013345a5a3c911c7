//go:build apachekafka

package kafkatest

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/apachekafka"
	"github.com/waymark-events/waymark/services/local/faultproxy"
)

// Start returns the address of Apache Kafka's own broker. All tests of the process share it: their topics and groups must have
// names of their own.
func Start(t testing.TB) string {
	t.Helper()
	return apachekafka.Shared(t)
}

// StartProxied runs a broker of the test's own with a proxy before it, which it advertises; the address is the proxy's.
func StartProxied(t testing.TB) (string, *faultproxy.Proxy) {
	t.Helper()
	cluster := apachekafka.StartProxied(t, 1)
	return cluster.Brokers()[0], cluster.Proxy(0)
}
