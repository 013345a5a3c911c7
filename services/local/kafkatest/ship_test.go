//go:build !apachekafka

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/local/engines/broker"
)

// counted has a broker count the produce requests that it gets, and the batches in them.
func counted(b *broker.Broker) (requests, batches *atomic.Int64) {
	requests, batches = new(atomic.Int64), new(atomic.Int64)
	b.ControlKey(kmsg.Produce.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		requests.Add(1)
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			batches.Add(int64(len(topic.Partitions)))
		}
		return nil, nil, false
	})
	return requests, batches
}

// everywhere calls f with each partition of both topics, all at once.
func everywhere(partitions int32, f func(topic string, partition int32)) {
	var all sync.WaitGroup
	for _, topic := range []string{"t", "u"} {
		for p := range partitions {
			all.Go(func() { f(topic, p) })
		}
	}
	all.Wait()
}

func TestBatchesThatAreReadyTogetherGoInOneRequest(t *testing.T) {
	const partitions, rounds = 8, 10
	b, client := embedded(t)
	Topic(t, client, "t", partitions, nil)
	Topic(t, client, "u", partitions, nil)
	requests, batches := counted(b)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	for round := range rounds {
		everywhere(partitions, func(topic string, p int32) {
			at, err := producer.Produce(deadline(t), topic, p, records(1, fmt.Sprint(topic, p, " ", round)))
			if err != nil || at != int64(round) {
				t.Errorf("%s/%d: offset %d, %v; want %d", topic, p, at, err, round)
			}
		})
	}
	if r, n := requests.Load(), batches.Load(); n != 2*partitions*rounds || r > n/2 {
		t.Errorf("%d batches came in %d requests, want %d in half as many or fewer", n, r, 2*partitions*rounds)
	}
	everywhere(partitions, func(topic string, p int32) {
		for round, rec := range read(t, client, topic, p, 0) {
			if want := fmt.Sprint(topic, p, " ", round, " 0"); string(rec.Value) != want {
				t.Errorf("%s/%d has %q at %d, want %q", topic, p, rec.Value, round, want)
			}
		}
	})
}

// Of batches in one request each has its own answer: one that a leader refuses is its caller's matter, and one that it stores without saying so is sent again
// by itself.
func TestABatchIsAnsweredForItself(t *testing.T) {
	for name, c := range map[string]struct {
		code  *kerr.Error
		fails bool
	}{
		"refused for good":           {kerr.MessageTooLarge, true},
		"refused for a while":        {kerr.NotEnoughReplicas, false},
		"stored, and said to be not": {kerr.RequestTimedOut, false},
	} {
		t.Run(name, func(t *testing.T) {
			const partitions = 4
			b, client := embedded(t)
			Topic(t, client, "t", partitions, nil)
			Topic(t, client, "u", partitions, nil)
			producer := client.NewProducer(kafka.DefaultProducerConfig())
			for round := range 5 {
				b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "u", Partitions: []int32{2}, Err: c.code, Count: 1})
				everywhere(partitions, func(topic string, p int32) {
					_, err := producer.Produce(deadline(t), topic, p, records(1, fmt.Sprint(round)))
					if fails := c.fails && topic == "u" && p == 2; (err != nil) != fails {
						t.Errorf("%s/%d: %v", topic, p, err)
					}
				})
			}
			everywhere(partitions, func(topic string, p int32) {
				want := 5
				if c.fails && topic == "u" && p == 2 {
					want = 0
				}
				if n := len(read(t, client, topic, p, 0)); n != want {
					t.Errorf("%s/%d has %d records, want %d", topic, p, n, want)
				}
			})
		})
	}
}

