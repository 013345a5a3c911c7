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

// A ProduceRequest carries record batches of partitions that one broker leads, at most one of each.
type ProduceRequest struct {
	ClientID string
	// Timeout is how long the broker waits for the replicas, in milliseconds.
	Timeout int32
	Batches []*ProduceBatch
}

// A ProduceBatch is the record batch of one partition, as it is sent.
type ProduceBatch struct {
	topic     string
	partition int32
	encoded   []byte
	written   atomic.Bool
}

// A ProduceResponse says of each partition what became of its batch.
type ProduceResponse struct {
	produced []Produced
}

// Produced is what became of one batch.
type Produced struct {
	topic      string
	partition  int32
	Code       int16 // Kafka's error; 0 is none
	BaseOffset int64
}

func (*ProduceRequest) ApiKey() protocol.ApiKey                 { return protocol.Produce }
func (*ProduceResponse) ApiKey() protocol.ApiKey                { return protocol.Produce }
func (*ProduceRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *ProduceRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, r.Batches[0].topic, r.Batches[0].partition)
}

// NewProduceBatch encodes the batch in b.
func NewProduceBatch(topic string, partition int32, b *Builder, c Codec, as Numbers) (*ProduceBatch, error) {
	scratch := scratches.Get().(*[]byte)
	defer giveBack(scratch)
	out, err := b.appendBatch((*scratch)[:0], c, as)
	if err != nil {
		return nil, err
	}
	*scratch = out
	return &ProduceBatch{topic: topic, partition: partition, encoded: bytes.Clone(out)}, nil
}

// scratches are where batches and requests are made. A batch has a copy: nobody knows when the last try of it is written.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

// mostScratch bounds what is kept of one, in bytes.
const mostScratch = 1 << 20

func giveBack(scratch *[]byte) {
	if cap(*scratch) <= mostScratch {
		scratches.Put(scratch)
	}
}

// Bytes is the batch's size.
func (b *ProduceBatch) Bytes() int { return len(b.encoded) }

// Written tells whether a connection has begun to write it.
func (b *ProduceBatch) Written() bool { return b.written.Load() }

// RawExchange writes the request and reads the answer.
func (r *ProduceRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	scratch := scratches.Get().(*[]byte)
	*scratch = r.append((*scratch)[:0])
	for _, b := range r.Batches {
		b.written.Store(true)
	}
	_, err := rw.Write(*scratch)
	giveBack(scratch)
	if err != nil {
		return nil, fmt.Errorf("write produce request: %w", err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return parseProduceResponse(raw)
}

// append appends the request to dst, the batches by topics, in the order in which these come first.
func (r *ProduceRequest) append(dst []byte) []byte {
	const allReplicas = -1
	begin := len(dst)
	dst = appendHeader(dst, protocol.Produce, produceVersion, r.ClientID)
	dst = binary.BigEndian.AppendUint16(dst, ^uint16(0)) // transactional id: null
	dst = binary.BigEndian.AppendUint16(dst, uint16(allReplicas&0xffff))
	dst = binary.BigEndian.AppendUint32(dst, uint32(r.Timeout))
	topics := make(map[string][]*ProduceBatch, 1)
	var order []string
	for _, b := range r.Batches {
		if len(topics[b.topic]) == 0 {
			order = append(order, b.topic)
		}
		topics[b.topic] = append(topics[b.topic], b)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(order)))
	for _, topic := range order {
		dst = AppendString(dst, topic)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(topics[topic])))
		for _, b := range topics[topic] {
			dst = binary.BigEndian.AppendUint32(dst, uint32(b.partition))
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(b.encoded)))
			dst = append(dst, b.encoded...)
		}
	}
	finish(dst[begin:])
	return dst
}

func parseProduceResponse(raw []byte) (*ProduceResponse, error) {
	res := new(ProduceResponse)
	f := Reader{data: raw}
	for range f.Count() {
		topic := f.String()
		for range f.Count() {
			at := Produced{topic: topic, partition: f.Int32(), Code: f.Int16(), BaseOffset: f.Int64()}
			f.Int64() // log append time
			f.Int64() // log start
			res.produced = append(res.produced, at)
		}
	}
	f.Int32() // throttle time
	if f.err == nil && len(res.produced) == 0 {
		f.err = errShort
	}
	return res, f.err
}

// Of returns what became of b; false where the answer does not say.
func (r *ProduceResponse) Of(b *ProduceBatch) (Produced, bool) {
	for _, p := range r.produced {
		if p.partition == b.partition && p.topic == b.topic {
			return p, true
		}
	}
	return Produced{}, false
}
