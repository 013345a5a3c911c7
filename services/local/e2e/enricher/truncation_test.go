//go:build apachekafka

package enricher

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/services/local/engines/apachekafka"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// An unclean election: a follower that lacks the last records becomes leader, and other records take their offsets. What had been enriched
// stays, and none of the new ones is passed over, though they reach beyond the committed offset.
func TestARawLogTruncatedByAnUncleanElection(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("running %v", running), func(t *testing.T) {
			cluster := apachekafka.Start(t, 3)
			w := newRegion(t, cluster.Brokers())
			unclean := map[string]string{"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
			_, err := admin.ApplyTopics(t.Context(), w.client, []admin.TopicSpec{
				{Name: w.raw, Partitions: 1, ReplicationFactor: 2, Config: unclean},
				{Name: w.enriched, Partitions: 1, ReplicationFactor: 3}, {Name: w.dead, Partitions: 1, ReplicationFactor: 3},
			})
			if err != nil {
				t.Fatal(err)
			}
			sink := w.sink()
			old, lost, fresh := numbered(7), numbered(10), numbered(20)
			s := start(t, w.config())
			w.write(t, 0, old...)
			s.enriched(t, 7)

			leader, follower := w.replicas(t, 2)
			cluster.Kill(int(follower) - 1)
			w.replicas(t, 1)
			w.write(t, 0, lost...)
			s.enriched(t, 17)
			if !running {
				mustStop(t, s)
			}
			cluster.Kill(int(leader) - 1)
			if err := cluster.Start(int(follower) - 1); err != nil {
				t.Fatal(err)
			}
			kafkatest.Wait(t, func() bool {
				bounds, err := w.client.Offsets(t.Context(), w.raw)
				return err == nil && bounds[0].End == 7
			}, "the follower leads, without the last records")
			w.write(t, 0, fresh...)
			if !running {
				s = start(t, w.config())
			}
			sink.holds(t, "after the truncation", append(append(old, lost...), fresh...)...)
			if got := s.rewinds(t, "raw_truncated"); got == 0 {
				t.Error("it was not counted")
			}
			mustStop(t, s)
		})
	}
}

// replicas waits until so many replicas of the raw partition are in sync, and returns its leader and another one.
func (w *world) replicas(t *testing.T, inSync int) (leader, other int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	kafkatest.Wait(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		topics, err := kadm.NewClient(client).ListTopics(ctx, w.raw)
		if err != nil || topics.Error() != nil {
			return false
		}
		p := topics[w.raw].Partitions[0]
		leader = p.Leader
		for _, id := range p.Replicas {
			if id != leader {
				other = id
			}
		}
		return p.Leader >= 0 && len(p.ISR) == inSync
	}, "%d replicas are in sync", inSync)
	return leader, other
}
