package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// A Log is one incarnation of a partition. A topic that is deleted and made anew has another id (KIP-516), and its logs are others,
// though they have the same names and offsets.
type Log struct {
	Topic     string
	ID        uuid.UUID
	Partition int32
}

// NoLeaderEpoch stands for a leader epoch that is not known.
const NoLeaderEpoch = -1

// A Position is a place on a log.
type Position struct {
	Offset int64
	// LeaderEpoch is that of the record before Offset; NoLeaderEpoch when there is none, or it is not known.
	LeaderEpoch int32
}

// TopicID returns the id of the topic that has the name now. Brokers may need a moment to agree on it.
//
// Errors: ErrUnknownTopic, ErrNoTopicIDs, and those that Retriable tells of.
func (c *Client) TopicID(ctx context.Context, topic string) (uuid.UUID, error) {
	if err := c.wantTopicIDs(ctx); err != nil {
		return uuid.Nil, fmt.Errorf("id of %s: %w", topic, err)
	}
	res, err := c.topicIDOf(ctx, topic)
	if err != nil {
		return uuid.Nil, fmt.Errorf("id of %s: %w", topic, err)
	}
	return res.id, nil
}

func (c *Client) topicIDOf(ctx context.Context, topic string) (*topicIDResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	answer, err := c.transport.RoundTrip(ctx, c.addr, &topicIDRequest{clientID: c.cfg.ClientID, topic: topic})
	if err != nil {
		return nil, explain(err)
	}
	res := answer.(*topicIDResponse)
	switch {
	case res.code != 0:
		return nil, explain(kafkago.Error(res.code))
	case res.id == uuid.Nil:
		return nil, ErrNoTopicIDs
	}
	return res, nil
}

// Log names the log that a partition has now; see TopicID.
func (c *Client) Log(ctx context.Context, topic string, partition int32) (Log, error) {
	id, err := c.TopicID(ctx, topic)
	if err != nil {
		return Log{}, err
	}
	return Log{Topic: topic, ID: id, Partition: partition}, nil
}

// sameLog returns ErrLogGone when the topic's name has passed to another topic, and otherwise the epoch of the log's leader.
func (c *Client) sameLog(ctx context.Context, log Log) (leaderEpoch int32, err error) {
	res, err := c.topicIDOf(ctx, log.Topic)
	if err != nil {
		return 0, fmt.Errorf("id of %s: %w", log.Topic, err)
	}
	if res.id != log.ID {
		return 0, fmt.Errorf("%s: %w", log.Topic, ErrLogGone)
	}
	epoch, ok := res.leaders[log.Partition]
	if !ok {
		return 0, fmt.Errorf("%s/%d: %w", log.Topic, log.Partition, ErrUnknownTopic)
	}
	return epoch, nil
}

// Verify returns nil when log still holds what lay before at. Once it did, Fetch fails when another leader has been elected since, until
// Verify has succeeded again: an election may have cut the log off (KIP-320). So Verify is due at the begin of a claim, also where nothing is
// known to lie before, and after each error of Fetch. A log has one reader of a client's at a time.
//
// Errors: ErrLogGone, *Truncated, and those of Fetch.
func (c *Client) Verify(ctx context.Context, log Log, at Position) error {
	leader, err := c.sameLog(ctx, log)
	if err != nil {
		return err
	}
	if at.LeaderEpoch == NoLeaderEpoch || at.Offset <= 0 {
		c.verified.Store(log, leader)
		return nil
	}
	if err := c.verify(ctx, log, at, leader); err != nil {
		return err
	}
	c.verified.Store(log, leader)
	return nil
}

func (c *Client) verify(ctx context.Context, log Log, at Position, leader int32) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	answer, err := c.transport.RoundTrip(ctx, c.addr, &epochEndRequest{clientID: c.cfg.ClientID, log: log, leader: leader, epoch: at.LeaderEpoch})
	if err != nil {
		return fmt.Errorf("leader epochs of %s/%d: %w", log.Topic, log.Partition, explain(err))
	}
	res := answer.(*epochEndResponse)
	switch {
	case res.code != 0:
		return fmt.Errorf("leader epochs of %s/%d: %w", log.Topic, log.Partition, explain(kafkago.Error(res.code)))
	case res.end < 0:
		// The leader remembers no such epoch: retention took its records, or it never had them.
		return c.verifyBounds(ctx, log, at)
	case res.end < at.Offset:
		return &Truncated{Topic: log.Topic, Partition: log.Partition, Offset: at.Offset, To: res.end, LeaderEpoch: res.epoch}
	}
	return nil
}

// verifyBounds looks whether a position still lies on the log, where nothing else can be told.
func (c *Client) verifyBounds(ctx context.Context, log Log, at Position) error {
	_, end, err := c.Bounds(ctx, log)
	if err != nil {
		return err
	}
	if end < at.Offset {
		return &Truncated{Topic: log.Topic, Partition: log.Partition, Offset: at.Offset, To: end, LeaderEpoch: NoLeaderEpoch}
	}
	return nil
}

// Bounds returns the oldest offset that a log keeps, and the one after its newest.
//
// Errors: ErrLogGone, and those of Fetch.
func (c *Client) Bounds(ctx context.Context, log Log) (start, end int64, err error) {
	of, err := c.offsets(ctx, log.Topic, []int32{log.Partition})
	if err != nil {
		return 0, 0, err
	}
	// They were asked for by name: they must be this log's.
	if _, err := c.sameLog(ctx, log); err != nil {
		return 0, 0, err
	}
	return of[0].Start, of[0].End, nil
}

