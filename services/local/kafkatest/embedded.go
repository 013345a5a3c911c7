//go:build !apachekafka

package kafkatest

import (
	"testing"

	"github.com/waymark-events/waymark/services/local/broker"
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
