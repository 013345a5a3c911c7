package kafkatest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

const regionSecret, otherSecret = "the secret of a region, of now: 1", "the secret of a region, of old: 2"

// A memorial is a topic of tombstones and a view of it.
type memorial struct {
	t        *testing.T
	client   *kafka.Client
	producer *kafka.Producer
	topic    string
	view     *erasure.View
}

var memorials atomic.Int32

// memorialOn follows a topic that is still to be made.
func memorialOn(t *testing.T, client *kafka.Client, secrets ...string) *memorial {
	t.Helper()
	m := &memorial{t: t, client: client, producer: client.NewProducer(kafka.DefaultProducerConfig()), topic: fmt.Sprintf("erasures.m%d", memorials.Add(1))}
	m.follow(secrets...)
	return m
}

// follow starts another view.
func (m *memorial) follow(secrets ...string) {
	m.t.Helper()
	view, err := erasure.NewView(m.client, m.topic, keysOf(m.t, secrets...), Log(m.t), prometheus.NewRegistry())
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		view.Run(ctx)
	}()
	m.t.Cleanup(func() { cancel(); <-ended })
	m.view = view
}

func keysOf(t *testing.T, secrets ...string) erasure.Keys {
	t.Helper()
	out, err := erasure.Config{Secret: config.Secret(strings.Join(secrets, "\n"))}.Keys()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (m *memorial) create() {
	m.t.Helper()
	Topic(m.t, m.client, m.topic, 1, map[string]string{"cleanup.policy": "compact"})
}

// put writes a visitor's tombstone.
func (m *memorial) put(id, secret string, until int64) event.Record {
	m.t.Helper()
	key := keysOf(m.t, secret)[0]
	rec := (&erasure.Tombstone{
		Account: "a", Kind: erasure.Visitor, Digest: key.Digest("a", erasure.Visitor, id), Key: key.Fingerprint, Mode: erasure.Erase, ReceivedUntil: until, MadeAt: time.Now().UnixMilli(),
	}).Record()
	m.write(rec)
	return rec
}

func (m *memorial) write(rec event.Record) {
	m.t.Helper()
	if _, err := m.producer.Produce(m.t.Context(), m.topic, 0, []event.Record{rec}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *memorial) drops(id string, receivedAt int64) bool {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	set, err := m.view.Await(ctx)
	if err != nil {
		m.t.Fatal(err)
	}
	return set.Judge(&erasure.Subject{Account: "a", Visitors: [4]string{id}, ReceivedAt: receivedAt}) == erasure.Drop
}

func (m *memorial) eventually(what string, ok func() bool) {
	m.t.Helper()
	Wait(m.t, ok, "%s", what)
}

// says tells whether readiness says a word.
func (m *memorial) says(word string) func() bool {
	return func() bool {
		err := m.view.Check(context.Background())
		return err != nil && strings.Contains(err.Error(), word)
	}
}

func (m *memorial) ready() bool { return m.view.Check(context.Background()) == nil }

func TestAViewKnowsEveryTombstone(t *testing.T) {
	m := memorialOn(t, Client(t, Start(t)), regionSecret, otherSecret)
	m.create()
	m.put("before", otherSecret, 10)
	m.follow(regionSecret, otherSecret)
	m.eventually("the one that was there", func() bool { return m.drops("before", 10) })
	first := m.put("later", regionSecret, 10)
	m.eventually("the one that came", func() bool { return m.drops("later", 10) })
	if m.drops("later", 11) || m.drops("nobody", 1) {
		t.Error("it means more than it says")
	}
	m.put("later", regionSecret, 20)
	m.eventually("the later moment", func() bool { return m.drops("later", 20) })
	m.put("later", regionSecret, 15) // two commands at once: the second to be written was the first to look at its clock
	m.put("marker", regionSecret, 1)
	m.eventually("what came last", func() bool { return m.drops("marker", 1) })
	if !m.drops("later", 20) {
		t.Error("a tombstone went back in time")
	}
	set, _ := m.view.Await(t.Context())
	if again, _ := m.view.Await(t.Context()); again != set {
		t.Error("nothing changed, and everything must be judged again")
	}
	first.Value = nil
	m.write(first)
	m.eventually("that it was lifted", func() bool { return !m.drops("later", 1) })
	m.follow(regionSecret, otherSecret)
	if m.drops("later", 1) || !m.drops("before", 10) {
		t.Error("a second reader knows something else")
	}
	read, err := erasure.Read(t.Context(), m.client, m.topic, keysOf(t, regionSecret, otherSecret))
	if err != nil || len(read.All()) != 2 {
		t.Errorf("%v, %v", read.All(), err)
	}
}

func TestWithoutASecretAnEmptyTopicIsNoneAndARecordHoldsAll(t *testing.T) {
	m := memorialOn(t, Client(t, Start(t)))
	m.eventually("readiness without a topic", m.ready)
	m.create()
	m.eventually("readiness with an empty topic", m.ready)
	rec := m.put("v", regionSecret, 10)
	m.eventually("that a secret is needed", m.says("no erasure.secret"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if set, err := m.view.Await(ctx); err == nil {
		t.Errorf("stored by %v", set.All())
	}
	m.follow(otherSecret)
	m.eventually("which secret is missing", m.says(keysOf(t, regionSecret)[0].Fingerprint))
	rec.Value = nil
	m.write(rec)
	m.eventually("readiness once it is lifted", m.ready)
}

func TestASecretWantsItsTopic(t *testing.T) {
	m := memorialOn(t, Client(t, Start(t)), regionSecret)
	m.eventually("what to run", m.says("waymarkctl topics apply"))
	m.create()
	m.eventually("readiness", m.ready)
}

func TestWhatIsNotUnderstoodHolds(t *testing.T) {
	m := memorialOn(t, Client(t, Start(t)), regionSecret)
	m.create()
	m.write(event.Record{Key: []byte("k"), Value: []byte(`{"v":99}`)})
	m.eventually("that a newer version is needed", m.says("format 99"))
	m.write(event.Record{Key: []byte("k")})
	m.eventually("readiness", m.ready)
}

// Who was erased stays out for as long as the process runs, though the topic that said so is gone.
func TestATopicMadeAnewIsToldAndForgetsNothing(t *testing.T) {
	address := Start(t)
	m := memorialOn(t, Client(t, address), regionSecret)
	m.create()
	m.put("v", regionSecret, 10)
	m.eventually("the tombstone", func() bool { return m.drops("v", 10) })
	DeleteTopic(t, address, m.topic)
	m.create()
	m.put("w", regionSecret, 10)
	m.eventually("the new topic's tombstone", func() bool { return m.drops("w", 10) })
	if !m.drops("v", 10) {
		t.Error("forgotten")
	}
}

// Nothing is stored while nobody can say who was erased.
func TestAViewEndsWithItsLease(t *testing.T) {
	address, proxy := StartProxied(t)
	m := memorialOn(t, Client(t, address), regionSecret)
	m.create()
	m.eventually("readiness", m.ready)
	proxy.Refuse(true)
	proxy.Cut()
	cut := time.Now()
	m.eventually("the lease's end", func() bool { return !m.ready() })
	if after := time.Since(cut); after < erasure.Lease-2*time.Second || after > erasure.Lease+5*time.Second {
		t.Errorf("held after %s, the lease is %s", after, erasure.Lease)
	}
	proxy.Heal()
	m.eventually("readiness again", m.ready)
}
