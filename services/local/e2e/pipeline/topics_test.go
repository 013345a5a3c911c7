package pipeline

import (
	"bytes"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// kafka returns a client of the pipeline's Kafka, closed when the test ends.
func (r running) kafka() *kafka.Client {
	r.t.Helper()
	return kafkatest.Client(r.t, r.Addresses.Kafka)
}

// onTopic tells whether a raw or an enriched topic has a record of the event.
func (r running) onTopic(topic, id string) bool {
	r.t.Helper()
	client := r.kafka()
	partitions, err := client.Offsets(r.t.Context(), topic)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range partitions {
		for next := p.Start; next < p.End; {
			batch, err := kafkatest.Fetch(r.t.Context(), client, topic, p.Partition, next, kafka.FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second})
			if err != nil {
				r.t.Fatal(err)
			}
			for i := range batch.Records {
				if isOf(&batch.Records[i], id) {
					return true
				}
			}
			next = batch.Next
			batch.Release()
		}
	}
	return false
}

// isOf looks for the id where a raw record (as a header) or an enriched one (as bytes) has it.
func isOf(rec *event.Record, id string) bool {
	for _, h := range rec.Headers {
		if string(h.Value) == id {
			return true
		}
	}
	parsed := uuid.MustParse(id)
	return bytes.Contains(rec.Value, parsed[:])
}
