package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/segmentio/kafka-go/protocol"
)

// A ProduceRequest carries one record batch. body is the whole request, made by NewProduceRequest.
type ProduceRequest struct {
	topic     string
	partition int32
	body      []byte
	written   atomic.Bool
}

type ProduceResponse struct {
	Code       int16 // Kafka's error; 0 is none
	BaseOffset int64
}

func (*ProduceRequest) ApiKey() protocol.ApiKey                 { return protocol.Produce }
func (*ProduceResponse) ApiKey() protocol.ApiKey                { return protocol.Produce }
func (*ProduceRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *ProduceRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, r.topic, r.partition)
}

// NewProduceRequest encodes the batch in b straight behind the request's header.
func NewProduceRequest(clientID, topic string, partition int32, timeoutMillis int32, b *Builder, c Codec, as Numbers) (*ProduceRequest, error) {
	const allReplicas = -1
	scratch := scratches.Get().(*[]byte)
	defer func() {
		if cap(*scratch) <= mostScratch {
			scratches.Put(scratch)
		}
	}()
	out := appendHeader((*scratch)[:0], protocol.Produce, produceVersion, clientID)
	out = binary.BigEndian.AppendUint16(out, ^uint16(0)) // transactional id: null
	out = binary.BigEndian.AppendUint16(out, uint16(allReplicas&0xffff))
	out = binary.BigEndian.AppendUint32(out, uint32(timeoutMillis))
	out = binary.BigEndian.AppendUint32(out, 1)
	out = AppendString(out, topic)
	out = binary.BigEndian.AppendUint32(out, 1)
	out = binary.BigEndian.AppendUint32(out, uint32(partition))
	at := len(out)
	out = append(out, 0, 0, 0, 0)
	out, err := b.appendBatch(out, c, as)
	if err != nil {
		return nil, err
	}
	*scratch = out
	binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	finish(out)
	return &ProduceRequest{topic: topic, partition: partition, body: bytes.Clone(out)}, nil
}

// scratches are where requests are made before it is known how small they get. The request has a copy: nobody knows when the last try of it
// is written.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

// mostScratch bounds what is kept of one, in bytes.
const mostScratch = 1 << 20

// Bytes is the request's size.
func (r *ProduceRequest) Bytes() int { return len(r.body) }

// Written tells whether a connection has begun to write it.
func (r *ProduceRequest) Written() bool { return r.written.Load() }

// RawExchange writes the request and reads the answer.
func (r *ProduceRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	r.written.Store(true)
	if _, err := rw.Write(r.body); err != nil {
		return nil, fmt.Errorf("write produce request: %w", err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return parseProduceResponse(raw)
}

func parseProduceResponse(raw []byte) (*ProduceResponse, error) {
	res := new(ProduceResponse)
	f := Reader{data: raw}
	answered := false
	for range f.Count() {
		_ = f.String()
		for range f.Count() {
			f.Int32() // partition
			res.Code = f.Int16()
			res.BaseOffset = f.Int64()
			f.Int64() // log append time
			f.Int64() // log start
			answered = true
		}
	}
	f.Int32() // throttle time
	if f.err == nil && !answered {
		f.err = errShort
	}
	return res, f.err
}
