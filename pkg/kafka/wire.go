package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go/protocol"
)

// Requests and answers as bytes: https://kafka.apache.org/protocol. A fetch names the topic by its id (KIP-516), which brokers take from
// 3.1 on; for the others the newest version without tagged fields serves.
const (
	fetchVersion          = 13
	produceVersion        = 7
	initProducerIDVersion = 1

	// maxResponse bounds an answer: brokers send less than the asked maximum plus one batch.
	maxResponse = 512 << 20
)

var errShort = errors.New("the broker's answer is cut off")

// leader finds the broker that leads a partition.
func leader(cluster protocol.Cluster, topic string, partition int32) (protocol.Broker, error) {
	t, ok := cluster.Topics[topic]
	if !ok {
		return protocol.Broker{}, protocol.NewErrNoTopic(topic)
	}
	p, ok := t.Partitions[partition]
	if !ok {
		return protocol.Broker{}, protocol.NewErrNoPartition(topic, partition)
	}
	b, ok := cluster.Brokers[p.Leader]
	if !ok {
		return protocol.Broker{}, protocol.NewErrNoLeader(topic, partition)
	}
	return b, nil
}

// correlation is the id of every request: a connection carries one at a time.
const correlation = 1

// appendRequestHeader starts a request (header version 1); finishRequest fills in its length.
func appendRequestHeader(dst []byte, key protocol.ApiKey, version int16, clientID string) []byte {
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(key))
	dst = binary.BigEndian.AppendUint16(dst, uint16(version))
	dst = binary.BigEndian.AppendUint32(dst, correlation)
	return appendString(dst, clientID)
}

func finishRequest(request []byte) {
	binary.BigEndian.PutUint32(request, uint32(len(request)-4))
}

func appendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// appendFlexibleHeader starts a request with tagged fields (header version 2, KIP-482), of which it has none.
func appendFlexibleHeader(dst []byte, key protocol.ApiKey, version int16, clientID string) []byte {
	return append(appendRequestHeader(dst, key, version, clientID), noTags)
}

// noTags is an empty section of tagged fields.
const noTags = 0

// appendCompactCount appends the length of a compact array, string or byte string.
func appendCompactCount(dst []byte, n int) []byte {
	return binary.AppendUvarint(dst, uint64(n)+1)
}

// readResponse reads one answer into buf, growing it, and returns it without length and correlation id.
func readResponse(r io.Reader, buf []byte) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("read the broker's answer: %w", err)
	}
	size := int(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > maxResponse {
		return nil, fmt.Errorf("the broker's answer has %d bytes", size)
	}
	if id := binary.BigEndian.Uint32(head[4:]); id != correlation {
		return nil, fmt.Errorf("the broker answers request %d, not %d", id, correlation)
	}
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, fmt.Errorf("read the broker's answer: %w", err)
	}
	return buf, nil
}

// A fields reader takes an answer apart. After an error everything is zero.
type fields struct {
	data []byte
	err  error
}

func (f *fields) take(n int) []byte {
	if f.err != nil || n < 0 || n > len(f.data) {
		f.err = errShort
		return make([]byte, 8)
	}
	b := f.data[:n:n]
	f.data = f.data[n:]
	return b
}

func (f *fields) int16() int16 { return int16(binary.BigEndian.Uint16(f.take(2))) }
func (f *fields) int32() int32 { return int32(binary.BigEndian.Uint32(f.take(4))) }
func (f *fields) int64() int64 { return int64(binary.BigEndian.Uint64(f.take(8))) }

func (f *fields) string() string {
	n := int(f.int16())
	if f.err != nil {
		return ""
	}
	return string(f.take(n))
}

// count reads an array's length; -1 is a null array.
func (f *fields) count() int {
	n := int(f.int32())
	if n > len(f.data) {
		f.err = errShort
		return 0
	}
	return max(n, 0)
}

// uvarint reads an unsigned number of variable length.
func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.data)
	if f.err != nil || n <= 0 {
		f.err = errShort
		return 0
	}
	f.data = f.data[n:]
	return v
}

// compact reads the length of a compact array, string or byte string; a null one has none.
func (f *fields) compact() int {
	n := f.uvarint()
	if n > uint64(len(f.data))+1 {
		f.err = errShort
		return 0
	}
	return max(int(n)-1, 0)
}

func (f *fields) compactString() string { return string(f.take(f.compact())) }

func (f *fields) uuid() (id uuid.UUID) {
	if b := f.take(len(id)); f.err == nil {
		copy(id[:], b)
	}
	return id
}

// tags passes over a section of tagged fields.
func (f *fields) tags() {
	for range f.uvarint() {
		f.uvarint()
		f.take(int(min(f.uvarint(), 1<<31-1)))
		if f.err != nil {
			return
		}
	}
}

// A fetchRequest asks one partition for records.
type fetchRequest struct {
	clientID string
	log      Log
	leader   int32 // the epoch of the leader to read from, NoLeaderEpoch for any
	offset   int64
	options  FetchOptions
	into     []byte // memory for the answer
}

type fetchResponse struct {
	raw                     []byte // the answer, which records aliases
	code                    int16
	highWatermark, logStart int64
	aborted                 []abortedTransaction
	records                 []byte
}

