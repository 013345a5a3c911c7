package kafkatest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

func TestOffsetsAtFindsTheFirstRecordThatIsYoungEnough(t *testing.T) {
	client := Client(t, Start(t))
	Topic(t, client, "seek", 3, nil)
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	defer producer.Close(t.Context())
	const base = 1_700_000_000_000
	// Partition 0 rises, partition 1 has a record out of order, partition 2 is empty.
	for partition, times := range [][]int64{{0, 10, 20, 30}, {10, 40, 20, 50}} {
		for _, ms := range times { // a batch each: brokers find batches by their highest time
			if _, err := producer.Produce(deadline(t), "seek", int32(partition), []event.Record{{Timestamp: base + ms, Value: []byte("x")}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for at, want := range map[int64][]int64{
		-5:           {0, 0, 0},
		0:            {0, 0, 0},
		10:           {1, 0, 0},
		11:           {2, 1, 0},
		30:           {3, 1, 0},
		31:           {4, 1, 0},
		50:           {4, 3, 0},
		51:           {4, 4, 0},
		-base - 5000: {0, 0, 0}, // before 1970
	} {
		got, err := client.OffsetsAt(deadline(t), "seek", time.UnixMilli(base+at))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("at %+d ms: %v, want %v (error %v)", at, got, want, err)
		}
	}
	if _, err := client.OffsetsAt(deadline(t), "nowhere", time.UnixMilli(base)); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("a topic that is not there: %v", err)
	}
}
