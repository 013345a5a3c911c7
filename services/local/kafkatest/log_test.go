package kafkatest

import (
	"errors"
	"testing"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

// operate returns an operator of the cluster, closed with the test.
func operate(t testing.TB, brokers ...string) *operator.Operator {
	t.Helper()
	o, err := operator.New(brokers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// A topic made anew has the old one's name and offsets, and is another log: nothing of it is read for the old one.
func TestFetchReadsNothingOfALogThatTookTheName(t *testing.T) {
	address := Start(t)
	client, op := Client(t, address), operate(t, address)
	ctx := deadline(t)
	Topic(t, client, "anew", 1, nil)
	produce := func(n int, key string) {
		t.Helper()
		producer := client.NewProducer(kafka.DefaultProducerConfig())
		if _, err := producer.Produce(ctx, "anew", 0, records(n, key)); err != nil {
			t.Fatal(err)
		}
		if err := producer.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	produce(5, "old")
	old, err := client.Log(ctx, "anew", 0)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := client.Fetch(ctx, old, 0, kafka.DefaultFetchOptions)
	if err != nil || len(batch.Records) != 5 || batch.Holes != 0 {
		t.Fatalf("%+v, %v", batch, err)
	}
	at := kafka.Position{Offset: batch.Next, LeaderEpoch: batch.LeaderEpoch}
	if at.LeaderEpoch < 0 || batch.Records[4].LeaderEpoch != at.LeaderEpoch {
		t.Fatalf("leader epochs %d and %d", at.LeaderEpoch, batch.Records[4].LeaderEpoch)
	}
	if err := client.Verify(ctx, old, at); err != nil {
		t.Fatal(err)
	}
	if err := op.DeleteTopics(ctx, "anew"); err != nil {
		t.Fatal(err)
	}
	if err := op.CreateTopic(ctx, "anew", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	produce(9, "new")
	Wait(t, func() bool {
		_, err = client.Fetch(ctx, old, at.Offset, kafka.DefaultFetchOptions)
		if err == nil {
			t.Fatal("the old log's next offset was read from the new log")
		}
		return errors.Is(err, kafka.ErrLogGone)
	}, "the old log is known to be gone")
	Wait(t, func() bool { return errors.Is(client.Verify(ctx, old, at), kafka.ErrLogGone) }, "Verify tells that the log is gone")
	if read := read(t, client, "anew", 0, 0); len(read) != 9 {
		t.Errorf("%d records on the new log, want 9", len(read))
	}
}

// The offset after a truncation's place is another record's: Verify tells where the logs part.
func TestVerifyTellsAPositionBeyondTheLog(t *testing.T) {
	client := Client(t, Start(t))
	ctx := deadline(t)
	Topic(t, client, "short", 1, nil)
	if _, err := client.NewProducer(kafka.DefaultProducerConfig()).Produce(ctx, "short", 0, records(5, "k")); err != nil {
		t.Fatal(err)
	}
	log, err := client.Log(ctx, "short", 0)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := client.Fetch(ctx, log, 0, kafka.DefaultFetchOptions)
	if err != nil {
		t.Fatal(err)
	}
	var truncated *kafka.Truncated
	if err := client.Verify(ctx, log, kafka.Position{Offset: 8, LeaderEpoch: batch.LeaderEpoch}); !errors.As(err, &truncated) || truncated.To != 5 {
		t.Errorf("a position behind the end: %v", err)
	}
	if err := client.Verify(ctx, log, kafka.Position{Offset: 5, LeaderEpoch: batch.LeaderEpoch}); err != nil {
		t.Errorf("the end: %v", err)
	}
	if err := client.Verify(ctx, log, kafka.Position{Offset: 0, LeaderEpoch: kafka.NoLeaderEpoch}); err != nil {
		t.Errorf("the begin: %v", err)
	}
}
