package kafkatest

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
)

// A node that is gone without a word, one of several, takes no probe's time from those that answer.
func TestABrokerThatHangsHidesNoOther(t *testing.T) {
	hangs, err := net.Listen("tcp", "127.0.0.1:0") // and nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer hangs.Close()
	client := Client(t, hangs.Addr().String(), Start(t))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		t.Error(err)
	}
	if ctx.Err() != nil {
		t.Error("it took as long as it may")
	}
}

// A probe ends in its time whatever the broker keeps to itself. kafka-go's dialer waits for the answer to SASL without end.
func TestABrokerThatIsSilentAboutSASLHoldsNoProbe(t *testing.T) {
	hangs, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hangs.Close()
	client := ClientOf(t, kafka.Config{Brokers: []string{hangs.Addr().String()}, SASL: kafka.SASL{Mechanism: "PLAIN", Username: "u", Password: "p"}})
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		done <- client.Reach("t")(ctx)
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("reached")
		}
	case <-time.After(20 * time.Second):
		t.Error("the probe hangs")
	}
}

func TestReachTellsWhatIsMissing(t *testing.T) {
	address, proxy := StartProxied(t)
	client := Client(t, address)
	look := func(topics ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := client.Reach(topics...)(ctx); err != nil {
			return err.Error()
		}
		return ""
	}
	if got := look("reached"); !strings.Contains(got, "topic reached: kafka: no such topic") {
		t.Errorf("without the topic: %q", got)
	}
	Topic(t, client, "reached", 2, nil)
	if got := look("reached"); got != "" {
		t.Errorf("with the topic: %q", got)
	}
	proxy.Refuse(true)
	if got := look("reached"); !strings.Contains(got, "no broker of "+address+" answers") {
		t.Errorf("without the broker: %q", got)
	}
}

func TestAnAuditFindsWhatIsConfigured(t *testing.T) {
	client := Client(t, Start(t))
	Topic(t, client, "audited", 1, map[string]string{"cleanup.policy": "compact", "retention.bytes": "1000000"})
	audit := topicaudit.New(client, zap.NewNop(), topicaudit.Use{Topic: "audited"}, topicaudit.Use{Topic: "absent"})
	err := audit.Start(deadline(t))
	if err == nil || !strings.Contains(err.Error(), "audited has cleanup.policy=compact") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(deadline(t))
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		audit.Watch(ctx)
	}()
	if _, err := admin.ApplyTopics(deadline(t), client, []admin.TopicSpec{{Name: "audited", Partitions: 1, Config: map[string]string{"cleanup.policy": "delete"}}}); err != nil {
		t.Fatal(err)
	}
	Wait(t, func() bool { return audit.Check(ctx) == nil }, "the audit finds it fixed")
	cancel()
	<-watched
}
