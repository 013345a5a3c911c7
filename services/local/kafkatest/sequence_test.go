//go:build !apachekafka

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/local/engines/broker"
)

// These tests have the broker answer produce requests with given errors. REQUEST_TIMED_OUT comes with the batch stored all the
// same, as a real broker's may; with any other error nothing is stored.

// a writer is one of the two ways to write: records of one partition, until they are acknowledged.
type writer func(ctx context.Context, recs []event.Record) error

// writers returns both ways to write to partition 0 of topic, which has no other.
func writers(producer *kafka.Producer, topic string) map[string]writer {
	return map[string]writer{
		"Produce": func(ctx context.Context, recs []event.Record) error {
			_, err := producer.Produce(ctx, topic, 0, recs)
			return err
		},
		"Send": func(ctx context.Context, recs []event.Record) error { return producer.Send(ctx, topic, recs) },
	}
}

func embedded(t *testing.T) (*broker.Broker, *kafka.Client) {
	t.Helper()
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b, Client(t, b.Address())
}

// failProduce has the next n produce requests answered with an error; n -1 is all, until the handle is removed.
func failProduce(b *broker.Broker, n int, err *kerr.Error) *kfake.FaultHandle {
	return b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: n})
}

// stored returns the values in partition 0 of topic.
func stored(t *testing.T, client *kafka.Client, topic string) []string {
	t.Helper()
	var out []string
	for _, rec := range read(t, client, topic, 0, 0) {
		out = append(out, string(rec.Value))
	}
	return out
}

func TestARetryOfWhatIsStoredAlreadyIsNotStoredAgain(t *testing.T) {
	for name := range writers(nil, "") {
		t.Run(name, func(t *testing.T) {
			b, client := embedded(t)
			Topic(t, client, "t", 1, nil)
			write := writers(client.NewProducer(kafka.DefaultProducerConfig()), "t")[name]
			var want []string
			for round := range 5 {
				failProduce(b, round+1, kerr.RequestTimedOut)
				key := fmt.Sprint("round ", round)
				if err := write(deadline(t), records(3, key)); err != nil {
					t.Fatal(err)
				}
				want = append(want, key+" 0", key+" 1", key+" 2")
			}
			if diff := cmp.Diff(want, stored(t, client, "t")); diff != "" {
				t.Errorf("want each record once, in order:\n%s", diff)
			}
		})
	}
}

func TestWithoutIdempotenceARetryIsStoredAgain(t *testing.T) {
	b, client := embedded(t)
	Topic(t, client, "t", 1, nil)
	cfg := kafka.DefaultProducerConfig()
	cfg.Idempotent = false
	failProduce(b, 1, kerr.RequestTimedOut)
	if _, err := client.NewProducer(cfg).Produce(deadline(t), "t", 0, records(1, "k")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"k 0", "k 0"}, stored(t, client, "t")); diff != "" {
		t.Errorf("the fault of the other tests does not do what they think:\n%s", diff)
	}
}

