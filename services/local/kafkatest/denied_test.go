//go:build !apachekafka

package kafkatest

import (
	"context"
	"errors"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/local/engines/broker"
)

func TestGroupEndsWhereTheRightToJoinIsMissing(t *testing.T) {
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		resp := req.ResponseKind().(*kmsg.JoinGroupResponse)
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return resp, nil, true
	})
	client := Client(t, b.Address())
	Topic(t, client, "denied", 1, nil)
	cfg := kafka.DefaultGroupConfig()
	cfg.ID, cfg.Topics = "denied", []string{"denied"}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err = client.RunGroup(ctx, cfg, func(context.Context, *kafka.Claim) error {
		t.Error("a partition was handed out")
		return nil
	})
	if !errors.Is(err, kafkago.GroupAuthorizationFailed) {
		t.Errorf("got %v", err)
	}
}
