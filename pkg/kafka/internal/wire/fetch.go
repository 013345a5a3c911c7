package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go/protocol"
)

// A FetchRequest asks the leader of some partitions of a topic, at least one, for their records.
type FetchRequest struct {
	ClientID   string
	Topic      string // finds the leader, the first partition's; the topic is asked for by its id
	TopicID    uuid.UUID
	Partitions []FetchPartition
	MinBytes   int // of all partitions together
	MaxBytes   int // of each
	MaxWait    time.Duration
	Into       *Batch // whose memory the answer takes. While an exchange may be under way it is the exchange's
}

// A FetchPartition says from where on.
type FetchPartition struct {
	Partition   int32
	LeaderEpoch int32 // of the leader to read from; -1 for any
	Offset      int64
}

type FetchResponse struct {
	// Code is Kafka's error for the whole; 0 is none.
	Code int16
	// Partitions are those that were asked for, in the leader's order. Their records lie in the request's Into.
	Partitions []FetchedPartition
}

// A FetchedPartition is a partition's part of an answer.
type FetchedPartition struct {
	Partition     int32
	Code          int16 // Kafka's error; 0 is none
	highWatermark int64
	logStart      int64
	aborted       []abortedTransaction
	records       []byte
}

func (*FetchRequest) ApiKey() protocol.ApiKey                 { return protocol.Fetch }
func (*FetchResponse) ApiKey() protocol.ApiKey                { return protocol.Fetch }
func (*FetchRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *FetchRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, r.Topic, r.Partitions[0].Partition)
}

// RawExchange writes the request and reads the answer.
func (r *FetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	const readCommitted = 1
	const ofPartition = 37 // bytes
	out := appendFlexibleHeader(make([]byte, 0, 160+ofPartition*len(r.Partitions)), protocol.Fetch, FetchVersion, r.ClientID)
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // replica: none
	out = binary.BigEndian.AppendUint32(out, uint32(r.MaxWait.Milliseconds()))
	out = binary.BigEndian.AppendUint32(out, uint32(r.MinBytes))
	out = binary.BigEndian.AppendUint32(out, uint32(min(r.MaxBytes*len(r.Partitions), math.MaxInt32)))
	out = append(out, readCommitted)
	out = binary.BigEndian.AppendUint32(out, 0)          // session: none
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // session epoch: none
	out = appendCompactCount(out, 1)
	out = append(out, r.TopicID[:]...)
	out = appendCompactCount(out, len(r.Partitions))
	for _, p := range r.Partitions {
		out = binary.BigEndian.AppendUint32(out, uint32(p.Partition))
		out = binary.BigEndian.AppendUint32(out, uint32(p.LeaderEpoch))
		out = binary.BigEndian.AppendUint64(out, uint64(p.Offset))
		out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // last fetched epoch: Verify asks
		out = binary.BigEndian.AppendUint64(out, ^uint64(0)) // log start: we are no replica
		out = binary.BigEndian.AppendUint32(out, uint32(r.MaxBytes))
		out = append(out, noTags)
	}
	out = append(out, noTags)
	out = appendCompactCount(out, 0) // forgotten topics
	out = appendCompactCount(out, 0) // rack
	out = append(out, noTags)
	finish(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write fetch request: %w", err)
	}
	raw, err := readResponse(rw, r.Into.raw)
	if err != nil {
		return nil, err
	}
	r.Into.raw = raw
	return parseFetchResponse(raw)
}

func parseFetchResponse(raw []byte) (*FetchResponse, error) {
	res := new(FetchResponse)
	f := Reader{data: raw}
	f.tags()  // of the header
	f.Int32() // throttle time
	if res.Code = f.Int16(); res.Code != 0 {
		return res, f.err
	}
	f.Int32() // session
	for range f.compact() {
		f.uuid()
		for range f.compact() {
			p := FetchedPartition{Partition: f.Int32(), Code: f.Int16(), highWatermark: f.Int64()}
			f.Int64() // last stable offset
			p.logStart = f.Int64()
			for range f.compact() {
				p.aborted = append(p.aborted, abortedTransaction{f.Int64(), f.Int64()})
				f.tags()
			}
			f.Int32() // preferred replica
			p.records = f.Take(f.compact())
			f.tags()
			res.Partitions = append(res.Partitions, p)
		}
		f.tags()
	}
	if f.err == nil && len(res.Partitions) == 0 {
		f.err = errShort
	}
	return res, f.err
}

// Decode puts the records at or above from into b; see decodeBatches for limit. They may alias the request's Into.
func (p *FetchedPartition) Decode(b *Batch, from int64, limit int) error {
	b.Next, b.LeaderEpoch, b.HighWatermark, b.LogStart, b.fetched = from, -1, p.highWatermark, p.logStart, len(p.records)
	b.answer = answer{p.records, p.aborted, p.Partition, from, limit}
	return decodeBatches(p.records, p.Partition, from, p.aborted, limit, b)
}

// CaughtUp tells whether there is nothing from an offset on. Without records there may be: a batch larger than MaxBytes is read whole in one partition
// of a request only.
func (p *FetchedPartition) CaughtUp(from int64) bool {
	return p.Code == 0 && len(p.records) == 0 && p.highWatermark <= from
}

// Bytes is the size of the records as they came, in bytes.
func (p *FetchedPartition) Bytes() int { return len(p.records) }
