package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	topicIDVersion  = 12
	epochEndVersion = 3
	// offsetForLeaderEpoch is the API's key; kafka-go has no name for it.
	offsetForLeaderEpoch protocol.ApiKey = 23
)

// A TopicIDRequest is a Metadata request: kafka-go's own knows no ids.
type TopicIDRequest struct{ ClientID, Topic string }

type TopicIDResponse struct {
	Code int16 // Kafka's error; 0 is none
	ID   uuid.UUID
	// LeaderEpochs are those of the partitions' leaders.
	LeaderEpochs map[int32]int32
}

func (*TopicIDRequest) ApiKey() protocol.ApiKey                 { return protocol.Metadata }
func (*TopicIDResponse) ApiKey() protocol.ApiKey                { return protocol.Metadata }
func (*TopicIDRequest) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads the answer.
func (r *TopicIDRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	out := appendFlexibleHeader(make([]byte, 0, 96+len(r.Topic)), protocol.Metadata, topicIDVersion, r.ClientID)
	out = appendCompactCount(out, 1)
	out = append(out, uuid.Nil[:]...) // by name
	out = append(appendCompactCount(out, len(r.Topic)), r.Topic...)
	out = append(out, noTags)
	out = append(out, 0, 0, noTags) // make no topic, ask for no rights
	finish(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write metadata request: %w", err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return parseTopicIDResponse(raw, r.Topic)
}

func parseTopicIDResponse(raw []byte, topic string) (*TopicIDResponse, error) {
	f := Reader{data: raw}
	f.tags()  // of the header
	f.Int32() // throttle time
	for range f.compact() {
		f.Int32()         // broker
		f.compactString() // host
		f.Int32()         // port
		f.compactString() // rack
		f.tags()
	}
	f.compactString() // cluster
	f.Int32()         // controller
	if f.compact() != 1 {
		return nil, errors.Join(f.err, errShort)
	}
	res := &TopicIDResponse{Code: f.Int16(), LeaderEpochs: make(map[int32]int32)}
	name := f.compactString()
	res.ID = f.uuid()
	f.Take(1) // internal or not
	for range f.compact() {
		f.Int16() // error
		partition := f.Int32()
		f.Int32() // leader
		res.LeaderEpochs[partition] = f.Int32()
		for range 3 { // replicas, those in sync, those off line
			for range f.compact() {
				f.Int32()
			}
		}
		f.tags()
	}
	if f.err == nil && name != topic { // one was asked for
		f.err = fmt.Errorf("the broker tells of topic %q, not %q", name, topic)
	}
	return res, f.err
}

// An EpochEndRequest asks where a leader epoch ends on a log: OffsetForLeaderEpoch (KIP-320).
type EpochEndRequest struct {
	ClientID  string
	Topic     string
	Partition int32
	Leader    int32 // its epoch, as far as is known
	Epoch     int32
}

type EpochEndResponse struct {
	Code  int16 // Kafka's error; 0 is none
	Epoch int32 // the largest one up to the asked one
	End   int64 // where it ends; -1 when the leader knows neither it nor one before
}

func (*EpochEndRequest) ApiKey() protocol.ApiKey                 { return offsetForLeaderEpoch }
func (*EpochEndResponse) ApiKey() protocol.ApiKey                { return offsetForLeaderEpoch }
func (*EpochEndRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *EpochEndRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, r.Topic, r.Partition)
}

// RawExchange writes the request and reads the answer.
func (r *EpochEndRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	out := appendHeader(make([]byte, 0, 96+len(r.Topic)), offsetForLeaderEpoch, epochEndVersion, r.ClientID)
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // replica: none
	out = binary.BigEndian.AppendUint32(out, 1)
	out = AppendString(out, r.Topic)
	out = binary.BigEndian.AppendUint32(out, 1)
	out = binary.BigEndian.AppendUint32(out, uint32(r.Partition))
	out = binary.BigEndian.AppendUint32(out, uint32(r.Leader))
	out = binary.BigEndian.AppendUint32(out, uint32(r.Epoch))
	finish(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write the request for a leader epoch: %w", err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return parseEpochEndResponse(raw)
}

func parseEpochEndResponse(raw []byte) (*EpochEndResponse, error) {
	f := Reader{data: raw}
	f.Int32()                                                 // throttle time
	if f.Count() != 1 || f.String() == "" || f.Count() != 1 { // one was asked for
		return nil, errors.Join(f.err, errShort)
	}
	res := &EpochEndResponse{Code: f.Int16()}
	f.Int32() // partition
	res.Epoch, res.End = f.Int32(), f.Int64()
	return res, f.err
}
