package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap/zaptest"

	"github.com/waymark-events/waymark/pkg/kafka"
)

// A member is a membership that runs, with the partitions that it has now.
type member struct {
	t        *testing.T
	client   *kafka.Client
	registry *prometheus.Registry
	claims   chan *kafka.Claim // every claim, once
	cancel   context.CancelFunc
	done     chan error

	mu  sync.Mutex
	has map[string]int32 // topic/partition → generation
}

// joins runs a member of group until the test ends. handle, unless nil, is called for each claim; without it claims are held until their
// context ends.
func joins(t *testing.T, address, group string, topics []string, handle func(context.Context, *kafka.Claim) error) *member {
	t.Helper()
	m := &member{t: t, registry: prometheus.NewRegistry(), claims: make(chan *kafka.Claim, 1000), done: make(chan error, 1), has: map[string]int32{}}
	var err error
	if m.client, err = kafka.NewClient(kafka.Config{Brokers: []string{address}}, zaptest.NewLogger(t), m.registry); err != nil {
		t.Fatal(err)
	}
	cfg := kafka.DefaultGroupConfig()
	cfg.ID, cfg.Topics = group, topics
	cfg.SessionTimeout, cfg.HeartbeatInterval = 6*time.Second, 50*time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	go func() {
		m.done <- m.client.RunGroup(ctx, cfg, func(ctx context.Context, claim *kafka.Claim) error {
			key := fmt.Sprint(claim.Topic, "/", claim.Partition)
			m.mu.Lock()
			m.has[key] = claim.Generation
			m.mu.Unlock()
			defer func() {
				m.mu.Lock()
				delete(m.has, key)
				m.mu.Unlock()
			}()
			m.claims <- claim
			if handle != nil {
				return handle(ctx, claim)
			}
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	t.Cleanup(func() {
		m.leave()
		m.client.Close()
	})
	return m
}

// leave ends the member, and returns what RunGroup did.
func (m *member) leave() error {
	m.cancel()
	err, ok := <-m.done
	if ok {
		close(m.done)
	}
	return err
}

// holds tells whether the member has exactly these partitions.
func (m *member) holds(want ...string) func() bool {
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.has) != len(want) {
			return false
		}
		return !slices.ContainsFunc(want, func(key string) bool { _, ok := m.has[key]; return !ok })
	}
}

// count is how many partitions the member holds.
func (m *member) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.has)
}

// generation is the one under which the member holds a partition now; -1 when it does not.
func (m *member) generation(key string) int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g, ok := m.has[key]; ok {
		return g
	}
	return -1
}

// generations counts those that the member has joined.
func (m *member) generations() int {
	families, err := m.registry.Gather()
	if err != nil {
		m.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "waymark_kafka_group_generations_total" {
			return int(f.GetMetric()[0].GetCounter().GetValue())
		}
	}
	return 0
}

// cpu is what this process has used, the embedded broker included.
func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// The group of a topic that is away for half a minute waits for it, and nothing spins meanwhile.
func TestATopicThatIsAwayMakesNoGenerations(t *testing.T) {
	address := Start(t)
	client := Client(t, address)
	Topic(t, client, "away", 2, nil)
	a := joins(t, address, "away", []string{"away"}, nil)
	Wait(t, a.holds("away/0", "away/1"), "both partitions")
	b := joins(t, address, "away", []string{"away"}, nil)
	Wait(t, func() bool { return a.count() == 1 && b.count() == 1 }, "one partition each")

	DeleteTopic(t, address, "away")
	before, used := a.generations()+b.generations(), cpu()
	Wait(t, func() bool { return a.holds()() && b.holds()() }, "no partitions")
	<-after(30) // what is asserted is that nothing happens in this time
	if err := a.client.CheckGroups(deadline(t)); err == nil {
		t.Error("the member is ready without its only topic")
	}
	n, spent := a.generations()+b.generations()-before, cpu()-used
	t.Logf("two members, half a minute without the topic: %d generations, %s of CPU", n, spent)
	if n > 6 || spent > 6*time.Second {
		t.Error("they are busy with nothing")
	}

	Topic(t, client, "away", 2, nil)
	Wait(t, func() bool { return a.count() == 1 && b.count() == 1 }, "one partition each again")
	for _, m := range []*member{a, b} {
		Wait(t, func() bool { return m.client.CheckGroups(deadline(t)) == nil }, "readiness")
	}
}

