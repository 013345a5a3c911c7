package enricher

import (
	"strings"
	"testing"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A group whose only topic is deleted waits for it, and serves it when it is made anew.
func TestARawTopicMadeAnewIsServedAgain(t *testing.T) {
	const partitions, perRound = 4, 5
	w := newWorld(t, partitions)
	s := start(t, w.config())
	sent := 0.0
	round := func() {
		t.Helper()
		for p := range int32(partitions) {
			w.send(t, p, numbered(perRound)...)
			sent += perRound
		}
		kafkatest.Wait(t, func() bool { return s.metric(t, "waymark_enricher_events_total") >= sent }, "%v events", sent)
	}
	round()
	for range 2 {
		kafkatest.DeleteTopic(t, w.brokers[0], w.raw)
		kafkatest.Wait(t, func() bool {
			err := s.Health.Ready(t.Context())
			return err != nil && strings.Contains(err.Error(), w.raw)
		}, "readiness names the topic")
		kafkatest.Wait(t, func() bool { return kafkatest.GroupState(t, w.brokers[0], "waymark-enricher."+w.region) == "Empty" }, "the group has noticed")
		kafkatest.Topic(t, w.client, w.raw, partitions, nil)
		round()
	}
	kafkatest.Wait(t, func() bool { return s.Health.Ready(t.Context()) == nil }, "ready")
	if n := s.metric(t, "waymark_kafka_group_generations_total"); n > 6 {
		t.Errorf("%v generations", n)
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}
