package kafka

import (
	"context"
	"fmt"
	"math"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
)

// An identity numbers the records of one partition, so that its leader knows a batch it has already: producer id and epoch, and
// the sequence of the next record (KIP-98). Leaders keep this state per id and partition. Each partition of a producer has an id
// of its own, so that starting over on one never disturbs what is under way on another.
type identity struct {
	id    int64 // none: to be asked for; anonymous: batches are not numbered
	epoch int16
	next  int32
}

func (i *identity) numbers() wire.Numbers {
	return wire.Numbers{ProducerID: i.id, Epoch: i.epoch, Sequence: i.next}
}

const (
	none      = -2
	anonymous = -1 // as it stands in a batch that no producer id goes with
)

// unnumbered is what batches without idempotence carry.
var unnumbered = identity{id: anonymous, epoch: wire.Unnumbered.Epoch, next: wire.Unnumbered.Sequence}

// advance passes over n records that are acknowledged. Sequences wrap from 2^31-1 to 0.
func (i *identity) advance(n int32) {
	if i.id != anonymous {
		i.next = int32((int64(i.next) + int64(n)) & math.MaxInt32)
	}
}

// restart begins a new epoch of the same id, from sequence 0. No broker needs to be asked for it (KIP-360), and one is better than
// a new id: once the leader has a batch of the new epoch it refuses latecomers of the old one. An id whose epochs are used up is given
// back.
func (i *identity) restart() {
	switch {
	case i.id == anonymous:
	case i.epoch == math.MaxInt16:
		i.forget()
	default:
		i.epoch, i.next = i.epoch+1, 0
	}
}

// forget has the next batch ask for a new id.
func (i *identity) forget() { *i = identity{id: none} }

// obtain asks the cluster for an id, if there is none.
func (i *identity) obtain(ctx context.Context, c *Client) error {
	if i.id != none {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	answer, err := c.transport.RoundTrip(ctx, c.addr, &wire.ProducerIDRequest{ClientID: c.cfg.ClientID})
	if err != nil {
		return fmt.Errorf("ask for a producer id: %w", cluster.Explain(err))
	}
	res := answer.(*wire.ProducerIDResponse)
	switch code := kafkago.Error(res.Code); code {
	case 0:
		*i = identity{id: res.ID, epoch: res.Epoch}
		return nil
	case kafkago.ClusterAuthorizationFailed:
		return fmt.Errorf("ask for a producer id (brokers before 2.8 want IDEMPOTENT_WRITE on the cluster for it, later ones WRITE on any topic; "+
			"without either set producer.idempotent to false): %w", code)
	default:
		return fmt.Errorf("ask for a producer id: %w", cluster.Explain(code))
	}
}
