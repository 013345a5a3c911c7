//go:build !apachekafka

package enricher

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/waymark-events/waymark/services/local/engines/broker"
)

// session is the shortest session that the brokers allow: a successor of a killed member waits for it.
const session = time.Second

func brokers(t testing.TB) []string {
	t.Helper()
	return embedded(t).ListenAddrs()
}

func embedded(t testing.TB) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0", Options: []kfake.Opt{kfake.GroupMinSessionTimeout(session)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}