// wantTopicIDs asks a broker once whether it takes the requests that name topics by their ids. One that does not would only close the
// connection.
func (c *Client) wantTopicIDs(ctx context.Context) error {
	if c.topicIDs.Load() {
		return nil
	}
	answer, err := c.admin.ApiVersions(ctx, &kafkago.ApiVersionsRequest{Addr: c.addr})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return explain(err)
	}
	for _, key := range answer.ApiKeys {
		if key.ApiKey == int(protocol.Fetch) && key.MaxVersion < fetchVersion {
			return ErrNoTopicIDs
		}
	}
	c.topicIDs.Store(true)
	return nil
}

const (
	topicIDVersion  = 12
	epochEndVersion = 3
	// offsetForLeaderEpoch is the API's key; kafka-go has no name for it.
	offsetForLeaderEpoch protocol.ApiKey = 23
)

// A topicIDRequest is a Metadata request: kafka-go's own knows no ids.
type topicIDRequest struct{ clientID, topic string }

type topicIDResponse struct {
	code int16
	id   uuid.UUID
	// leaders are the epochs of the partitions' leaders.
	leaders map[int32]int32
}

func (*topicIDRequest) ApiKey() protocol.ApiKey                 { return protocol.Metadata }
func (*topicIDResponse) ApiKey() protocol.ApiKey                { return protocol.Metadata }
func (*topicIDRequest) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads the answer.
func (r *topicIDRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	out := appendFlexibleHeader(make([]byte, 0, 96+len(r.topic)), protocol.Metadata, topicIDVersion, r.clientID)
	out = appendCompactCount(out, 1)
	out = append(out, uuid.Nil[:]...) // by name
	out = append(appendCompactCount(out, len(r.topic)), r.topic...)
	out = append(out, noTags)
	out = append(out, 0, 0, noTags) // make no topic, ask for no rights
	finishRequest(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write metadata request: %w", err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return parseTopicIDResponse(raw, r.topic)
}

func parseTopicIDResponse(raw []byte, topic string) (*topicIDResponse, error) {
	f := fields{data: raw}
	f.tags()  // of the header
	f.int32() // throttle time
	for range f.compact() {
		f.int32()         // broker
		f.compactString() // host
		f.int32()         // port
		f.compactString() // rack
		f.tags()
	}
	f.compactString() // cluster
	f.int32()         // controller
	if f.compact() != 1 {
		return nil, errors.Join(f.err, errShort)
	}
	res := &topicIDResponse{code: f.int16(), leaders: make(map[int32]int32)}
	name := f.compactString()
	res.id = f.uuid()
	f.take(1) // internal or not
	for range f.compact() {
		f.int16() // error
		partition := f.int32()
		f.int32() // leader
		res.leaders[partition] = f.int32()
		for range 3 { // replicas, those in sync, those off line
			for range f.compact() {
				f.int32()
			}
		}
		f.tags()
	}
	if f.err == nil && name != topic { // one was asked for
		f.err = fmt.Errorf("the broker tells of topic %q, not %q", name, topic)
	}
	return res, f.err
}

// An epochEndRequest asks where a leader epoch ends on a log: OffsetForLeaderEpoch (KIP-320).
type epochEndRequest struct {
	clientID string
	log      Log
	leader   int32 // its epoch, as far as is known
	epoch    int32
}

type epochEndResponse struct {
	code  int16
	epoch int32 // the largest one up to the asked one
	end   int64 // where it ends; -1 when the leader knows neither it nor one before
}

func (*epochEndRequest) ApiKey() protocol.ApiKey                 { return offsetForLeaderEpoch }
func (*epochEndResponse) ApiKey() protocol.ApiKey                { return offsetForLeaderEpoch }
func (*epochEndRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *epochEndRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leader(cluster, r.log.Topic, r.log.Partition)
}

// RawExchange writes the request and reads the answer.
func (r *epochEndRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	out := appendRequestHeader(make([]byte, 0, 96+len(r.log.Topic)), offsetForLeaderEpoch, epochEndVersion, r.clientID)
	out = binary.BigEndian.AppendUint32(out, ^uint32(0)) // replica: none
	out = binary.BigEndian.AppendUint32(out, 1)
	out = appendString(out, r.log.Topic)
	out = binary.BigEndian.AppendUint32(out, 1)
	out = binary.BigEndian.AppendUint32(out, uint32(r.log.Partition))
	out = binary.BigEndian.AppendUint32(out, uint32(r.leader))
	out = binary.BigEndian.AppendUint32(out, uint32(r.epoch))
	finishRequest(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write the request for a leader epoch: %w", err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return parseEpochEndResponse(raw)
}

func parseEpochEndResponse(raw []byte) (*epochEndResponse, error) {
	f := fields{data: raw}
	f.int32()                                                 // throttle time
	if f.count() != 1 || f.string() == "" || f.count() != 1 { // one was asked for
		return nil, errors.Join(f.err, errShort)
	}
	res := &epochEndResponse{code: f.int16()}
	f.int32() // partition
	res.epoch, res.end = f.int32(), f.int64()
	return res, f.err
}
