package edge

import (
	"context"
	"errors"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/edge/internal/spool"
)

// inParts sends what is more than a producer holds at once one part after the other: it would be refused for ever. With a spool, that
// goes by way of the spool.
type inParts struct {
	direct spool.Direct
	bytes  int // of a part, as Record.Size counts
}

// SendEach keeps the order. Errors are the producer's; after any but *kafka.TooLarge some parts may be stored.
func (s inParts) SendEach(ctx context.Context, topic string, recs []event.Record) error {
	all := &kafka.TooLarge{Topic: topic}
	for sent := 0; sent < len(recs); {
		n, size := 0, 0
		for sent+n < len(recs) && (n == 0 || size+recs[sent+n].Size() <= s.bytes) {
			size += recs[sent+n].Size()
			n++
		}
		err := s.direct.SendEach(ctx, topic, recs[sent:sent+n])
		var tooLarge *kafka.TooLarge
		switch {
		case errors.As(err, &tooLarge):
			for _, i := range tooLarge.Records {
				all.Records = append(all.Records, sent+i)
			}
		case err != nil:
			return err
		}
		sent += n
	}
	if len(all.Records) > 0 {
		return all
	}
	return nil
}
