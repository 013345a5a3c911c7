//go:build !apachekafka

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/local/engines/broker"
)

// watched returns a broker's client and a count of the fetches that it was asked for, and of the partitions in them.
func watched(t *testing.T) (client *kafka.Client, fetches, partitions *atomic.Int64) {
	t.Helper()
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	fetches, partitions = new(atomic.Int64), new(atomic.Int64)
	b.ControlKey(kmsg.Fetch.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		fetches.Add(1)
		for _, topic := range req.(*kmsg.FetchRequest).Topics {
			partitions.Add(int64(len(topic.Partitions)))
		}
		return nil, nil, false
	})
	return Client(t, b.Address()), fetches, partitions
}

func logOf(t *testing.T, client *kafka.Client, topic string, partition int32) kafka.Log {
	t.Helper()
	log, err := client.Log(deadline(t), topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestARoundFetchesForAllPartitionsAtOnce(t *testing.T) {
	const partitions = 8
	client, fetches, asked := watched(t)
	Topic(t, client, "t", partitions, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	for p := range int32(partitions) {
		if _, err := producer.Produce(deadline(t), "t", p, records(int(p+1), "key")); err != nil {
			t.Fatal(err)
		}
	}
	log := logOf(t, client, "t", 0)
	rounds := client.NewRounds(time.Second)
	var all sync.WaitGroup
	for p := range int32(partitions) {
		all.Go(func() {
			of := log
			of.Partition = p
			got, err := rounds.Fetch(deadline(t), of, 0, kafka.DefaultFetchOptions)
			if err != nil {
				t.Error(err)
				return
			}
			defer got.Release()
			if len(got.Records) != int(p+1) || got.Next != int64(p+1) || got.HighWatermark != int64(p+1) {
				t.Errorf("partition %d: %d records, next %d, high watermark %d", p, len(got.Records), got.Next, got.HighWatermark)
			}
			for i := range got.Records {
				if got.Records[i].Partition != p {
					t.Errorf("a record of partition %d among those of %d", got.Records[i].Partition, p)
				}
			}
		})
	}
	all.Wait()
	// The calls may fall on both sides of a round's begin.
	if fetches.Load() > 2 || asked.Load() != partitions {
		t.Errorf("%d requests of %d partitions", fetches.Load(), asked.Load())
	}
}

func TestWhatIsWrongWithAPartitionIsItsReadersAlone(t *testing.T) {
	client, _, _ := watched(t)
	Topic(t, client, "t", 2, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	if _, err := producer.Produce(deadline(t), "t", 0, records(1, "key")); err != nil {
		t.Fatal(err)
	}
	rounds := client.NewRounds(50 * time.Millisecond)
	of := [2]kafka.Log{logOf(t, client, "t", 0), logOf(t, client, "t", 1)}
	var both sync.WaitGroup
	both.Go(func() {
		got, err := rounds.Fetch(deadline(t), of[0], 0, kafka.DefaultFetchOptions)
		if err != nil || len(got.Records) != 1 {
			t.Errorf("partition 0: %v", err)
		}
	})
	both.Go(func() {
		var outOfRange *kafka.OffsetOutOfRange
		if _, err := rounds.Fetch(deadline(t), of[1], 7, kafka.DefaultFetchOptions); !errors.As(err, &outOfRange) || outOfRange.End != 0 {
			t.Errorf("partition 1: %v", err)
		}
	})
	both.Wait()
	gone := of[0]
	gone.ID = uuid.New()
	if _, err := rounds.Fetch(deadline(t), gone, 0, kafka.DefaultFetchOptions); !errors.Is(err, kafka.ErrLogGone) {
		t.Errorf("of another log: %v", err)
	}
	gone.Topic = "none"
	if _, err := rounds.Fetch(deadline(t), gone, 0, kafka.DefaultFetchOptions); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("of no topic: %v", err)
	}
}

// Whoever waits for records is not woken by those of others, and not kept from its own by a round that waits.
func TestARecordIsMetWhileOthersWait(t *testing.T) {
	client, fetches, asked := watched(t)
	Topic(t, client, "t", 2, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	opts := kafka.FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 20 * time.Second}
	log := logOf(t, client, "t", 0)
	rounds := client.NewRounds(2 * time.Second) // the two below are there before it begins
	quiet, stop := context.WithCancel(deadline(t))
	woken := make(chan error, 1)
	go func() {
		of := log
		of.Partition = 1
		_, err := rounds.Fetch(quiet, of, 0, opts)
		woken <- err
	}()
	for n := range int64(2) {
		before := fetches.Load()
		met := make(chan error, 1)
		go func() {
			got, err := rounds.Fetch(deadline(t), log, n, opts)
			if err == nil && len(got.Records) != 1 {
				err = fmt.Errorf("%d records", len(got.Records))
			}
			met <- err
		}()
		Wait(t, func() bool { return fetches.Load() > before }, "the round of those that wait")
		if n == 0 && (fetches.Load() != 1 || asked.Load() != 2) {
			t.Fatalf("%d requests of %d partitions: the two did not share a round", fetches.Load(), asked.Load())
		}
		if _, err := producer.Produce(deadline(t), "t", 0, []event.Record{{Key: []byte("key"), Value: []byte("value")}}); err != nil {
			t.Fatal(err)
		}
		if err := <-met; err != nil {
			t.Fatalf("at %d: %v", n, err)
		}
	}
	select {
	case err := <-woken:
		t.Fatalf("woken without a record: %v", err)
	default:
	}
	stop()
	if err := <-woken; !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
}

func TestWhatARoundBroughtStaysUntilItIsReleased(t *testing.T) {
	client, _, _ := watched(t)
	Topic(t, client, "t", 1, nil)
	cfg := kafka.DefaultProducerConfig()
	cfg.Compression = "none" // so that records lie in what was fetched
	producer := client.NewProducer(cfg)
	rounds := client.NewRounds(0)
	log := logOf(t, client, "t", 0)
	const n = 20
	var held []*kafka.Batch
	for i := range n {
		if _, err := producer.Produce(deadline(t), "t", 0, []event.Record{{Value: fmt.Appendf(nil, "value %02d", i)}}); err != nil {
			t.Fatal(err)
		}
		got, err := rounds.Fetch(deadline(t), log, int64(i), kafka.DefaultFetchOptions)
		if err != nil || len(got.Records) != 1 {
			t.Fatalf("at %d: %v", i, err)
		}
		held = append(held, got)
	}
	for i, got := range held {
		if want := fmt.Sprintf("value %02d", i); string(got.Records[0].Value) != want {
			t.Errorf("record %d is %q, want %q", i, got.Records[0].Value, want)
		}
		got.Release()
	}
}

// A round of few partitions brings what came of each, beyond what one fetch of it may; one of many keeps to that.
func TestARoundOfFewPartitionsBringsMoreOfEach(t *testing.T) {
	client, _, _ := watched(t)
	cfg := kafka.DefaultProducerConfig()
	cfg.Compression = "none"
	cfg.MaxBatchBytes = 20_000
	producer := client.NewProducer(cfg)
	opts := kafka.FetchOptions{MinBytes: 1, MaxBytes: 40_000, MaxWait: 20 * time.Second}
	for _, c := range []struct {
		topic      string
		partitions int
		whole      bool
	}{{"few", 2, true}, {"many", 40, false}} {
		Topic(t, client, c.topic, c.partitions, nil)
		records := make([]event.Record, 20)
		for i := range records {
			records[i] = event.Record{Value: make([]byte, 10_000)}
		}
		logs := make([]kafka.Log, c.partitions)
		for p := range logs {
			logs[p] = logOf(t, client, c.topic, int32(p))
			if _, err := producer.Produce(deadline(t), c.topic, int32(p), records); err != nil {
				t.Fatal(err)
			}
		}
		rounds := client.NewRounds(time.Second) // the first begins when all wait for it
		brought := make([]int, c.partitions)
		var readers errgroup.Group
		for p, log := range logs {
			readers.Go(func() error {
				got, err := rounds.Fetch(deadline(t), log, 0, opts)
				if err == nil {
					brought[p] = len(got.Records)
				}
				return err
			})
		}
		if err := readers.Wait(); err != nil {
			t.Fatal(err)
		}
		for p, got := range brought {
			if c.whole != (got == len(records)) || got == 0 {
				t.Errorf("%s: partition %d brought %d of %d records", c.topic, p, got, len(records))
			}
		}
	}
}