func TestAMissingTopicKeepsNobodyFromTheOthers(t *testing.T) {
	address := Start(t)
	client := Client(t, address)
	Topic(t, client, "present", 2, nil)
	m := joins(t, address, "partly", []string{"present", "absent"}, nil)
	Wait(t, m.holds("present/0", "present/1"), "the present topic's partitions")
	if err := m.client.CheckGroups(deadline(t)); err == nil || err.Error() != "the topic absent does not exist, or this user may not see it" {
		t.Errorf("readiness: %v", err)
	}
	Topic(t, client, "absent", 1, nil)
	Wait(t, m.holds("present/0", "present/1", "absent/0"), "all partitions")
	Wait(t, func() bool { return m.client.CheckGroups(deadline(t)) == nil }, "readiness")

	DeleteTopic(t, address, "absent")
	Wait(t, m.holds("present/0", "present/1"), "the present topic's partitions again")
	if n := m.generations(); n > 3 {
		t.Errorf("%d generations, want 3: without, with, without the topic", n)
	}
}

// kafka-go's ConsumerGroup looks at the partitions after it joined; those added in between were never served.
func TestAddedPartitionsAreServed(t *testing.T) {
	address := Start(t)
	client := Client(t, address)
	Topic(t, client, "grows", 1, nil)
	a := joins(t, address, "grows", []string{"grows"}, nil)
	Wait(t, a.holds("grows/0"), "the first partition")
	Topic(t, client, "grows", 3, nil)
	Wait(t, a.holds("grows/0", "grows/1", "grows/2"), "the added partitions")
}

// A handler whose partition is no longer what it was has the member join again; the others are served until then.
func TestAClaimThatEndedIsClaimedAgain(t *testing.T) {
	address := Start(t)
	Topic(t, Client(t, address), "ended", 2, nil)
	var ends atomic.Int32
	m := joins(t, address, "ended", []string{"ended"}, func(ctx context.Context, claim *kafka.Claim) error {
		if claim.Partition == 1 && ends.Add(1) <= 3 {
			return fmt.Errorf("the log is another one: %w", kafka.ErrClaimEnded)
		}
		<-ctx.Done()
		return ctx.Err()
	})
	started := time.Now()
	Wait(t, func() bool { return ends.Load() == 4 && m.holds("ended/0", "ended/1")() }, "the partition is claimed for good")
	if n := m.generations(); n != 4 {
		t.Errorf("%d generations", n)
	}
	if took := time.Since(started); took < 3*time.Second {
		t.Errorf("three generations that ended at once took %s: there is no growing pause", took)
	}
}

// A member that is told to end while it waits for a slow one to join ends at once. kafka-go's ConsumerGroup waits on.
func TestAMemberThatWaitsForOthersCanEnd(t *testing.T) {
	address := Start(t)
	Topic(t, Client(t, address), "slow", 2, nil)
	drained := make(chan struct{})
	a := joins(t, address, "slow", []string{"slow"}, func(ctx context.Context, _ *kafka.Claim) error {
		<-ctx.Done()
		<-drained
		return nil
	})
	Wait(t, a.holds("slow/0", "slow/1"), "both partitions")
	b := joins(t, address, "slow", []string{"slow"}, nil)
	// The coordinator has told a to drain: b waits now.
	Wait(t, func() bool { return GroupState(t, address, "slow") == "PreparingRebalance" }, "a rebalance")
	started := time.Now()
	if err := b.leave(); err != nil {
		t.Error(err)
	}
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	close(drained)
	Wait(t, a.holds("slow/0", "slow/1"), "both partitions again")
}

// A member that drains longer than a session is no dead one: it is waited for as long as RebalanceTimeout says.
func TestADrainMayOutlastTheSession(t *testing.T) {
	address := Start(t)
	Topic(t, Client(t, address), "long", 2, nil)
	var drains atomic.Bool
	a := joins(t, address, "long", []string{"long"}, func(ctx context.Context, claim *kafka.Claim) error {
		<-ctx.Done()
		if claim.Partition == 0 && drains.CompareAndSwap(false, true) {
			<-after(8) // a session lasts 6
			return claim.Commit(context.WithoutCancel(ctx), 5, "drained")
		}
		return nil
	})
	Wait(t, a.holds("long/0", "long/1"), "both partitions")
	b := joins(t, address, "long", []string{"long"}, nil)
	claim := <-b.claims
	if claim.Partition == 0 {
		if claim.Offset != 5 {
			t.Errorf("the partition was given away before it was drained: offset %d", claim.Offset)
		}
		return
	}
	for claim = range a.claims {
		if claim.Partition == 0 && claim.Offset == 5 {
			return
		}
		if claim.Partition == 0 && claim.Generation > 1 && claim.Offset < 0 && drains.Load() {
			t.Fatal("the partition was given away before it was drained")
		}
	}
}

