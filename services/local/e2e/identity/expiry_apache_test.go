//go:build apachekafka

package identity

import (
	"slices"
	"testing"

	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// The sink stands still for longer than the brokers keep the offsets of a group without members: nobody did anything wrong.
func TestTheSinksOffsetsExpire(t *testing.T) {
	t.Parallel()
	cluster := apachekafka.StartWith(t, 1, "offsets.retention.minutes=1", "offsets.retention.check.interval.ms=1000")
	p := newPlantOn(t, cluster.Brokers()[0], 2)
	p.burst("old", 300)
	p.bury(10)
	p.wantOnce("old", 300)
	p.wantDead(10)
	p.settled()
	p.stop("sink")
	forgotten := func(topic string) bool {
		lag, err := admin.Lag(p.deadline(), p.client, schemas.SinkGroup(p.region), topic)
		p.must(err)
		return !slices.ContainsFunc(lag, func(l admin.PartitionLag) bool { return l.Committed >= 0 })
	}
	kafkatest.Wait(t, func() bool { return forgotten(p.enriched) && forgotten(p.dead) }, "the offsets are gone")
	p.burst("new", 50)
	p.bury(5)
	p.start("sink")
	p.wantOnce("new", 50)
	p.settled()
	p.holds("old", 300)
	p.holds("new", 50)
	p.wantDead(15)
	p.audit(0, complete)
	p.getsReady("edge", "enricher", "sink")
}
