package sink

import (
	"errors"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

func TestAMissingDeadTopicKeepsNoEventFromTheTable(t *testing.T) {
	address := kafkatest.Start(t)
	h := newHouseOn(t, address, 2)
	h.send(0, h.some(5)...)
	s := h.start()
	kafkatest.Wait(t, h.holds(5), "5 rows")
	kafkatest.DeleteTopic(t, address, schemas.DeadTopic(region))
	kafkatest.Wait(t, func() bool {
		err := s.Health.Ready(deadline(t))
		return err != nil && strings.Contains(err.Error(), schemas.DeadTopic(region))
	}, "readiness names the topic")
	for i := range 10 {
		h.send(int32(i%2), h.some(5)...)
		kafkatest.Wait(t, h.holds(5+5*(i+1)), "%d rows", 5+5*(i+1))
	}
	kafkatest.Topic(t, h.client, schemas.DeadTopic(region), 1, nil)
	kafkatest.Wait(t, func() bool { return s.Health.Ready(deadline(t)) == nil }, "ready again")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// Of a compacted topic Kafka keeps the last record of each visitor: what the sink has not read yet is gone.
func TestACompactedTopicIsAnOperatorsError(t *testing.T) {
	h := newHouse(t, 1)
	if _, err := admin.ApplyTopics(deadline(t), h.client, []admin.TopicSpec{
		{Name: schemas.EnrichedTopic(region), Partitions: 1, Config: map[string]string{"cleanup.policy": "compact,delete"}},
	}); err != nil {
		t.Fatal(err)
	}
	h.send(0, h.some(5)...)
	s := h.start()
	kafkatest.Wait(t, func() bool { // as what ended it, not as a check
		err := s.Health.Ready(deadline(t))
		return errors.Is(err, topicaudit.ErrLoses) && strings.HasPrefix(err.Error(), topicaudit.ErrLoses.Error())
	}, "it has stopped")
	if err := s.Stop(); !errors.Is(err, topicaudit.ErrLoses) {
		t.Errorf("got %v", err)
	}
	if !h.holds(0)() {
		t.Error("it took events")
	}
}
