package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
)

var (
	// ErrUnknownTopic means that the cluster has no such topic or partition, or denies its existence to this user.
	ErrUnknownTopic = cluster.ErrUnknownTopic
	// ErrFenced means that the generation a commit was made under is over: another member may own the partition.
	ErrFenced = cluster.ErrFenced
	// ErrClaimEnded is what a handler of RunGroup returns, wrapped in the reason, when its partition is no longer the one it was given:
	// the member joins its group again, after a pause.
	ErrClaimEnded = errors.New("kafka: the claim has ended")
	// ErrBufferFull means that the producer holds as much unacknowledged data as it may.
	ErrBufferFull = errors.New("kafka: the producer's buffer is full")
	// ErrClosed means that the producer or client was closed.
	ErrClosed = errors.New("kafka: closed")
	// ErrLogGone means that the log that was asked for is no more: its topic was deleted, and there is another of its name.
	ErrLogGone = errors.New("kafka: the topic was deleted and made anew")
	// ErrNoTopicIDs means that the cluster cannot tell a topic from another that had its name before.
	ErrNoTopicIDs = errors.New("kafka: the brokers know no fetch by topic id (KIP-516): Kafka 3.1 or newer is needed")
	// ErrCorrupt means that a fetched batch fails its checksum or cannot be decoded.
	ErrCorrupt = wire.ErrCorrupt
)

// OffsetOutOfRange means that the asked offset is not on the log: below Start it was lost to retention, above End it never was.
type OffsetOutOfRange struct {
	Topic              string
	Partition          int32
	Offset, Start, End int64
}

func (e *OffsetOutOfRange) Error() string {
	return fmt.Sprintf("kafka: offset %d of %s/%d is not in %d–%d", e.Offset, e.Topic, e.Partition, e.Start, e.End)
}

// Truncated means that the log does not hold any more what lay before Offset: from To on its records are others, or none. An unclean
// election does that: a replica became leader that lacked them.
type Truncated struct {
	Topic      string
	Partition  int32
	Offset, To int64
	// LeaderEpoch is that of the record before To; NoLeaderEpoch where that is not known.
	LeaderEpoch int32
}

func (e *Truncated) Error() string {
	return fmt.Sprintf("kafka: %s/%d was truncated at %d, below %d", e.Topic, e.Partition, e.To, e.Offset)
}

// RecordTooLarge means that one record alone exceeds what the producer or the broker takes.
type RecordTooLarge struct {
	Topic string
	// Size of the record in bytes; 0 when it was the broker that refused the batch.
	Size, Limit int
}

func (e *RecordTooLarge) Error() string {
	if e.Size == 0 {
		return "kafka: the broker refuses a batch of " + e.Topic + " for its size"
	}
	return fmt.Sprintf("kafka: a record of %d bytes for %s exceeds %d", e.Size, e.Topic, e.Limit)
}

// Retriable tells whether the same call may succeed later without anybody's help: broken connections, elections,
// overload, timeouts. Errors it does not know are retriable: giving up on a passing fault would lose data, trying in
// vain only takes time.
func Retriable(err error) bool {
	var tooLarge *RecordTooLarge
	var someTooLarge *TooLarge
	var outOfRange *OffsetOutOfRange
	var truncated *Truncated
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return false
	case errors.Is(err, ErrFenced), errors.Is(err, ErrClosed), errors.Is(err, ErrCorrupt), errors.As(err, &tooLarge), errors.As(err, &someTooLarge),
		errors.As(err, &outOfRange), errors.As(err, &truncated), errors.Is(err, ErrLogGone), errors.Is(err, ErrNoTopicIDs):
		return false
	case errors.Is(err, ErrUnknownTopic), errors.Is(err, ErrBufferFull):
		return true
	}
	var code kafkago.Error
	if errors.As(err, &code) {
		switch code {
		case kafkago.TopicAuthorizationFailed, kafkago.GroupAuthorizationFailed, kafkago.ClusterAuthorizationFailed,
			kafkago.SASLAuthenticationFailed, kafkago.UnsupportedSASLMechanism, kafkago.MessageSizeTooLarge,
			kafkago.RecordListTooLarge, kafkago.InvalidTopic, kafkago.InvalidRequiredAcks, kafkago.UnsupportedVersion,
			kafkago.InvalidConfiguration, kafkago.PolicyViolation, kafkago.InvalidReplicationFactor, kafkago.InvalidPartitionNumber,
			kafkago.OffsetMetadataTooLarge, kafkago.UnsupportedForMessageFormat, kafkago.InvalidRecord:
			return false
		}
	}
	return true
}
