package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/schemas"
)

// groups are the consumers, each with what it reads.
var groups = []struct{ group, topic string }{
	{schemas.EnricherGroup(region), schemas.RawTopic(region)},
	{schemas.SinkGroup(region), schemas.EnrichedTopic(region)},
	{schemas.SinkGroup(region), schemas.DeadTopic(region)},
}

// A Sabotage breaks the protocol on purpose, once, behind the services' back, when half of the events were sent.
type Sabotage string

// What can be broken.
const (
	// SabotageNone breaks nothing.
	SabotageNone Sabotage = ""
	// SabotageRewind sets the sink's offsets back and forgets what was committed with them: rows must come twice.
	SabotageRewind Sabotage = "rewind"
	// SabotageSkip sets the sink's offsets forward, past records that are not stored: rows must be missing.
	SabotageSkip Sabotage = "skip"
	// SabotageAlter changes a stored row.
	SabotageAlter Sabotage = "alter"
)

func (s Sabotage) apply(ctx context.Context, w *world) error {
	if s == SabotageNone {
		return nil
	}
	// There must be something to break.
	for rows := ""; rows != "1\n"; {
		var err error
		if rows, err = w.sql(ctx, fmt.Sprintf("SELECT count() > %d FROM events", w.cfg.Events/4)); err != nil {
			return err
		}
		if err := retry.Pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	switch s {
	case SabotageAlter:
		_, err := w.sql(ctx, "ALTER TABLE events UPDATE session_id = 'another' WHERE event_id = (SELECT min(event_id) FROM events) SETTINGS mutations_sync = 1")
		return err
	case SabotageRewind, SabotageSkip:
	default:
		return fmt.Errorf("no such sabotage: %s", s)
	}
	for _, m := range w.sinks {
		m.mu.Lock()
		defer m.mu.Unlock()
		if err := m.Stop(); err != nil {
			return err
		}
	}
	topic := schemas.EnrichedTopic(region)
	offsets := map[int32]int64{}
	for behind := int64(0); behind == 0; { // the clients go on, so there is something to skip in a moment
		bounds, err := w.client.Lag(ctx, schemas.SinkGroup(region), topic)
		if err != nil {
			return err
		}
		for _, b := range bounds {
			behind += b.Lag
			offsets[b.Partition] = max(b.Start, b.Committed/2+1) // another batch than any before, hence another token
			if s == SabotageSkip {
				offsets[b.Partition] = b.End
			}
		}
	}
	if err := setOffsets(ctx, w.kafka.Brokers(), schemas.SinkGroup(region), topic, offsets); err != nil {
		return err
	}
	for _, m := range w.sinks {
		if err := w.revive(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// setOffsets commits for a group that has no members, without metadata.
func setOffsets(ctx context.Context, brokers []string, group, topic string, offsets map[int32]int64) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MaxVersions(kversion.V3_0_0())) // later versions name topics by id
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	defer client.Close()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = group
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = topic
	for partition, offset := range offsets {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = partition, offset
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		answer, err := req.RequestWith(ctx, client)
		if err == nil {
			for _, p := range answer.Topics[0].Partitions {
				err = errors.Join(err, kerr.ErrorForCode(p.ErrorCode))
			}
		}
		if err == nil {
			return nil
		}
		if retry.Pause(ctx, 500*time.Millisecond) != nil {
			return fmt.Errorf("set offsets of %s: %w", group, err)
		}
	}
}