// A deployment has members of kafka-go's ConsumerGroup and of ours in one group, either of them its leader.
func TestMembersOfEitherKindShareAGroup(t *testing.T) {
	address := Start(t)
	Topic(t, Client(t, address), "mixed", 4, nil)
	other := func() *kafkago.ConsumerGroup {
		t.Helper()
		group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
			ID: "mixed", Topics: []string{"mixed"}, Brokers: []string{address}, HeartbeatInterval: 50 * time.Millisecond, SessionTimeout: 6 * time.Second,
			JoinGroupBackoff: 100 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		return group
	}
	// next waits for a generation in which the other has n partitions.
	next := func(group *kafkago.ConsumerGroup, n int) {
		t.Helper()
		for {
			g, err := group.Next(deadline(t))
			if err != nil && deadline(t).Err() == nil {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(g.Assignments["mixed"]) == n {
				return
			}
		}
	}
	first := other()
	next(first, 4)
	ours := joins(t, address, "mixed", []string{"mixed"}, nil)
	next(first, 2)
	Wait(t, func() bool { return ours.count() == 2 }, "half of the partitions")
	first.Close()
	Wait(t, ours.holds("mixed/0", "mixed/1", "mixed/2", "mixed/3"), "all partitions")
	second := other()
	defer second.Close()
	next(second, 2)
	Wait(t, func() bool { return ours.count() == 2 }, "half of the partitions")
}

// A group that others hold, with another protocol, needs somebody's hand: it is said, and not tried again and again.
func TestAGroupOfAnotherKindIsAnError(t *testing.T) {
	address := Start(t)
	Topic(t, Client(t, address), "foreign", 1, nil)
	foreign, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumerGroup("foreign"), kgo.ConsumeTopics("foreign"), kgo.Balancers(kgo.StickyBalancer()))
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	poll, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go foreign.PollFetches(poll)
	Wait(t, func() bool { return GroupState(t, address, "foreign") == "Stable" }, "the other program's group")
	m := joins(t, address, "foreign", []string{"foreign"}, nil)
	select {
	case err := <-m.done:
		close(m.done)
		if !errors.Is(err, kafkago.InconsistentGroupProtocol) {
			t.Errorf("got %v", err)
		}
	case <-deadline(t).Done():
		t.Error("no error")
	}
}

// Connections that break are not the end of a generation: a coordinator that answers again within a session knows the member still.
func TestBrokenConnectionsEndNoGeneration(t *testing.T) {
	address, proxy := StartProxied(t)
	Topic(t, Client(t, address), "broken-links", 1, nil)
	m := joins(t, address, "broken-links", []string{"broken-links"}, nil)
	Wait(t, m.holds("broken-links/0"), "the partition")
	generation := m.generation("broken-links/0")
	after := func(fault func()) {
		t.Helper()
		taken, _ := proxy.Counts()
		fault()
		Wait(t, func() bool { now, _ := proxy.Counts(); return now > taken }, "a new connection")
	}
	for range 5 {
		after(func() { proxy.Cut() })
	}
	after(func() {
		proxy.Refuse(true)
		proxy.Cut()
		Wait(t, func() bool { return m.client.Ping(deadline(t)) != nil }, "nobody answers")
		proxy.Heal()
	})
	after(func() {
		proxy.DropAnswers(true)
		Wait(t, func() bool { return proxy.Swallowed() > 0 }, "an answer is lost")
		proxy.DropAnswers(false) // those connections stay dumb
	})
	if now := m.generation("broken-links/0"); now != generation {
		t.Errorf("generation %d became %d", generation, now)
	}
	claim := <-m.claims
	Wait(t, func() bool { return claim.Commit(deadline(t), 1, "") == nil }, "a commit under the same generation")

	// Away for longer than a session, others may have the partition: it must be given up without being told.
	proxy.Refuse(true)
	proxy.Cut()
	Wait(t, m.holds(), "the partition is given up")
	Wait(t, func() bool { return m.client.CheckGroups(deadline(t)) != nil }, "not ready")
	proxy.Heal()
	Wait(t, m.holds("broken-links/0"), "the partition again")
	Wait(t, func() bool { return m.client.CheckGroups(deadline(t)) == nil }, "ready")
}

// More members than partitions are no reason to join again; the one without takes over when another leaves.
func TestAMemberWithoutPartitionsWaitsForThem(t *testing.T) {
	address := Start(t)
	Topic(t, Client(t, address), "few", 1, nil)
	a := joins(t, address, "few", []string{"few"}, nil)
	Wait(t, a.holds("few/0"), "the partition")
	b := joins(t, address, "few", []string{"few"}, nil)
	Wait(t, func() bool { return a.generations() >= 2 && a.count()+b.count() == 1 }, "both are members")
	<-after(3) // what is asserted is that nothing happens in this time
	if n := max(a.generations(), b.generations()); n > 2 {
		t.Errorf("%d generations of two members", n)
	}
	holder, idle := a, b
	if b.count() == 1 {
		holder, idle = b, a
	}
	if err := idle.client.CheckGroups(deadline(t)); err != nil {
		t.Errorf("a member without partitions is not ready: %v", err)
	}
	if err := holder.leave(); err != nil {
		t.Error(err)
	}
	Wait(t, idle.holds("few/0"), "the idle member takes over")
}

// after is a time in which nothing, or not much, must happen.
func after(seconds int) <-chan time.Time { return time.After(time.Duration(seconds) * time.Second) }
