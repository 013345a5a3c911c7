//go:build apachekafka

package sink

import (
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// Somebody had the enriched topic compacted for a while, and set it right before the sink was started: what compaction left of the log is
// stored once, and what it took is counted. Compaction leaves batches without a record, to remember their producers' numbers by.
func TestWhatCompactionTookIsCountedAndTheRestStored(t *testing.T) {
	cluster := apachekafka.StartWith(t, 1, "log.cleaner.enable=true", "log.cleaner.backoff.ms=100")
	h := newHouseOn(t, cluster.Brokers()[0], 1)
	topic := schemas.EnrichedTopic(region)
	set := func(policy string) {
		t.Helper()
		if _, err := admin.ApplyTopics(deadline(t), h.client, []admin.TopicSpec{{Name: topic, Partitions: 1, Config: map[string]string{
			"cleanup.policy": policy, "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01",
		}}}); err != nil {
			t.Fatal(err)
		}
	}
	set("compact")
	for range 4 {
		h.send(0, h.some(50)...)
	}
	kafkatest.Wait(t, func() bool {
		h.send(0, h.some(1)...) // a segment is compacted once there is a newer one
		return h.inLog(topic) < 50
	}, "the topic is compacted")
	set("delete")
	h.send(0, h.some(20)...)
	h.run(func() bool {
		left := h.inLog(topic) // a cleaning that had begun may have ended
		return h.holds(left)() && h.metric("waymark_sink_holes_total") == float64(int(h.sent)-left)
	}, "what is left is stored, and what is missing counted")
	h.run(h.holds(h.inLog(topic)), "a restart changes nothing")
	if left := h.inLog(topic); left < 20 || left > 100 {
		t.Errorf("%d of %d records are in the log", left, h.sent)
	}
}

// inLog counts the records of the topic's first partition.
func (h *house) inLog(topic string) (n int) {
	h.t.Helper()
	bounds, err := h.client.Offsets(deadline(h.t), topic)
	if err != nil {
		h.t.Fatal(err)
	}
	for offset := bounds[0].Start; offset < bounds[0].End; {
		batch, err := kafkatest.Fetch(deadline(h.t), h.client, topic, 0, offset, kafka.FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 10 * time.Millisecond})
		if err != nil {
			h.t.Fatal(err)
		}
		n += len(batch.Records)
		offset = batch.Next
		batch.Release()
	}
	return n
}

// metric is the value of one of the sink's metrics, over all labels; the sink is the last that was started.
func (h *house) metric(name string) (sum float64) {
	h.t.Helper()
	families, err := h.registry.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			for _, m := range family.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}