// Callers that go away take nobody's batch with them, and leave nothing behind that a later batch is taken for.
func TestCallersThatGoAwayLeaveTheOthersBatches(t *testing.T) {
	const partitions, rounds = 6, 60
	b, client := embedded(t)
	Topic(t, client, "t", partitions, nil)
	Topic(t, client, "u", partitions, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	var mu sync.Mutex
	acknowledged := make(map[string]bool)
	gone := 0
	everywhere(partitions, func(topic string, p int32) {
		random := rand.New(rand.NewPCG(uint64(p), uint64(topic[0])))
		for round := range rounds {
			if random.IntN(4) == 0 {
				b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Partitions: []int32{p}, Err: kerr.RequestTimedOut, Count: 1})
			}
			ctx, stop := deadline(t), func() {}
			if random.IntN(2) == 0 {
				ctx, stop = context.WithTimeout(ctx, time.Duration(random.IntN(3_000))*time.Microsecond)
			}
			value := fmt.Sprintf("%s/%d/%d", topic, p, round)
			_, err := producer.Produce(ctx, topic, p, []event.Record{{Key: []byte("k"), Value: []byte(value)}})
			stop()
			mu.Lock()
			acknowledged[value] = err == nil
			if err != nil {
				gone++
			}
			mu.Unlock()
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", value, err)
			}
		}
	})
	if gone == 0 || gone == 2*partitions*rounds {
		t.Errorf("%d callers of %d went away: nothing is shown", gone, 2*partitions*rounds)
	}
	stored := make(map[string]int)
	for _, topic := range []string{"t", "u"} {
		for p := range int32(partitions) {
			for _, rec := range read(t, client, topic, p, 0) {
				stored[string(rec.Value)]++
			}
		}
	}
	for value, ok := range acknowledged {
		if n := stored[value]; n > 1 || ok && n != 1 {
			t.Errorf("%s is stored %d times; acknowledged: %t", value, n, ok)
		}
	}
}

// A broker answers a request when the last of its batches is replicated. A partition that is slow takes others along once, and goes by itself from then on.
func TestAPartitionThatStaysSlowHoldsUpNoOther(t *testing.T) {
	const partitions, rounds = 4, 5
	b, client := embedded(t)
	Topic(t, client, "t", partitions, nil)
	Topic(t, client, "u", 1, nil)
	var release atomic.Pointer[chan struct{}]
	b.ControlKey(kmsg.Produce.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			if topic.Topic == "u" {
				b.SleepControl(func() { <-*release.Load() })
			}
		}
		return nil, nil, false
	})
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	for round := range rounds {
		replicated := make(chan struct{})
		release.Store(&replicated)
		slow := make(chan error, 1)
		go func() {
			_, err := producer.Produce(deadline(t), "u", 0, records(1, fmt.Sprint(round)))
			slow <- err
		}()
		if round == 0 { // when nobody knows yet
			time.AfterFunc(200*time.Millisecond, func() { close(replicated) })
		}
		var others sync.WaitGroup
		for p := range int32(partitions) {
			others.Go(func() {
				// A request that is held ends by itself only later, and what is in it is sent again.
				ctx, cancel := context.WithTimeout(deadline(t), kafka.DefaultConfig().RequestTimeout/2)
				defer cancel()
				if _, err := producer.Produce(ctx, "t", p, records(1, fmt.Sprint(round))); err != nil {
					t.Errorf("round %d: t/%d: %v", round, p, err)
				}
			})
		}
		others.Wait()
		if round > 0 {
			if len(slow) > 0 {
				t.Error("it was not slow")
			}
			time.AfterFunc(200*time.Millisecond, func() { close(replicated) })
		}
		if err := <-slow; err != nil {
			t.Error(err)
		}
	}
	for p := range int32(partitions) {
		if n := len(read(t, client, "t", p, 0)); n != rounds {
			t.Errorf("t/%d has %d records, want %d", p, n, rounds)
		}
	}
}

// Brokers close the connection of a request that is too large, whatever its batches are (socket.request.max.bytes): large batches go in requests of their own.
func TestLargeBatchesDoNotAddUpToOneRequest(t *testing.T) {
	const partitions, size = 8, 400_000
	b, client := embedded(t)
	Topic(t, client, "t", partitions, nil)
	Topic(t, client, "u", partitions, nil)
	var most atomic.Int64
	b.ControlKey(kmsg.Produce.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		bytes := int64(0)
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			for _, p := range topic.Partitions {
				bytes += int64(len(p.Records))
			}
		}
		for before := most.Load(); bytes > before && !most.CompareAndSwap(before, bytes); before = most.Load() {
		}
		return nil, nil, false
	})
	cfg := kafka.DefaultProducerConfig()
	cfg.Compression = "none"
	producer := client.NewProducer(cfg)
	everywhere(partitions, func(topic string, p int32) {
		if _, err := producer.Produce(deadline(t), topic, p, []event.Record{{Value: make([]byte, size)}}); err != nil {
			t.Error(err)
		}
	})
	if most := most.Load(); most < size || most > 1<<20 {
		t.Errorf("the largest request has %d bytes of batches, want %d to %d", most, size, 1<<20)
	}
}
