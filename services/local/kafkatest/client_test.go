package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
)

func records(n int, key string) []event.Record {
	out := make([]event.Record, n)
	for i := range out {
		out[i] = event.Record{
			Timestamp: 1_700_000_000_000 + int64(i), Key: []byte(key), Value: fmt.Appendf(nil, "%s %d", key, i),
			Headers: []event.Header{{Key: "account", Value: []byte("demo")}, {Key: "n", Value: fmt.Append(nil, i)}, {Key: "empty", Value: []byte{}}, {Key: "null"}},
		}
	}
	return out
}

// read returns copies of the partition's records from offset on, up to its end now.
func read(t testing.TB, client *kafka.Client, topic string, partition int32, offset int64) []event.Record {
	t.Helper()
	ctx := deadline(t)
	bounds, err := client.Offsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var out []event.Record
	for offset < bounds[partition].End {
		batch, err := Fetch(ctx, client, topic, partition, offset, kafka.DefaultFetchOptions)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range batch.Records {
			rec.Key, rec.Value = clone(rec.Key), clone(rec.Value)
			headers := make([]event.Header, len(rec.Headers))
			for i, h := range rec.Headers {
				headers[i] = event.Header{Key: h.Key, Value: clone(h.Value)}
			}
			rec.Headers = headers
			out = append(out, rec)
		}
		offset = batch.Next
		batch.Release()
	}
	return out
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func deadline(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestRecordsComeBackAsTheyWereWritten(t *testing.T) {
	client := Client(t, Start(t))
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			topic := "codec-" + codec
			Topic(t, client, topic, 2, nil)
			cfg := kafka.DefaultProducerConfig()
			cfg.Compression = codec
			cfg.MaxBatchBytes = 4096 // so that there are several
			producer := client.NewProducer(cfg)
			want := records(300, "key")
			first, err := producer.Produce(deadline(t), topic, 1, want)
			if err != nil || first != 0 {
				t.Fatalf("first offset %d, error %v", first, err)
			}
			if first, err = producer.Produce(deadline(t), topic, 1, want[:3]); err != nil || first != 300 {
				t.Fatalf("first offset %d, error %v", first, err)
			}
			want = append(want, want[:3]...)
			for i := range want {
				want[i].Partition, want[i].Offset = 1, int64(i)
			}
			if diff := cmp.Diff(want, read(t, client, topic, 1, 0)); diff != "" {
				t.Error(diff)
			}
			if got := read(t, client, topic, 1, 151); len(got) != 152 || got[0].Offset != 151 {
				t.Errorf("from 151: %d records", len(got))
			}
			if got := read(t, client, topic, 0, 0); len(got) != 0 {
				t.Errorf("partition 0 has %d records", len(got))
			}
		})
	}
}

func TestSendStoresEveryRecordOnceInTheOrderOfItsCaller(t *testing.T) {
	client := Client(t, Start(t))
	Topic(t, client, "send", 4, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	const callers, calls = 50, 20
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			key := fmt.Sprintf("caller%d", caller)
			for call := range calls {
				recs := []event.Record{{Key: []byte(key), Value: fmt.Append(nil, call)}, {Key: []byte(key), Value: fmt.Append(nil, call)}}
				if err := producer.Send(deadline(t), "send", recs); err != nil {
					t.Error(err)
				}
				clear(recs[0].Value) // Send must not need it any more
			}
		})
	}
	group.Wait()
	if err := producer.Close(deadline(t)); err != nil {
		t.Error(err)
	}
	if err := producer.Send(deadline(t), "send", records(1, "k")); !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	got := make(map[string][]string)
	for p := range int32(4) {
		for _, rec := range read(t, client, "send", p, 0) {
			if want := kafka.PartitionForKey(rec.Key, 4); want != p {
				t.Errorf("key %s in partition %d, want %d", rec.Key, p, want)
			}
			got[string(rec.Key)] = append(got[string(rec.Key)], string(rec.Value))
		}
	}
	var want []string
	for call := range calls {
		want = append(want, fmt.Sprint(call), fmt.Sprint(call))
	}
	for caller := range callers {
		key := fmt.Sprintf("caller%d", caller)
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}

