//go:build !apachekafka

package kafkatest

import (
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
	"github.com/waymark-events/waymark/services/local/engines/broker"
)

// Whatever a coordinator answers for a while, the member serves its partition again, and does not join more often than it must.
func TestAMemberOutlivesWhatACoordinatorAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		key   kmsg.Key
		err   *kerr.Error
		times int
		most  int // generations beside the first
	}{
		"the coordinator loads":           {kmsg.JoinGroup, kerr.CoordinatorLoadInProgress, 2, 1},
		"the coordinator moved":           {kmsg.JoinGroup, kerr.NotCoordinator, 2, 1},
		"there is no coordinator":         {kmsg.JoinGroup, kerr.CoordinatorNotAvailable, 2, 1},
		"the group is full":               {kmsg.JoinGroup, kerr.GroupMaxSizeReached, 2, 1},
		"others join before the sync":     {kmsg.SyncGroup, kerr.RebalanceInProgress, 3, 1},
		"the member was forgotten":        {kmsg.Heartbeat, kerr.UnknownMemberID, 1, 1},
		"the generation is over":          {kmsg.Heartbeat, kerr.IllegalGeneration, 1, 1},
		"a heartbeat at the wrong broker": {kmsg.Heartbeat, kerr.NotCoordinator, 3, 0},
		"a coordinator that moves":        {kmsg.Heartbeat, kerr.CoordinatorNotAvailable, 3, 0},
		"offsets that load":               {kmsg.OffsetFetch, kerr.CoordinatorLoadInProgress, 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			Topic(t, Client(t, b.Address()), "t", 1, nil)
			m := joins(t, b.Address(), "g", []string{"t"}, nil)
			Wait(t, m.holds("t/0"), "the partition")
			fault := b.Fault(kfake.Fault{Keys: []kmsg.Key{c.key}, TopLevel: true, Err: c.err, Count: c.times})
			var other *member
			if c.key != kmsg.Heartbeat { // a member that comes and goes makes the first one join
				other = joins(t, b.Address(), "g", []string{"t"}, nil)
			}
			if err := fault.Wait(deadline(t), c.times); err != nil {
				t.Fatal(err)
			}
			if other != nil {
				if err := other.leave(); err != nil {
					t.Error(err)
				}
				c.most += 4
			}
			Wait(t, func() bool { return m.holds("t/0")() && m.client.CheckGroups(deadline(t)) == nil }, "the partition again, and ready")
			if n := m.generations() - 1; n > c.most {
				t.Errorf("%d generations more, want at most %d", n, c.most)
			}
		})
	}
}

func TestASessionThatTheBrokerDoesNotAllowIsAnError(t *testing.T) {
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0", Options: []kfake.Opt{kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "60000"})}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	Topic(t, Client(t, b.Address()), "t", 1, nil)
	m := joins(t, b.Address(), "g", []string{"t"}, nil)
	err = <-m.done
	close(m.done)
	if !errors.Is(err, kafkago.InvalidSessionTimeout) || !strings.Contains(err.Error(), "do not allow a session_timeout of 6s") {
		t.Errorf("got %v", err)
	}
}

// Brokers that create topics when they are asked for them, as Kafka's do unless told otherwise, would make one of one partition and
// one copy. The group asks for none.
func TestAGroupCreatesNoTopics(t *testing.T) {
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0", Options: []kfake.Opt{kfake.AllowAutoTopicCreation()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	Topic(t, Client(t, b.Address()), "present", 1, nil)
	looks := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Observe: true, Count: -1})
	m := joins(t, b.Address(), "g", []string{"present", "absent"}, nil)
	Wait(t, m.holds("present/0"), "the partition")
	if err := looks.Wait(deadline(t), looks.Hits()+3); err != nil { // the transport's, which the leader's rest on
		t.Fatal(err)
	}
	if n, err := m.client.Partitions(deadline(t), "absent"); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("the topic was created: %d partitions, %v", n, err)
	}
}

// A rebalance that others cause again and again is followed ever more slowly.
func TestAStormOfRebalancesIsFollowedSlowly(t *testing.T) {
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	Topic(t, Client(t, b.Address()), "t", 1, nil)
	storm := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, TopLevel: true, Err: kerr.IllegalGeneration, Count: -1})
	m := joins(t, b.Address(), "g", []string{"t"}, nil)
	Wait(t, func() bool { return m.generations() >= 6 }, "six generations")
	before := m.generations()
	<-after(5)
	if n := m.generations() - before; n > 8 {
		t.Errorf("%d generations in 5 s", n)
	}
	storm.Remove()
	Wait(t, m.holds("t/0"), "the partition")
}

// The right to describe configurations is one more than the services need.
func TestWithoutTheRightToDescribeAnAuditWarnsOnce(t *testing.T) {
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	Topic(t, Client(t, b.Address()), "t", 1, map[string]string{"cleanup.policy": "compact"})
	b.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, r := range req.(*kmsg.DescribeConfigsRequest).Resources {
			denied := kmsg.NewDescribeConfigsResponseResource()
			denied.ResourceType, denied.ResourceName, denied.ErrorCode = r.ResourceType, r.ResourceName, kerr.TopicAuthorizationFailed.Code
			resp.Resources = append(resp.Resources, denied)
		}
		return resp, nil, true
	})
	core, logs := observer.New(zap.WarnLevel)
	client, err := kafka.NewClient(kafka.Config{Brokers: []string{b.Address()}}, zap.New(core), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	audit := topicaudit.New(client, zap.New(core), topicaudit.Use{Topic: "t"})
	for range 2 {
		if err := audit.Start(deadline(t)); err != nil {
			t.Error(err)
		}
	}
	if n := logs.FilterMessageSnippet("may not describe").Len(); n != 1 || logs.Len() != 1 {
		t.Errorf("%d warnings of %d lines", n, logs.Len())
	}
}

// What is wrong with one of them is an error of all: one that passes is tried again with all of them, another ends it at once.
func TestOneCommitThatFailsIsAnErrorOfAllThatAreRecordedTogether(t *testing.T) {
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	client := Client(t, b.Address())
	Topic(t, client, "t", 2, nil)
	claims := make(chan *kafka.Claim, 100)
	defer group(t, client, "t", claims)()
	commits := []kafka.Commit{{Claim: <-claims, Offset: 1}, {Claim: <-claims, Offset: 2}}
	for name, c := range map[string]struct {
		err  *kerr.Error
		want error
	}{
		"its coordinator loads":  {kerr.CoordinatorLoadInProgress, nil},
		"the generation is over": {kerr.IllegalGeneration, kafka.ErrFenced},
		"too much metadata":      {kerr.OffsetMetadataTooLarge, kafkago.OffsetMetadataTooLarge},
	} {
		fault := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: "t", Partitions: []int32{1}, Err: c.err, Count: 1})
		if err := kafka.CommitTogether(deadline(t), commits); !errors.Is(err, c.want) || c.want != nil && kafka.Retriable(err) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err := fault.Wait(deadline(t), 1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
