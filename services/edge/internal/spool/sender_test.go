package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// A fakeKafka takes records while it is well, and remembers their numbers by key.
type fakeKafka struct {
	mu    sync.Mutex
	fails error
	taken map[string][]int
	times []int64 // of all that were taken
	// lies makes it take records and fail all the same, now and then.
	lies *rand.Rand
	// large is the number it never takes.
	large int
}

func newKafka() *fakeKafka { return &fakeKafka{taken: map[string][]int{}, large: -1} }

func (k *fakeKafka) set(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fails = err
}

func (k *fakeKafka) SendEach(ctx context.Context, topic string, recs []event.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails != nil {
		return k.fails
	}
	var large []int
	for i := range recs {
		key, n := string(recs[i].Key), int(binary.BigEndian.Uint64(recs[i].Value))
		if n == k.large {
			large = append(large, i)
			continue
		}
		k.taken[key] = append(k.taken[key], n)
		k.times = append(k.times, recs[i].Timestamp)
	}
	if len(large) > 0 {
		return &kafka.TooLarge{Topic: topic, Records: large}
	}
	if k.lies != nil && k.lies.IntN(5) == 0 {
		return errAway
	}
	return nil
}

var errAway = errors.New("no broker answers")

// sender returns a running sender and what ends it.
func sender(t *testing.T, k *fakeKafka, l *Log) (*Sender, func()) {
	t.Helper()
	s := NewSender(k, l, "raw", time.Second, zap.NewNop())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	return s, func() {
		cancel()
		<-done
		shut(t, l)
	}
}

func still(t *testing.T, s *Sender) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Drained(ctx); err != nil {
		t.Fatal("the spool is not drained")
	}
}

func send(t *testing.T, s *Sender, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if err := s.SendEach(t.Context(), "raw", []event.Record{record(n)}); err != nil {
			t.Fatal(err)
		}
	}
}

const key = "account|visitor"

func TestWhileKafkaAnswersTheSpoolStaysEmpty(t *testing.T) {
	k, l := newKafka(), open(t, t.TempDir())
	s, end := sender(t, k, l)
	defer end()
	send(t, s, upTo(5)...)
	same(t, k.taken[key], upTo(5))
	if len(l.segments) > 0 {
		t.Error("the spool was used")
	}
}

func TestWhileKafkaIsAwayEventsAreTakenAndFollowInOrder(t *testing.T) {
	k, l := newKafka(), open(t, t.TempDir())
	s, end := sender(t, k, l)
	defer end()
	send(t, s, 0)
	k.set(errAway)
	send(t, s, 1, 2, 3)
	if err := s.Check(t.Context(), func(context.Context) error { return errAway }); err != nil {
		t.Errorf("not ready though the spool takes events: %v", err)
	}
	k.set(nil)
	still(t, s)
	send(t, s, 4)
	k.mu.Lock()
	defer k.mu.Unlock()
	same(t, k.taken[key], upTo(5))
}

func TestWhatAnEarlierProcessSpooledGoesFirst(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, 0, 1)
	shut(t, l)
	k := newKafka()
	s, end := sender(t, k, open(t, dir))
	defer end()
	send(t, s, 2)
	still(t, s)
	k.mu.Lock()
	defer k.mu.Unlock()
	same(t, k.taken[key], upTo(3))
}

func TestAFullSpoolIsAnErrorAndNotReady(t *testing.T) {
	k := newKafka()
	k.set(errAway)
	s, end := sender(t, k, open(t, t.TempDir(), func(o *Options) { o.Bytes = 200 }))
	defer end()
	var err error
	for n := 0; err == nil; n++ {
		err = s.SendEach(t.Context(), "raw", []event.Record{record(n)})
	}
	if !errors.Is(err, intake.ErrFull) {
		t.Error(err)
	}
	if s.Check(t.Context(), func(context.Context) error { return errAway }) == nil {
		t.Error("ready though nothing can be taken")
	}
	k.set(nil)
	still(t, s)
	send(t, s, 9)
}

func TestARecordThatKafkaNeverTakesHoldsNothingUp(t *testing.T) {
	k, l := newKafka(), open(t, t.TempDir())
	s, end := sender(t, k, l)
	defer end()
	k.set(errAway)
	send(t, s, 0, 1, 2)
	k.mu.Lock()
	k.fails, k.large = nil, 1
	k.mu.Unlock()
	still(t, s)
	same(t, k.taken[key], []int{0, 2})
}

// Whatever Kafka does, and however often it changes its mind: everything acknowledged arrives, and a visitor's events in order.
func TestNothingIsLostOrOvertakenWhileKafkaComesAndGoes(t *testing.T) {
	k, l := newKafka(), open(t, t.TempDir(), segmentBytes(2000))
	k.lies = rand.New(rand.NewPCG(1, 2))
	s, end := sender(t, k, l)
	defer end()
	const visitors, each = 16, 150
	var all sync.WaitGroup
	stop := make(chan struct{})
	for v := range visitors {
		all.Go(func() {
			for n := range each {
				rec := record(n)
				rec.Key = fmt.Appendf(nil, "visitor %d", v)
				if err := s.SendEach(t.Context(), "raw", []event.Record{rec}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	flips := make(chan struct{})
	go func() {
		defer close(flips)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				k.set(nil)
				return
			case <-tick.C:
				if i%2 == 0 {
					k.set(errAway)
				} else {
					k.set(nil)
				}
			}
		}
	}()
	all.Wait()
	close(stop)
	<-flips
	still(t, s)
	k.mu.Lock()
	defer k.mu.Unlock()
	for v := range visitors {
		got := k.taken[fmt.Sprintf("visitor %d", v)]
		var first []int
		for _, n := range got {
			if !slices.Contains(first, n) {
				first = append(first, n)
			}
		}
		same(t, first, upTo(each))
	}
}
