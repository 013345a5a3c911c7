package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// An identity numbers the records of one partition, so that its leader knows a batch it has already: producer id and epoch, and
// the sequence of the next record (KIP-98). Leaders keep this state per id and partition. Each partition of a producer has an id
// of its own, so that starting over on one never disturbs what is under way on another.
type identity struct {
	id    int64 // none: to be asked for; anonymous: batches are not numbered
	epoch int16
	next  int32
}

const (
	none      = -2
	anonymous = -1 // as it stands in a batch that no producer id goes with
)

// unnumbered is what batches without idempotence carry.
var unnumbered = identity{id: anonymous, epoch: -1, next: -1}

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
	answer, err := c.transport.RoundTrip(ctx, c.addr, &initProducerIDRequest{clientID: c.cfg.ClientID})
	if err != nil {
		return fmt.Errorf("ask for a producer id: %w", explain(err))
	}
	res := answer.(*initProducerIDResponse)
	switch code := kafkago.Error(res.code); code {
	case 0:
		*i = identity{id: res.id, epoch: res.epoch}
		return nil
	case kafkago.ClusterAuthorizationFailed:
		return fmt.Errorf("ask for a producer id (brokers before 2.8 want IDEMPOTENT_WRITE on the cluster for it, later ones WRITE on any topic; "+
			"without either set producer.idempotent to false): %w", code)
	default:
		return fmt.Errorf("ask for a producer id: %w", explain(code))
	}
}

// An initProducerIDRequest asks any broker for a producer id. kafka-go's own message goes by way of the coordinator of the
// transactional id, which a producer without transactions does not have: brokers would have to make their transaction log for it.
type initProducerIDRequest struct{ clientID string }

type initProducerIDResponse struct {
	code  int16
	id    int64
	epoch int16
}

func (*initProducerIDRequest) ApiKey() protocol.ApiKey                 { return protocol.InitProducerId }
func (*initProducerIDResponse) ApiKey() protocol.ApiKey                { return protocol.InitProducerId }
func (*initProducerIDRequest) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads the answer.
func (r *initProducerIDRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	out := appendRequestHeader(make([]byte, 0, 64+len(r.clientID)), protocol.InitProducerId, initProducerIDVersion, r.clientID)
	out = binary.BigEndian.AppendUint16(out, ^uint16(0)) // transactional id: null
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // transaction timeout: none
	finishRequest(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write the request for a producer id: %w", err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return parseInitProducerIDResponse(raw)
}

func parseInitProducerIDResponse(raw []byte) (*initProducerIDResponse, error) {
	f := fields{data: raw}
	f.int32() // throttle time
	res := &initProducerIDResponse{code: f.int16(), id: f.int64(), epoch: f.int16()}
	if f.err == nil && res.code == 0 && (res.id < 0 || res.epoch < 0) {
		f.err = errors.New("the broker gives no producer id")
	}
	return res, f.err
}
