//go:build apachekafka

package kafkatest

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
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

// StartAdvertising runs a broker of the test's own that listens at an address and tells clients that it is at advertised; empty: at its
// address. Create creates a topic there.
func StartAdvertising(t testing.TB, advertised string) (address string, create func(topic string, partitions int, config map[string]string)) {
	t.Helper()
	var listening, honest string
	if advertised == "" {
		honest = apachekafka.Start(t, 1).Brokers()[0]
		listening = honest
	} else {
		listening, honest = apachekafka.StartAdvertising(t, advertised)
	}
	client := Client(t, honest)
	return listening, func(topic string, partitions int, config map[string]string) {
		t.Helper()
		Topic(t, client, topic, partitions, config)
	}
}
