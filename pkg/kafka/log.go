package kafka

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
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
	return res.ID, nil
}

func (c *Client) topicIDOf(ctx context.Context, topic string) (*wire.TopicIDResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	answer, err := c.transport.RoundTrip(ctx, c.addr, &wire.TopicIDRequest{ClientID: c.cfg.ClientID, Topic: topic})
	if err != nil {
		return nil, cluster.Explain(err)
	}
	res := answer.(*wire.TopicIDResponse)
	switch {
	case res.Code != 0:
		return nil, cluster.Explain(kafkago.Error(res.Code))
	case res.ID == uuid.Nil:
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
	if res.ID != log.ID {
		return 0, fmt.Errorf("%s: %w", log.Topic, ErrLogGone)
	}
	epoch, ok := res.LeaderEpochs[log.Partition]
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
	answer, err := c.transport.RoundTrip(ctx, c.addr, &wire.EpochEndRequest{ClientID: c.cfg.ClientID, Topic: log.Topic, Partition: log.Partition, Leader: leader, Epoch: at.LeaderEpoch})
	if err != nil {
		return fmt.Errorf("leader epochs of %s/%d: %w", log.Topic, log.Partition, cluster.Explain(err))
	}
	res := answer.(*wire.EpochEndResponse)
	switch {
	case res.Code != 0:
		return fmt.Errorf("leader epochs of %s/%d: %w", log.Topic, log.Partition, cluster.Explain(kafkago.Error(res.Code)))
	case res.End < 0:
		// The leader remembers no such epoch: retention took its records, or it never had them.
		return c.verifyBounds(ctx, log, at)
	case res.End < at.Offset:
		return &Truncated{Topic: log.Topic, Partition: log.Partition, Offset: at.Offset, To: res.End, LeaderEpoch: res.Epoch}
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
	answer, err := c.cluster.ApiVersions(ctx, &kafkago.ApiVersionsRequest{Addr: c.addr})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return cluster.Explain(err)
	}
	for _, key := range answer.ApiKeys {
		if key.ApiKey == int(protocol.Fetch) && key.MaxVersion < wire.FetchVersion {
			return ErrNoTopicIDs
		}
	}
	c.topicIDs.Store(true)
	return nil
}