func (*fetchRequest) ApiKey() protocol.ApiKey                 { return protocol.Fetch }
func (*fetchResponse) ApiKey() protocol.ApiKey                { return protocol.Fetch }
func (*fetchRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *fetchRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leader(cluster, r.log.Topic, r.log.Partition)
}

// RawExchange writes the request and reads the answer.
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	const readCommitted = 1
	out := appendFlexibleHeader(make([]byte, 0, 192), protocol.Fetch, fetchVersion, r.clientID)
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // replica: none
	out = binary.BigEndian.AppendUint32(out, uint32(r.options.MaxWait.Milliseconds()))
	out = binary.BigEndian.AppendUint32(out, uint32(r.options.MinBytes))
	out = binary.BigEndian.AppendUint32(out, uint32(r.options.MaxBytes))
	out = append(out, readCommitted)
	out = binary.BigEndian.AppendUint32(out, 0)          // session: none
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // session epoch: none
	out = appendCompactCount(out, 1)
	out = append(out, r.log.ID[:]...)
	out = appendCompactCount(out, 1)
	out = binary.BigEndian.AppendUint32(out, uint32(r.log.Partition))
	out = binary.BigEndian.AppendUint32(out, uint32(r.leader))
	out = binary.BigEndian.AppendUint64(out, uint64(r.offset))
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // last fetched epoch: Verify asks
	out = binary.BigEndian.AppendUint64(out, ^uint64(0)) // log start: we are no replica
	out = binary.BigEndian.AppendUint32(out, uint32(r.options.MaxBytes))
	out = append(out, noTags, noTags)
	out = appendCompactCount(out, 0) // forgotten topics
	out = appendCompactCount(out, 0) // rack
	out = append(out, noTags)
	finishRequest(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write fetch request: %w", err)
	}
	raw, err := readResponse(rw, r.into)
	if err != nil {
		return nil, err
	}
	return parseFetchResponse(raw)
}

func parseFetchResponse(raw []byte) (*fetchResponse, error) {
	res := &fetchResponse{raw: raw}
	f := fields{data: raw}
	f.tags()  // of the header
	f.int32() // throttle time
	if res.code = f.int16(); res.code != 0 {
		return res, f.err
	}
	f.int32() // session
	answered := false
	for range f.compact() {
		f.uuid()
		for range f.compact() {
			f.int32() // partition
			res.code = f.int16()
			res.highWatermark = f.int64()
			f.int64() // last stable offset
			res.logStart = f.int64()
			for range f.compact() {
				res.aborted = append(res.aborted, abortedTransaction{f.int64(), f.int64()})
				f.tags()
			}
			f.int32() // preferred replica
			res.records = f.take(f.compact())
			f.tags()
			answered = true
		}
		f.tags()
	}
	if f.err == nil && !answered {
		f.err = errShort
	}
	return res, f.err
}

// A produceRequest carries one record batch. body is the whole request, made by newProduceRequest.
type produceRequest struct {
	topic     string
	partition int32
	body      []byte
	written   atomic.Bool // a connection has begun to write it
}

type produceResponse struct {
	code       int16
	baseOffset int64
}

func (*produceRequest) ApiKey() protocol.ApiKey                 { return protocol.Produce }
func (*produceResponse) ApiKey() protocol.ApiKey                { return protocol.Produce }
func (*produceRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *produceRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leader(cluster, r.topic, r.partition)
}

// newProduceRequest encodes the batch in b straight behind the request's header.
func newProduceRequest(clientID, topic string, partition int32, timeoutMillis int32, b *builder, c codec, as identity) (*produceRequest, error) {
	const allReplicas = -1
	out := appendRequestHeader(make([]byte, 0, 128+len(topic)+batchHeaderSize+len(b.records)), protocol.Produce, produceVersion, clientID)
	out = binary.BigEndian.AppendUint16(out, ^uint16(0)) // transactional id: null
	out = binary.BigEndian.AppendUint16(out, uint16(allReplicas&0xffff))
	out = binary.BigEndian.AppendUint32(out, uint32(timeoutMillis))
	out = binary.BigEndian.AppendUint32(out, 1)
	out = appendString(out, topic)
	out = binary.BigEndian.AppendUint32(out, 1)
	out = binary.BigEndian.AppendUint32(out, uint32(partition))
	at := len(out)
	out = append(out, 0, 0, 0, 0)
	out, err := b.appendBatch(out, c, as)
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	finishRequest(out)
	return &produceRequest{topic: topic, partition: partition, body: out}, nil
}

// RawExchange writes the request and reads the answer.
func (r *produceRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
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

func parseProduceResponse(raw []byte) (*produceResponse, error) {
	res := new(produceResponse)
	f := fields{data: raw}
	answered := false
	for range f.count() {
		_ = f.string()
		for range f.count() {
			f.int32() // partition
			res.code = f.int16()
			res.baseOffset = f.int64()
			f.int64() // log append time
			f.int64() // log start
			answered = true
		}
	}
	f.int32() // throttle time
	if f.err == nil && !answered {
		f.err = errShort
	}
	return res, f.err
}
