//go:build !apachekafka

package kafkatest

import (
	"cmp"
	"testing"

	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

// Start runs a cluster of one broker for the test and returns its address.
func Start(t testing.TB) string {
	t.Helper()
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.Address()
}

// StartProxied is Start with a proxy before the broker, which advertises it; the address is the proxy's.
func StartProxied(t testing.TB) (string, *faultproxy.Proxy) {
	t.Helper()
	var proxy *faultproxy.Proxy
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0", Advertise: func(listening string) (string, error) {
		var err error
		if proxy, err = faultproxy.Listen(listening); err != nil {
			return "", err
		}
		return proxy.Addr(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		proxy.Close()
		b.Close()
	})
	return b.Address(), proxy
}

// StartAdvertising runs a broker that listens at an address and tells clients that it is at advertised; empty: at its address. Create
// creates a topic there.
func StartAdvertising(t testing.TB, advertised string) (address string, create func(topic string, partitions int, config map[string]string)) {
	t.Helper()
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0", Advertise: func(listening string) (string, error) {
		address = listening
		return cmp.Or(advertised, listening), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return address, func(topic string, partitions int, config map[string]string) {
		t.Helper()
		if err := b.CreateTopic(topic, int32(partitions), config); err != nil {
			t.Fatal(err)
		}
	}
}
