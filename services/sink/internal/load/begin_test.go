package load

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/kafka"
)

// An offset that a tool has set is of the log that it was set for, also where nobody could say for a while which log has the name now.
func TestAnOffsetThatAToolSetGoesWithItsLog(t *testing.T) {
	before, after := uuid.New(), uuid.New()
	logs := &namesake{ids: []uuid.UUID{before, uuid.Nil, after}}
	p := &partition{reader: &reader{fetcher: logs, log: kafka.Log{Topic: "enriched", Partition: 3}}, fence: &fence{offset: 7}}
	for _, want := range []struct {
		log    uuid.UUID
		offset int64
	}{{before, 7}, {uuid.Nil, 0}, {after, -1}} {
		e, err := p.look(t.Context())
		if (err != nil) != (want.log == uuid.Nil) || e.log != want.log || e.offset != want.offset {
			t.Errorf("log %s, offset %d, %v; want %s and %d", e.log, e.offset, err, want.log, want.offset)
		}
	}
}

// A namesake is the logs that have one topic's name after each other; uuid.Nil is a broker that does not answer.
type namesake struct {
	fetcher
	ids []uuid.UUID
}

func (n *namesake) Log(_ context.Context, topic string, partition int32) (kafka.Log, error) {
	id := n.ids[0]
	if n.ids = n.ids[1:]; id == uuid.Nil {
		return kafka.Log{}, errors.New("no answer")
	}
	return kafka.Log{Topic: topic, ID: id, Partition: partition}, nil
}

func (n *namesake) Bounds(context.Context, kafka.Log) (start, end int64, err error) { return 0, 9, nil }

func (*namesake) Committed(context.Context, string, string) ([]kafka.Commitment, error) {
	return nil, nil
}

func (n *namesake) Verify(context.Context, kafka.Log, kafka.Position) error { return nil }
