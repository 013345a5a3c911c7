package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/waymark-events/waymark/pkg/kafka/internal/wire"
)

// The requests of the group protocol (https://kafka.apache.org/protocol, KIP-62, KIP-394), encoded here: kafka-go's own heartbeat goes
// to any broker instead of the coordinator, and its newest versions of heartbeat and sync are not what brokers expect.
const (
	joinVersion      = 4 // the member's id comes before the wait for the others, so that it can leave while it waits
	syncVersion      = 2
	heartbeatVersion = 2
	leaveVersion     = 2

	// subscriptionVersion is of what members tell the leader and the leader them; members of any version read 0.
	subscriptionVersion = 0
	protocolType        = "consumer"
)

// askCoordinator sends a request and returns the answer's fields after throttle time and error code, which is returned as an error.
func (c *Client) askCoordinator(ctx context.Context, key protocol.ApiKey, version int16, group string, body []byte) (*wire.Reader, error) {
	var answer protocol.Message
	var err error
	for range staleConnections {
		answer, err = c.transport.RoundTrip(ctx, c.addr, &wire.GroupRequest{Key: key, Version: version, ClientID: c.cfg.ClientID, GroupID: group, Body: body})
		if !stale(err) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	f := answer.(*wire.GroupResponse).Body()
	f.Int32() // throttle time
	code := f.Int16()
	if f.Err() != nil {
		return nil, f.Err()
	}
	if code != 0 {
		return f, kafkago.Error(code)
	}
	return f, nil
}

// staleConnections is how many connections that broke while they were idle, as all do when a broker restarts, one request gets past.
// kafka-go finds out by using them, one a try.
const staleConnections = 10

func stale(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// joined is a coordinator's answer to a member that joined. Only the leader is told the members, each with its topics.
type joined struct {
	generation int32
	member     string
	leader     bool
	members    []kafkago.GroupMember
}

// joinGroup waits until the other members have joined too. With kafkago.MemberIDRequired comes the id to join with.
func (c *Client) joinGroup(ctx context.Context, cfg GroupConfig, member string) (joined, error) {
	subscription := binary.BigEndian.AppendUint16(nil, subscriptionVersion)
	subscription = appendStrings(subscription, cfg.Topics)
	subscription = binary.BigEndian.AppendUint32(subscription, 0) // user data

	body := wire.AppendString(nil, cfg.ID)
	body = binary.BigEndian.AppendUint32(body, uint32(cfg.SessionTimeout.Milliseconds()))
	body = binary.BigEndian.AppendUint32(body, uint32(cfg.RebalanceTimeout.Milliseconds()))
	body = wire.AppendString(body, member)
	body = wire.AppendString(body, protocolType)
	body = binary.BigEndian.AppendUint32(body, 1)
	body = wire.AppendString(body, balancer.ProtocolName())
	body = appendSized(body, subscription)

	f, err := c.askCoordinator(ctx, protocol.JoinGroup, joinVersion, cfg.ID, body)
	if err != nil && !errors.Is(err, kafkago.MemberIDRequired) {
		return joined{}, err
	}
	out := joined{generation: f.Int32()}
	_ = f.String() // the protocol: we know one
	leader := f.String()
	out.member = f.String()
	out.leader = leader == out.member
	for range f.Count() {
		id, said := f.String(), f.Take(int(f.Int32()))
		topics, err := subscribed(said)
		if err != nil {
			return joined{}, fmt.Errorf("subscription of %s: %w", id, err)
		}
		out.members = append(out.members, kafkago.GroupMember{ID: id, Topics: topics})
	}
	if f.Err() != nil {
		return joined{}, f.Err()
	}
	return out, err
}

// subscribed returns the topics that a member asks for. What newer versions add behind them does not matter here.
func subscribed(subscription []byte) ([]string, error) {
	f := wire.NewReader(subscription)
	f.Int16() // version
	var topics []string
	for range f.Count() {
		topics = append(topics, f.String())
	}
	return topics, f.Err()
}

// syncGroup hands over the leader's assignments, member → topic → partitions, and returns the member's own.
func (c *Client) syncGroup(ctx context.Context, group string, of joined, all kafkago.GroupMemberAssignments) (map[string][]int32, error) {
	body := wire.AppendString(nil, group)
	body = binary.BigEndian.AppendUint32(body, uint32(of.generation))
	body = wire.AppendString(body, of.member)
	body = binary.BigEndian.AppendUint32(body, uint32(len(all)))
	for member, topics := range all {
		assignment := binary.BigEndian.AppendUint16(nil, subscriptionVersion)
		assignment = binary.BigEndian.AppendUint32(assignment, uint32(len(topics)))
		for topic, partitions := range topics {
			assignment = wire.AppendString(assignment, topic)
			assignment = binary.BigEndian.AppendUint32(assignment, uint32(len(partitions)))
			for _, p := range partitions {
				assignment = binary.BigEndian.AppendUint32(assignment, uint32(p))
			}
		}
		assignment = binary.BigEndian.AppendUint32(assignment, 0) // user data
		body = wire.AppendString(body, member)
		body = appendSized(body, assignment)
	}
	f, err := c.askCoordinator(ctx, protocol.SyncGroup, syncVersion, group, body)
	if err != nil {
		return nil, err
	}
	given := f.Take(int(f.Int32()))
	if f.Err() != nil || len(given) == 0 {
		return nil, f.Err() // a leader that does not know this member assigns it nothing
	}
	f = wire.NewReader(given)
	f.Int16() // version
	out := make(map[string][]int32)
	for range f.Count() {
		topic := f.String()
		for range f.Count() {
			out[topic] = append(out[topic], f.Int32())
		}
		slices.Sort(out[topic])
	}
	return out, f.Err()
}

func (c *Client) heartbeat(ctx context.Context, group string, of joined) error {
	body := wire.AppendString(nil, group)
	body = binary.BigEndian.AppendUint32(body, uint32(of.generation))
	body = wire.AppendString(body, of.member)
	_, err := c.askCoordinator(ctx, protocol.Heartbeat, heartbeatVersion, group, body)
	return err
}

func (c *Client) leaveGroup(ctx context.Context, group, member string) error {
	_, err := c.askCoordinator(ctx, protocol.LeaveGroup, leaveVersion, group, wire.AppendString(wire.AppendString(nil, group), member))
	return err
}

func appendSized(dst, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

func appendStrings(dst []byte, all []string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(all)))
	for _, s := range all {
		dst = wire.AppendString(dst, s)
	}
	return dst
}
