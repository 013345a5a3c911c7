package edge

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A rawTopic is a region's raw topic as the edge depends on it.
type rawTopic struct {
	topic string
	// reach tells whether events can be produced now.
	reach func(context.Context) error
	audit *topicaudit.Audit
	log   *zap.Logger
}

func newRawTopic(client *kafka.Client, topic string, batchBytes int, log *zap.Logger) *rawTopic {
	return &rawTopic{
		topic: topic, reach: client.Reach(topic), audit: topicaudit.New(client, log, topicaudit.Use{Topic: topic, BatchBytes: batchBytes}),
		log: log.With(zap.String("topic", topic)),
	}
}

// watch tells at the start whether the topic can be written to and keeps what is written: the first request is a bad moment to learn
// of it. From then on it watches the topic's configuration, until ctx ends.
func (t *rawTopic) watch(ctx context.Context) {
	backoff := retry.Backoff{First: time.Second, Last: 10 * time.Second}
	for said := false; ; said = true {
		err := t.tryReach(ctx)
		if err == nil {
			if said {
				t.log.Info("the topic can be written to")
			}
			break
		}
		if !said && ctx.Err() == nil {
			t.log.Warn("the topic cannot be written to; looking again until it can", zap.Error(err))
		}
		if backoff.Wait(ctx) != nil {
			return
		}
	}
	if err := t.audit.Start(ctx); err != nil {
		t.log.Error("the topic must be fixed; not ready until then", zap.Error(err))
	}
	t.audit.Watch(ctx)
}

func (t *rawTopic) tryReach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	return t.reach(ctx)
}

// reachTimeout bounds one look: a name server that is silent must not keep the sentence back.
const reachTimeout = 5 * time.Second
