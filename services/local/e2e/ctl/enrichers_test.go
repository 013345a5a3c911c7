package ctl

import (
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

// What reenrich and the audit say of the enrichers is what the enrichers do.
func TestTheEnricherTakesUpWhatTheCommandsSay(t *testing.T) {
	p := build(t)
	p.stop("sink") // nothing is stored: all that is enriched waits
	op, err := operator.New(p.broker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(op.Close)
	p.send("a", 10)
	waiting := func(n int) func() bool {
		return func() bool {
			_, counts, _ := audited(t)
			return counts == found{Records: n, UnderWay: n}
		}
	}
	enriched := func(epoch uint32) (n int) {
		for partition := range int32(2) {
			batch, err := kafkatest.Fetch(deadline(t), p.client, schemas.EnrichedTopic("us"), partition, 0, kafka.DefaultFetchOptions)
			if err != nil {
				return 0
			}
			for i := range batch.Records {
				var e event.Enriched
				if e.UnmarshalVT(batch.Records[i].Value) == nil && e.Epoch == epoch {
					n++
				}
			}
		}
		return n
	}
	kafkatest.Wait(t, func() bool { return enriched(0) == 10 && waiting(10)() }, "10 events are enriched")
	p.stop("enricher")
	kafkatest.Wait(t, func() bool {
		code, _, _ := run(t, "reenrich", "--from", "2020-01-01", "--yes")
		return code == 0
	}, "the group is empty and set back")
	p.startEnricher()
	kafkatest.Wait(t, func() bool { return enriched(1) == 10 && waiting(10)() }, "10 events are enriched again")
	p.stop("enricher")

	// With the enriched topic goes what waited on it: missing until an enricher runs, which enriches it again.
	if err := op.DeleteTopics(deadline(t), schemas.EnrichedTopic("us")); err != nil {
		t.Fatal(err)
	}
	if err := op.CreateTopic(deadline(t), schemas.EnrichedTopic("us"), 2, 1, nil); err != nil {
		t.Fatal(err)
	}
	finds(t, 1, found{Records: 10, Missing: 10}, "the enriched topic that they were written to is deleted")
	p.startEnricher()
	kafkatest.Wait(t, waiting(10), "what the enriched topic lost is enriched again")
	p.stop("enricher")

	// A raw topic made anew: reenrich waits for the enrichers, which begin at its start.
	if err := op.DeleteTopics(deadline(t), schemas.RawTopic("us")); err != nil {
		t.Fatal(err)
	}
	if err := op.CreateTopic(deadline(t), schemas.RawTopic("us"), 2, 1, nil); err != nil {
		t.Fatal(err)
	}
	p.send("a", 7)
	p.startEnricher()
	kafkatest.Wait(t, waiting(7), "the new topic's events are enriched")
}
