package kafkatest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// sized is a record of about that many bytes whose value begins with its name.
func sized(name, key string, size int) event.Record {
	return event.Record{Timestamp: 1_700_000_000_000, Key: []byte(key), Value: fmt.Appendf(nil, "%s %0*d", name, size-len(name)-1, 0)}
}

// storedNames are the names of the topic's records, each at its first place.
func storedNames(t *testing.T, client *kafka.Client, topic string, partitions int32) (out []string) {
	t.Helper()
	for p := range partitions {
		for _, rec := range read(t, client, topic, p, 0) {
			var name string
			if _, err := fmt.Sscan(string(rec.Value), &name); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func small(t *testing.T, topic string) (*kafka.Client, *kafka.Producer) {
	t.Helper()
	client := Client(t, Start(t))
	Topic(t, client, topic, 2, map[string]string{"max.message.bytes": "2000"})
	cfg := kafka.DefaultProducerConfig()
	cfg.Compression, cfg.MaxBatchBytes = "none", 20_000
	return client, client.NewProducer(cfg)
}

// The topic takes batches of 2000 bytes, the producer makes larger ones: only what is too large by itself is refused.
func TestOnlyARecordTooLargeByItselfIsRefused(t *testing.T) {
	client, producer := small(t, "each")
	var recs []event.Record
	var want []string
	for i := range 100 {
		name := fmt.Sprint("r", i)
		size := 200
		switch {
		case i == 7 || i == 8 || i == 99:
			size = 3000 // for the topic
		case i == 50:
			size = 30_000 // for the producer
		default:
			want = append(want, name)
		}
		recs = append(recs, sized(name, fmt.Sprint("key ", i%5), size))
	}
	var tooLarge *kafka.TooLarge
	if err := producer.SendEach(deadline(t), "each", recs); !errors.As(err, &tooLarge) || !slices.Equal(tooLarge.Records, []int{7, 8, 50, 99}) {
		t.Fatalf("got %v %+v, want records 7, 8, 50 and 99 refused", err, tooLarge)
	}
	got := storedNames(t, client, "each", 2)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
	if err := producer.SendEach(deadline(t), "each", recs[:3]); err != nil {
		t.Errorf("three small ones: %v", err)
	}
}

// Calls share batches, so a batch may be too large though no call of it is. Nobody's record is refused for that.
func TestNoRecordIsRefusedForTheCompanyItKeeps(t *testing.T) {
	client, producer := small(t, "company")
	const callers = 50
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			if err := producer.SendEach(deadline(t), "company", []event.Record{sized(fmt.Sprint("r", c), "one key", 900)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := storedNames(t, client, "company", 2); len(got) != callers {
		t.Errorf("%d of %d records are stored", len(got), callers)
	}
}

// After any other error nothing is certain, and nothing is called refused.
func TestARefusedRecordIsNotNamedWhereOthersAreUncertain(t *testing.T) {
	client, producer := small(t, "uncertain")
	if err := producer.Close(deadline(t)); err != nil {
		t.Fatal(err)
	}
	var tooLarge *kafka.TooLarge
	err := producer.SendEach(deadline(t), "uncertain", []event.Record{sized("small", "k", 100), sized("large", "k", 30_000)})
	if !errors.Is(err, kafka.ErrClosed) || errors.As(err, &tooLarge) {
		t.Errorf("got %v", err)
	}
	if got := storedNames(t, client, "uncertain", 2); len(got) != 0 {
		t.Errorf("stored %v", got)
	}
}