func TestProducerRefuses(t *testing.T) {
	client := Client(t, Start(t))
	Topic(t, client, "refuse", 1, nil)
	cfg := kafka.DefaultProducerConfig()
	cfg.MaxBatchBytes, cfg.MaxBufferedBytes = 2048, 4096
	producer := client.NewProducer(cfg)
	var tooLarge *kafka.RecordTooLarge
	big := []event.Record{{Value: make([]byte, 2048)}}
	if err := producer.Send(deadline(t), "refuse", big); !errors.As(err, &tooLarge) {
		t.Errorf("a large record: %v", err)
	}
	if _, err := producer.Produce(deadline(t), "refuse", 0, big); !errors.As(err, &tooLarge) {
		t.Errorf("a large record: %v", err)
	}
	if err := producer.Send(deadline(t), "refuse", records(100, "k")); !errors.Is(err, kafka.ErrBufferFull) {
		t.Errorf("more than the buffer: %v", err)
	}
	if err := producer.Send(deadline(t), "no-such-topic", records(1, "k")); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("an unknown topic: %v", err)
	}
	if got := read(t, client, "refuse", 0, 0); len(got) != 0 {
		t.Errorf("%d records were stored", len(got))
	}
}

func TestFetchTellsWhatIsNotThere(t *testing.T) {
	client := Client(t, Start(t))
	Topic(t, client, "bounds", 1, nil)
	if _, err := client.NewProducer(kafka.DefaultProducerConfig()).Produce(deadline(t), "bounds", 0, records(5, "k")); err != nil {
		t.Fatal(err)
	}
	var outOfRange *kafka.OffsetOutOfRange
	if _, err := Fetch(deadline(t), client, "bounds", 0, 6, kafka.DefaultFetchOptions); !errors.As(err, &outOfRange) || outOfRange.End != 5 {
		t.Errorf("past the end: %v", err)
	}
	if _, err := Fetch(deadline(t), client, "no-such-topic", 0, 0, kafka.DefaultFetchOptions); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("an unknown topic: %v", err)
	}
	if _, err := client.Partitions(deadline(t), "no-such-topic"); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("an unknown topic: %v", err)
	}
	options := kafka.DefaultFetchOptions
	options.MaxWait = 10 * time.Millisecond
	batch, err := Fetch(deadline(t), client, "bounds", 0, 5, options)
	if err != nil || len(batch.Records) != 0 || batch.Next != 5 || batch.HighWatermark != 5 {
		t.Errorf("at the end: %+v, %v", batch, err)
	}
}

