package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// An ProducerIDRequest asks any broker for a producer id. kafka-go's own message goes by way of the coordinator of the
// transactional id, which a producer without transactions does not have: brokers would have to make their transaction log for it.
type ProducerIDRequest struct{ ClientID string }

type ProducerIDResponse struct {
	Code  int16 // Kafka's error; 0 is none
	ID    int64
	Epoch int16
}

func (*ProducerIDRequest) ApiKey() protocol.ApiKey                 { return protocol.InitProducerId }
func (*ProducerIDResponse) ApiKey() protocol.ApiKey                { return protocol.InitProducerId }
func (*ProducerIDRequest) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads the answer.
func (r *ProducerIDRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	out := appendHeader(make([]byte, 0, 64+len(r.ClientID)), protocol.InitProducerId, initProducerIDVersion, r.ClientID)
	out = binary.BigEndian.AppendUint16(out, ^uint16(0)) // transactional id: null
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // transaction timeout: none
	finish(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write the request for a producer id: %w", err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return parseProducerIDResponse(raw)
}

func parseProducerIDResponse(raw []byte) (*ProducerIDResponse, error) {
	f := Reader{data: raw}
	f.Int32() // throttle time
	res := &ProducerIDResponse{Code: f.Int16(), ID: f.Int64(), Epoch: f.Int16()}
	if f.err == nil && res.Code == 0 && (res.ID < 0 || res.Epoch < 0) {
		f.err = errors.New("the broker gives no producer id")
	}
	return res, f.err
}