// A batch that was given up may be stored. Were its sequence used again, the broker would take the next batch, of as many records,
// for a repetition, acknowledge it, and throw it away.
func TestABatchAfterOneThatWasGivenUpIsNotTakenForIt(t *testing.T) {
	for name := range writers(nil, "") {
		t.Run(name, func(t *testing.T) {
			b, client := embedded(t)
			Topic(t, client, "t", 1, nil)
			cfg := kafka.DefaultProducerConfig()
			cfg.Timeout = 100 * time.Millisecond
			write := writers(client.NewProducer(cfg), "t")[name]
			if err := write(deadline(t), records(1, "before")); err != nil {
				t.Fatal(err)
			}
			fault := failProduce(b, -1, kerr.RequestTimedOut)
			if err := write(deadline(t), records(1, "given up")); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			fault.Remove()
			if err := write(deadline(t), records(1, "next")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"before 0", "given up 0", "next 0"}, stored(t, client, "t")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The same for a caller that went away, whose batch may be on its way still.
func TestABatchAfterOneThatWasCancelledIsNotTakenForIt(t *testing.T) {
	b, client := embedded(t)
	Topic(t, client, "t", 1, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	fault := failProduce(b, -1, kerr.RequestTimedOut)
	ctx, cancel := context.WithCancel(deadline(t))
	done := make(chan error)
	go func() {
		_, err := producer.Produce(ctx, "t", 0, records(1, "cancelled"))
		done <- err
	}()
	if err := fault.Wait(deadline(t), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	fault.Remove()
	if _, err := producer.Produce(deadline(t), "t", 0, records(1, "next")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"cancelled 0", "next 0"}, stored(t, client, "t")); diff != "" {
		t.Error(diff)
	}
}

// A broker that does not agree with the producer's numbers gets new ones; what it had refused is stored once.
func TestRefusedNumbersAreReplaced(t *testing.T) {
	for _, code := range []*kerr.Error{
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidProducerIDMapping,
		// Nothing of ours can be stored yet, so this is somebody else's batch: taking it for success would lose ours.
		kerr.DuplicateSequenceNumber,
	} {
		t.Run(code.Message, func(t *testing.T) {
			b, client := embedded(t)
			Topic(t, client, "t", 1, nil)
			producer := client.NewProducer(kafka.DefaultProducerConfig())
			var want []string
			for round := range 3 {
				failProduce(b, round+1, code)
				if _, err := producer.Produce(deadline(t), "t", 0, records(2, fmt.Sprint(round))); err != nil {
					t.Fatal(err)
				}
				want = append(want, fmt.Sprint(round, " 0"), fmt.Sprint(round, " 1"))
			}
			if diff := cmp.Diff(want, stored(t, client, "t")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestADuplicateOfAnEarlierTryIsSuccess(t *testing.T) {
	b, client := embedded(t)
	Topic(t, client, "t", 1, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	failProduce(b, 1, kerr.RequestTimedOut)
	failProduce(b, 1, kerr.DuplicateSequenceNumber)
	offset, err := producer.Produce(deadline(t), "t", 0, records(1, "k"))
	if err != nil || offset != -1 {
		t.Errorf("got offset %d, %v; the broker did not tell the offset", offset, err)
	}
	if offset, err = producer.Produce(deadline(t), "t", 0, records(1, "l")); err != nil || offset != 1 {
		t.Errorf("the next record is at offset %d, %v; want 1", offset, err)
	}
	if diff := cmp.Diff([]string{"k 0", "l 0"}, stored(t, client, "t")); diff != "" {
		t.Error(diff)
	}
}

// What the broker refuses for good leaves no gap behind: its sequence goes to the next batch.
func TestARefusedBatchLeavesNoGap(t *testing.T) {
	b, client := embedded(t)
	Topic(t, client, "t", 1, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	failProduce(b, 1, kerr.MessageTooLarge)
	var tooLarge *kafka.RecordTooLarge
	if _, err := producer.Produce(deadline(t), "t", 0, records(1, "k")); !errors.As(err, &tooLarge) {
		t.Fatalf("got %v", err)
	}
	fault := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	if _, err := producer.Produce(deadline(t), "t", 0, records(1, "l")); err != nil {
		t.Fatal(err)
	}
	if hits := fault.Hits(); hits != 1 {
		t.Errorf("the next batch took %d tries", hits)
	}
	if diff := cmp.Diff([]string{"l 0"}, stored(t, client, "t")); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutTheRightToAProducerIDTheErrorNamesTheSetting(t *testing.T) {
	b, client := embedded(t)
	Topic(t, client, "t", 1, nil)
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.ClusterAuthorizationFailed, Count: -1})
	cfg := kafka.DefaultProducerConfig()
	_, err := client.NewProducer(cfg).Produce(deadline(t), "t", 0, records(1, "k"))
	if !errors.Is(err, kafkago.ClusterAuthorizationFailed) || kafka.Retriable(err) || !strings.Contains(err.Error(), "producer.idempotent") {
		t.Errorf("got %v", err)
	}
	cfg.Idempotent = false
	if _, err := client.NewProducer(cfg).Produce(deadline(t), "t", 0, records(1, "k")); err != nil {
		t.Errorf("without idempotence: %v", err)
	}
}

// kfake keeps the producers' state on disk, like Kafka; in memory it loses the topic with it.
func TestABrokerThatRestartsKnowsWhatItHas(t *testing.T) {
	dir, address := t.TempDir(), "127.0.0.1:0"
	start := func() *broker.Broker {
		t.Helper()
		b, err := broker.Start(broker.Config{Address: address, DataDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := start()
	address = b.Address()
	client := Client(t, address)
	Topic(t, client, "t", 1, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	var want []string
	for round := range 3 {
		fault := failProduce(b, -1, kerr.RequestTimedOut)
		done := make(chan error)
		key := fmt.Sprint("round ", round)
		go func() {
			_, err := producer.Produce(deadline(t), "t", 0, records(2, key))
			done <- err
		}()
		if err := fault.Wait(deadline(t), 1); err != nil {
			t.Fatal(err)
		}
		b.Close()
		b = start()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want = append(want, key+" 0", key+" 1")
	}
	t.Cleanup(func() { b.Close() })
	if diff := cmp.Diff(want, stored(t, client, "t")); diff != "" {
		t.Error(diff)
	}
}

// A request can reach the broker long after its batch was given up and the next one stored, from a connection that hung. It is too
// late then: it must not be stored out of order.
func TestALatecomerIsRefused(t *testing.T) {
	b, client := embedded(t)
	Topic(t, client, "t", 1, nil)
	cfg := kafka.DefaultProducerConfig()
	cfg.Timeout = 500 * time.Millisecond
	producer := client.NewProducer(cfg)
	if _, err := producer.Produce(deadline(t), "t", 0, records(1, "before")); err != nil {
		t.Fatal(err)
	}

	// The requests of the next batch go astray: the broker does not see them, and we keep one. The last may be on its way still when its sender has given
	// up, so that they are told from later ones by who sends them.
	var latest atomic.Pointer[kmsg.ProduceRequest]
	b.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		sent, astray := req.(*kmsg.ProduceRequest), latest.Load()
		if astray != nil && sender(sent) != sender(astray) {
			b.DropControl()
			return nil, nil, false
		}
		b.KeepControl()
		latest.Store(sent)
		return nil, errors.New("the connection is cut"), true
	})
	if _, err := producer.Produce(deadline(t), "t", 0, records(1, "late")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if _, err := producer.Produce(deadline(t), "t", 0, records(1, "next")); err != nil {
		t.Fatal(err)
	}

	foreign, err := kgo.NewClient(kgo.SeedBrokers(b.Address()), kgo.MaxVersions(kversion.V2_8_0())) // later versions name topics by id
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	answer, err := latest.Load().RequestWith(deadline(t), foreign)
	if err != nil {
		t.Fatal(err)
	}
	if code := answer.Topics[0].Partitions[0].ErrorCode; code != kerr.InvalidProducerEpoch.Code {
		t.Errorf("the latecomer is answered with %v", kerr.ErrorForCode(code))
	}
	if diff := cmp.Diff([]string{"before 0", "next 0"}, stored(t, client, "t")); diff != "" {
		t.Error(diff)
	}
}

// sender is the producer's id and epoch in a request's batch (format 2).
func sender(req *kmsg.ProduceRequest) string {
	return string(req.Topics[0].Partitions[0].Records[43:53])
}

// The answer is lost, and with it what the broker knew of the producer. Whether the batch is stored cannot be found out any more: it is
// sent again, since readers can tell a double and nobody can fix a loss. The metric says that it happened.
func TestABatchOfUnknownFateIsSentAgainAndCounted(t *testing.T) {
	b, _ := embedded(t)
	registry := prometheus.NewRegistry()
	client, err := kafka.NewClient(kafka.Config{Brokers: []string{b.Address()}}, zap.NewNop(), registry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	Topic(t, client, "t", 1, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	for _, key := range []string{"sure", "unsure"} {
		if key == "unsure" {
			failProduce(b, 1, kerr.RequestTimedOut)
		}
		failProduce(b, 1, kerr.UnknownProducerID)
		if _, err := producer.Produce(deadline(t), "t", 0, records(1, key)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"sure 0", "unsure 0", "unsure 0"}, stored(t, client, "t")); diff != "" {
		t.Error(diff)
	}
	if n := counter(t, registry, "waymark_kafka_producer_resets_total"); n != 2 {
		t.Errorf("%v resets are counted, not 2", n)
	}
	if n := counter(t, registry, "waymark_kafka_producer_unsure_resends_total"); n != 1 {
		t.Errorf("%v unsure resends are counted, not 1", n)
	}
}

// counter returns the sum of a counter over its labels.
func counter(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