func TestApplyTopics(t *testing.T) {
	client := Client(t, Start(t))
	apply := func(partitions int, config map[string]string) (string, error) {
		changes, err := admin.ApplyTopics(deadline(t), client, []admin.TopicSpec{{Name: "t", Partitions: partitions, ReplicationFactor: 1, Config: config}})
		action := ""
		for _, c := range changes {
			action += c.Action + ";"
		}
		return action, err
	}
	for _, c := range []struct {
		partitions int
		config     map[string]string
		want       string
	}{
		{2, map[string]string{"retention.ms": "1000000"}, "created;"},
		{2, map[string]string{"retention.ms": "1000000"}, "unchanged;"},
		{4, map[string]string{"retention.ms": "2000000"}, "partitions added;config changed;"},
		{4, map[string]string{"min.insync.replicas": "2"}, "unchanged;"}, // more than its copies: nobody could write
	} {
		if got, err := apply(c.partitions, c.config); err != nil || got != c.want {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
		Wait(t, func() bool {
			n, err := client.Partitions(deadline(t), "t")
			return err == nil && n == c.partitions
		}, "%d partitions", c.partitions)
	}
	if got, err := apply(1, nil); err != nil || got != "partitions left;" {
		t.Errorf("fewer partitions: got %q, %v", got, err)
	}
	if n, err := client.Partitions(deadline(t), "t"); err != nil || n != 4 {
		t.Errorf("%d partitions, %v", n, err)
	}
	changes, err := admin.ApplyTopics(deadline(t), client, []admin.TopicSpec{
		{Name: "many-copies", Partitions: 1, ReplicationFactor: 99}, {Name: "t", Partitions: 4, Config: map[string]string{"retention.ms": "3000000"}},
	})
	if err == nil || len(changes) != 1 || changes[0].Topic != "t" {
		t.Errorf("beside a topic that cannot be made: %+v, %v", changes, err)
	}
}

// group runs a member until the returned function is called; every claim is sent to claims and held until its context ends.
func group(t *testing.T, client *kafka.Client, topic string, claims chan<- *kafka.Claim) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cfg := kafka.DefaultGroupConfig()
	cfg.ID, cfg.Topics = "group", []string{topic}
	cfg.SessionTimeout, cfg.HeartbeatInterval = 6*time.Second, 50*time.Millisecond
	done := make(chan error, 1)
	go func() {
		done <- client.RunGroup(ctx, cfg, func(ctx context.Context, claim *kafka.Claim) error {
			claims <- claim
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestGroupSharesPartitionsAndHandsOverCommits(t *testing.T) {
	address := Start(t)
	client := Client(t, address)
	Topic(t, client, "shared", 2, nil)
	if _, err := client.NewProducer(kafka.DefaultProducerConfig()).Produce(deadline(t), "shared", 0, records(10, "k")); err != nil {
		t.Fatal(err)
	}
	a, b := make(chan *kafka.Claim, 100), make(chan *kafka.Claim, 100)
	leaveA := group(t, client, "shared", a)
	defer leaveA()
	first, second := <-a, <-a
	if first.Partition+second.Partition != 1 || first.Offset != -1 {
		t.Fatalf("claims %+v and %+v", first, second)
	}
	for _, claim := range []*kafka.Claim{first, second} {
		if err := claim.Commit(deadline(t), 7-int64(claim.Partition), `{"next":9}`); err != nil {
			t.Fatal(err)
		}
	}

	leaveB := group(t, Client(t, address), "shared", b)
	defer leaveB()
	nowB := <-b
	nowA := <-a
	for nowA.Generation < nowB.Generation {
		nowA = <-a
	}
	if nowA.Partition == nowB.Partition {
		t.Errorf("both own partition %d in generation %d", nowA.Partition, nowA.Generation)
	}
	for _, claim := range []*kafka.Claim{nowA, nowB} {
		if claim.Offset != 7-int64(claim.Partition) || claim.Metadata != `{"next":9}` {
			t.Errorf("claim %+v does not carry what was committed", claim)
		}
	}
	if err := first.Commit(deadline(t), 1, ""); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("commit under an old generation: %v", err)
	}
	leaveB()
	for {
		if last := <-a; last.Generation > nowB.Generation && last.Partition == nowB.Partition {
			break
		}
	}
	lag, err := admin.Lag(deadline(t), client, "group", "shared")
	if err != nil || len(lag) != 2 || lag[0].Committed != 7 || lag[0].Lag != 3 || lag[0].Metadata != `{"next":9}` {
		t.Errorf("lag %+v, %v", lag, err)
	}
}

func TestGroupHandlersMayCommitWhileTheyDrain(t *testing.T) {
	client := Client(t, Start(t))
	Topic(t, client, "drain", 1, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cfg := kafka.DefaultGroupConfig()
	cfg.ID, cfg.Topics = "drain", []string{"drain"}
	err := client.RunGroup(ctx, cfg, func(ctx context.Context, claim *kafka.Claim) error {
		cancel()
		<-ctx.Done()
		return claim.Commit(context.WithoutCancel(ctx), 5, "drained")
	})
	if err != nil {
		t.Fatal(err)
	}
	lag, err := admin.Lag(deadline(t), client, "drain", "drain")
	if err != nil || lag[0].Committed != 5 || lag[0].Metadata != "drained" {
		t.Errorf("lag %+v, %v", lag, err)
	}
}

func TestGroupEndsWithAHandlersPermanentError(t *testing.T) {
	client := Client(t, Start(t))
	Topic(t, client, "broken", 2, nil)
	cfg := kafka.DefaultGroupConfig()
	cfg.ID, cfg.Topics = "broken", []string{"broken"}
	wrong := errors.New("no such table")
	err := client.RunGroup(deadline(t), cfg, func(ctx context.Context, claim *kafka.Claim) error {
		if claim.Partition == 1 {
			return wrong
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkProduceAndFetch(b *testing.B) {
	client := Client(b, Start(b))
	Topic(b, client, "bench", 1, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	recs := make([]event.Record, 1000)
	for i := range recs {
		recs[i] = event.Record{Key: []byte("account|visitor"), Value: make([]byte, 500), Headers: []event.Header{{Key: "account", Value: []byte("demo")}}}
	}
	b.ReportAllocs()
	log, err := client.Log(context.Background(), "bench", 0)
	if err != nil {
		b.Fatal(err)
	}
	var offset int64
	for b.Loop() {
		if _, err := producer.Produce(context.Background(), "bench", 0, recs); err != nil {
			b.Fatal(err)
		}
		for end := offset + int64(len(recs)); offset < end; {
			batch, err := client.Fetch(context.Background(), log, offset, kafka.DefaultFetchOptions)
			if err != nil {
				b.Fatal(err)
			}
			offset = batch.Next
			batch.Release()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(recs)), "ns/record")
}
