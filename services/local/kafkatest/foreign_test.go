package kafkatest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/waymark-events/waymark/pkg/kafka"
)

// foreign is franz-go, a client that shares no code with pkg/kafka.
func foreign(t testing.TB, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestAForeignClientReadsWhatProduceWrote(t *testing.T) {
	address := Start(t)
	client := Client(t, address)
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			topic := "read-by-foreign-" + codec
			Topic(t, client, topic, 1, nil)
			cfg := kafka.DefaultProducerConfig()
			cfg.Compression = codec
			want := records(100, "key")
			if _, err := client.NewProducer(cfg).Produce(deadline(t), topic, 0, want); err != nil {
				t.Fatal(err)
			}
			reader := foreign(t, kgo.SeedBrokers(address), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
			var got []*kgo.Record
			for len(got) < len(want) {
				fetches := reader.PollFetches(deadline(t))
				if err := fetches.Err(); err != nil {
					t.Fatal(err)
				}
				got = append(got, fetches.Records()...)
			}
			for i, rec := range got {
				if string(rec.Key) != string(want[i].Key) || string(rec.Value) != string(want[i].Value) || rec.Timestamp.UnixMilli() != want[i].Timestamp {
					t.Fatalf("record %d: %+v", i, rec)
				}
				for j, h := range want[i].Headers {
					if rec.Headers[j].Key != h.Key || string(rec.Headers[j].Value) != string(h.Value) || (rec.Headers[j].Value == nil) != (h.Value == nil) {
						t.Fatalf("record %d, header %d: %+v", i, j, rec.Headers[j])
					}
				}
			}
		})
	}
}

func TestFetchReadsWhatAForeignClientWrote(t *testing.T) {
	address := Start(t)
	client := Client(t, address)
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			topic := "written-by-foreign-" + name
			Topic(t, client, topic, 1, nil)
			writer := foreign(t, kgo.SeedBrokers(address), kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic)) // idempotent by default
			var recs []*kgo.Record
			var want []string
			for i := range 500 {
				want = append(want, fmt.Sprintf("value %d", i))
				recs = append(recs, kgo.StringRecord(want[i]))
			}
			if err := writer.ProduceSync(deadline(t), recs...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, values(t, client, topic)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFetchSkipsAbortedTransactionsAndPassesControlRecords(t *testing.T) {
	address := Start(t)
	client := Client(t, address)
	Topic(t, client, "transactions", 1, nil)
	writer := foreign(t, kgo.SeedBrokers(address), kgo.TransactionalID("writer"), kgo.DefaultProduceTopic("transactions"))
	for _, c := range []struct {
		value string
		end   kgo.TransactionEndTry
	}{{"kept 1", kgo.TryCommit}, {"aborted", kgo.TryAbort}, {"kept 2", kgo.TryCommit}} {
		if err := writer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := writer.ProduceSync(deadline(t), kgo.StringRecord(c.value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := writer.EndTransaction(deadline(t), c.end); err != nil {
			t.Fatal(err)
		}
	}
	// The log ends with a control record: a loop that did not pass it would never get there.
	if diff := cmp.Diff([]string{"kept 1", "kept 2"}, values(t, client, "transactions")); diff != "" {
		t.Error(diff)
	}
}

func values(t testing.TB, client *kafka.Client, topic string) []string {
	t.Helper()
	var out []string
	for _, rec := range read(t, client, topic, 0, 0) {
		out = append(out, string(rec.Value))
	}
	return out
}
