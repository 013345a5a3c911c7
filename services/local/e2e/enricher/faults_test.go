//go:build !apachekafka

package enricher

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// newFaultyWorld returns a region of one partition and the broker, which can be told to fail. Only the embedded one can.
func newFaultyWorld(t *testing.T) (*broker.Broker, *world) {
	t.Helper()
	b := embedded(t)
	w := newRegion(t, b.ListenAddrs())
	for _, topic := range []string{w.raw, w.enriched, w.dead} {
		kafkatest.Topic(t, w.client, topic, 1, nil)
	}
	return b, w
}

func TestBrokersFaultsLeaveNoGap(t *testing.T) {
	const n = 5000
	broker, w := newFaultyWorld(t)
	faults := broker.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: w.raw, Err: kerr.NotLeaderForPartition, Count: 2},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: w.enriched, Err: kerr.NotEnoughReplicas, Count: 2},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: w.enriched, Err: kerr.RequestTimedOut, Count: 1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: "waymark-enricher." + w.region, Err: kerr.CoordinatorLoadInProgress, Count: 2},
	)
	cfg := w.config()
	cfg.Batch.FetchBytes = 50_000
	s := start(t, cfg)
	w.send(t, 0, numbered(n)...)
	w.check(t, 0, n)
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
	if faults.Hits() != 7 {
		t.Errorf("%d faults were met, want 7", faults.Hits())
	}
}

func TestRecordsLostToRetentionAreReported(t *testing.T) {
	broker, w := newFaultyWorld(t)
	s := start(t, w.config())
	w.send(t, 0, numbered(5)...)
	w.check(t, 0, 5)
	kafkatest.Wait(t, func() bool { return s.metric(t, "waymark_enricher_events_total", "enriched") == 5 }, "the commit")
	if err := s.stop(t); err != nil {
		t.Fatal(err)
	}
	w.send(t, 0, numbered(10)...)
	if err := broker.DeleteRecords(w.raw, 0, 12); err != nil {
		t.Fatal(err)
	}
	s = start(t, w.config())
	got := w.read(t, w.enriched, 0, 8)
	if first := decodeEnriched(t, got[5]); first.RawOffset != 12 {
		t.Errorf("goes on at raw offset %d, want 12", first.RawOffset)
	}
	if lost := s.metric(t, "waymark_enricher_lost_to_retention_total"); lost != 7 {
		t.Errorf("%v records reported as lost, want 7", lost)
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}

func TestANewGroupStartsAtTheLogsStartAndCountsNoLoss(t *testing.T) {
	broker, w := newFaultyWorld(t)
	w.send(t, 0, numbered(5)...)
	if err := broker.DeleteRecords(w.raw, 0, 3); err != nil {
		t.Fatal(err)
	}
	s := start(t, w.config())
	if got := decodeEnriched(t, w.read(t, w.enriched, 0, 2)[0]); got.RawOffset != 3 {
		t.Errorf("starts at %d, want 3", got.RawOffset)
	}
	if lost := s.metric(t, "waymark_enricher_lost_to_retention_total"); lost != 0 {
		t.Errorf("%v records reported as lost to a group that is new", lost)
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}
