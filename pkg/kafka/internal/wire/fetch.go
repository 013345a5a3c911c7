package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go/protocol"
)

// A FetchRequest asks one partition for records.
type FetchRequest struct {
	ClientID    string
	Topic       string // finds the leader; the topic is asked for by its id
	TopicID     uuid.UUID
	Partition   int32
	LeaderEpoch int32 // of the leader to read from; -1 for any
	Offset      int64
	MinBytes    int
	MaxBytes    int
	MaxWait     time.Duration
	Into        *Batch // whose memory the answer takes. While an exchange may be under way it is the exchange's
}

type FetchResponse struct {
	// Code is Kafka's error; 0 is none.
	Code                    int16
	raw                     []byte // the answer, which records aliases
	highWatermark, logStart int64
	aborted                 []abortedTransaction
	records                 []byte
}

func (*FetchRequest) ApiKey() protocol.ApiKey                 { return protocol.Fetch }
func (*FetchResponse) ApiKey() protocol.ApiKey                { return protocol.Fetch }
func (*FetchRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *FetchRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, r.Topic, r.Partition)
}

// RawExchange writes the request and reads the answer.
func (r *FetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	const readCommitted = 1
	out := appendFlexibleHeader(make([]byte, 0, 192), protocol.Fetch, FetchVersion, r.ClientID)
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // replica: none
	out = binary.BigEndian.AppendUint32(out, uint32(r.MaxWait.Milliseconds()))
	out = binary.BigEndian.AppendUint32(out, uint32(r.MinBytes))
	out = binary.BigEndian.AppendUint32(out, uint32(r.MaxBytes))
	out = append(out, readCommitted)
	out = binary.BigEndian.AppendUint32(out, 0)          // session: none
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // session epoch: none
	out = appendCompactCount(out, 1)
	out = append(out, r.TopicID[:]...)
	out = appendCompactCount(out, 1)
	out = binary.BigEndian.AppendUint32(out, uint32(r.Partition))
	out = binary.BigEndian.AppendUint32(out, uint32(r.LeaderEpoch))
	out = binary.BigEndian.AppendUint64(out, uint64(r.Offset))
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // last fetched epoch: Verify asks
	out = binary.BigEndian.AppendUint64(out, ^uint64(0)) // log start: we are no replica
	out = binary.BigEndian.AppendUint32(out, uint32(r.MaxBytes))
	out = append(out, noTags, noTags)
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
	return parseFetchResponse(raw)
}

func parseFetchResponse(raw []byte) (*FetchResponse, error) {
	res := &FetchResponse{raw: raw}
	f := Reader{data: raw}
	f.tags()  // of the header
	f.Int32() // throttle time
	if res.Code = f.Int16(); res.Code != 0 {
		return res, f.err
	}
	f.Int32() // session
	answered := false
	for range f.compact() {
		f.uuid()
		for range f.compact() {
			f.Int32() // partition
			res.Code = f.Int16()
			res.highWatermark = f.Int64()
			f.Int64() // last stable offset
			res.logStart = f.Int64()
			for range f.compact() {
				res.aborted = append(res.aborted, abortedTransaction{f.Int64(), f.Int64()})
				f.tags()
			}
			f.Int32() // preferred replica
			res.records = f.Take(f.compact())
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

// Decode puts the answer's records at or above from into b, whose Into it came in; see decodeBatches for limit.
func (res *FetchResponse) Decode(b *Batch, partition int32, from int64, limit int) error {
	b.raw = res.raw
	b.Next, b.LeaderEpoch, b.HighWatermark, b.LogStart = from, -1, res.highWatermark, res.logStart
	b.answer = answer{res.records, res.aborted, partition, from, limit}
	return decodeBatches(res.records, partition, from, res.aborted, limit, b)
}

// Bytes is the size of the records as they came, in bytes.
func (res *FetchResponse) Bytes() int { return len(res.records) }
