package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

// These tests break the network between the producer and the broker, embedded or Apache Kafka's.

// impatient has lost answers noticed as soon as the settings allow.
func impatient(t testing.TB, broker string) *kafka.Client {
	t.Helper()
	return ClientOf(t, kafka.Config{Brokers: []string{broker}, RequestTimeout: time.Second, DialTimeout: time.Second})
}

// disturb has a fault every few milliseconds until ctx ends, then heals the proxy. Reproduce a run by its seed.
func disturb(ctx context.Context, t testing.TB, proxy *faultproxy.Proxy, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	defer proxy.Heal()
	for ctx.Err() == nil {
		switch random.IntN(10) {
		case 0, 1, 2, 3: // in the middle of whatever
			proxy.Cut()
		case 4, 5: // half a request
			proxy.CutAfter(1 + random.Int64N(20_000))
		case 6, 7: // a request whose answer is lost, in part or whole
			proxy.CutAnswersAfter(1 + random.Int64N(2_000))
		case 8: // away, then slow
			proxy.Refuse(true)
			proxy.Cut()
		case 9:
			proxy.Delay(time.Duration(random.IntN(10)) * time.Millisecond)
		}
		pause(ctx, time.Duration(5+random.IntN(20))*time.Millisecond)
		proxy.Heal() // or no request would ever get through
		pause(ctx, time.Duration(random.IntN(20))*time.Millisecond)
	}
	taken, cut := proxy.Counts()
	t.Logf("seed %d: of %d connections %d were cut", seed, taken, cut)
	if cut < 10 {
		t.Errorf("only %d connections were cut: too few to say anything", cut)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

const (
	partitions   = 4
	perPartition = 5_000
)

// numbered returns records from to to-1 of a partition. Their value is their number.
func numbered(key string, from, to int) []event.Record {
	var out []event.Record
	for i := from; i < to; i++ {
		out = append(out, event.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(key), Value: fmt.Appendf(nil, "%s %d", key, i)})
	}
	return out
}

// keys returns a key for each partition.
func keys() [partitions]string {
	var out [partitions]string
	for i := 0; ; i++ {
		key := fmt.Sprint("visitor", i)
		p := kafka.PartitionForKey([]byte(key), partitions)
		if out[p] == "" {
			out[p] = key
		}
		if out[0] != "" && out[1] != "" && out[2] != "" && out[3] != "" {
			return out
		}
	}
}

// wantEachOnce reads the topic and wants the records of each partition once and in order.
func wantEachOnce(t *testing.T, client *kafka.Client, topic string) {
	t.Helper()
	for p, key := range keys() {
		got := read(t, client, topic, int32(p), 0)
		if len(got) != perPartition {
			t.Errorf("partition %d has %d records, not %d", p, len(got), perPartition)
		}
		for i := range min(len(got), perPartition) {
			if want := fmt.Sprint(key, " ", i); string(got[i].Value) != want {
				t.Errorf("partition %d, offset %d: %q, not %q", p, i, got[i].Value, want)
				break
			}
		}
	}
}

// throughFaults writes the records of all partitions at once while the network breaks, and wants each stored once, in order.
func throughFaults(t *testing.T, write func(ctx context.Context, p *kafka.Producer, topic string, partition int32, recs []event.Record) error) {
	address, proxy := StartProxied(t)
	client := impatient(t, address)
	Topic(t, client, "faults", partitions, nil)
	cfg := kafka.DefaultProducerConfig()
	cfg.MaxBatchBytes, cfg.Timeout, cfg.Compression = 1024, 2*time.Minute, "none" // many requests
	producer := client.NewProducer(cfg)
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	trouble, quiet := context.WithCancel(ctx)
	defer quiet()
	disturbed := make(chan struct{})
	go func() {
		defer close(disturbed)
		disturb(trouble, t, proxy, rand.Uint64())
	}()

	work, workCtx := errgroup.WithContext(ctx)
	for p, key := range keys() {
		work.Go(func() error {
			for from := 0; from < perPartition; {
				to := min(perPartition, from+1+rand.IntN(20))
				if err := write(workCtx, producer, "faults", int32(p), numbered(key, from, to)); err != nil {
					return fmt.Errorf("records %d–%d of partition %d: %w", from, to, p, err)
				}
				from = to
			}
			return nil
		})
	}
	err := work.Wait()
	quiet()
	<-disturbed
	if err != nil {
		t.Fatal(err)
	}
	wantEachOnce(t, client, "faults")
}

func TestProduceStoresEachRecordOnceInOrderThroughABrokenNetwork(t *testing.T) {
	throughFaults(t, func(ctx context.Context, p *kafka.Producer, topic string, partition int32, recs []event.Record) error {
		_, err := p.Produce(ctx, topic, partition, recs)
		return err
	})
}

func TestSendStoresEachRecordOnceInOrderThroughABrokenNetwork(t *testing.T) {
	throughFaults(t, func(ctx context.Context, p *kafka.Producer, topic string, _ int32, recs []event.Record) error {
		return p.Send(ctx, topic, recs)
	})
}

// The broker stores every batch, and not one answer arrives, nor the end of the connection: the worst that can be.
func TestBatchesWhoseAnswersAreSwallowedAreStoredOnce(t *testing.T) {
	address, proxy := StartProxied(t)
	client := impatient(t, address)
	Topic(t, client, "swallowed", 1, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	var want []string
	for round := range 3 {
		// The first record makes sure of connections and metadata, so that the second's request is what loses its answer.
		for i := range 2 {
			proxy.DropAnswers(i == 1)
			done := make(chan error)
			key := fmt.Sprint("round ", round, " record ", i)
			go func() {
				_, err := producer.Produce(deadline(t), "swallowed", 0, records(1, key))
				done <- err
			}()
			if i == 1 {
				waitSwallowed(t, proxy)
				proxy.Heal()
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			want = append(want, key+" 0")
		}
	}
	got := read(t, client, "swallowed", 0, 0)
	if len(got) != len(want) {
		t.Fatalf("%d records are stored, not %d", len(got), len(want))
	}
	for i := range want {
		if string(got[i].Value) != want[i] {
			t.Errorf("offset %d: %q, not %q", i, got[i].Value, want[i])
		}
	}
}

func waitSwallowed(t *testing.T, proxy *faultproxy.Proxy) {
	t.Helper()
	Wait(t, func() bool { return proxy.Swallowed() > 0 }, "an answer is swallowed")
}

// A producer that starts while the broker is away has no number yet: it gets one when the broker is back.
func TestAProducerStartsWhileTheBrokerIsAway(t *testing.T) {
	address, proxy := StartProxied(t)
	Topic(t, impatient(t, address), "away", 1, nil)
	proxy.Refuse(true)
	proxy.Cut()
	client := impatient(t, address)
	cfg := kafka.DefaultProducerConfig()
	cfg.Timeout = 300 * time.Millisecond
	if _, err := client.NewProducer(cfg).Produce(deadline(t), "away", 0, records(1, "k")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without a broker: %v", err)
	}
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	done := make(chan error)
	go func() {
		_, err := producer.Produce(deadline(t), "away", 0, records(1, "k"))
		done <- err
	}()
	proxy.Refuse(false)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := read(t, client, "away", 0, 0); len(got) != 1 {
		t.Errorf("%d records are stored, not 1", len(got))
	}
}

// A batch that hangs holds its partition; who waits behind it can still go.
func TestAContextEndsTheWaitForThePartition(t *testing.T) {
	address, proxy := StartProxied(t)
	client := Client(t, address)
	Topic(t, client, "held", 1, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	if _, err := producer.Produce(deadline(t), "held", 0, records(1, "first")); err != nil {
		t.Fatal(err)
	}
	proxy.DropAnswers(true)
	hanging, letGo := context.WithCancel(deadline(t))
	defer letGo()
	done := make(chan error)
	go func() {
		_, err := producer.Produce(hanging, "held", 0, records(1, "hangs"))
		done <- err
	}()
	waitSwallowed(t, proxy)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	started := time.Now()
	if _, err := producer.Produce(ctx, "held", 0, records(1, "behind")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if waited := time.Since(started); waited > 5*time.Second {
		t.Errorf("it took %v to end", waited)
	}
	letGo()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A batch whose answer was swallowed is given up, and may be stored. The one after it has as many records: were it numbered like the
// first, the broker would take it for a repetition and throw it away.
func TestTheBatchAfterASwallowedOneIsStored(t *testing.T) {
	address, proxy := StartProxied(t)
	client := impatient(t, address)
	Topic(t, client, "after", 1, nil)
	cfg := kafka.DefaultProducerConfig()
	cfg.Timeout = time.Minute
	producer := client.NewProducer(cfg)
	want := []string{}
	for round := range 3 {
		before := fmt.Sprint("before ", round)
		if _, err := producer.Produce(deadline(t), "after", 0, records(1, before)); err != nil {
			t.Fatal(err)
		}
		proxy.DropAnswers(true)
		ctx, giveUp := context.WithCancel(deadline(t))
		done := make(chan error)
		gone := fmt.Sprint("given up ", round)
		go func() {
			_, err := producer.Produce(ctx, "after", 0, records(1, gone))
			done <- err
		}()
		waitSwallowed(t, proxy)
		giveUp()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		proxy.Heal()
		next := fmt.Sprint("next ", round)
		if _, err := producer.Produce(deadline(t), "after", 0, records(1, next)); err != nil {
			t.Fatal(err)
		}
		want = append(want, before+" 0", gone+" 0", next+" 0")
	}
	var got []string
	for _, rec := range read(t, client, "after", 0, 0) {
		got = append(got, string(rec.Value))
	}
	// What was given up may be missing, when the answer swallowed was another request's; all else may not, nor may the order change.
	for _, value := range want {
		switch {
		case len(got) > 0 && got[0] == value:
			got = got[1:]
		case !strings.HasPrefix(value, "given up"):
			t.Errorf("%q is missing", value)
		}
	}
	if len(got) > 0 {
		t.Errorf("%q should not be there", got)
	}
}
