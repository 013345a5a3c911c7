package chaos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/retry"
)

// groups are the consumers, each with what it reads.
var groups = []struct{ group, topic string }{
	{enricherGroup, rawTopic},
	{sinkGroup, enrichedTopic},
	{sinkGroup, deadTopic},
}

// A Sabotage breaks the protocol on purpose, once, behind the services' back, when half of the events were sent.
type Sabotage string

// What can be broken.
const (
	// SabotageNone breaks nothing.
	SabotageNone Sabotage = ""
	// SabotageRewind sets the sink's offsets back, with a memory that nothing is stored: rows must come twice. Without one the sink
	// would ask the table.
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
		// Two statements: a mutation leaves out what is inserted after its begin, and its subquery would see that.
		id, err := w.sql(ctx, "SELECT min(event_id) FROM events")
		if err != nil {
			return err
		}
		_, err = w.sql(ctx, fmt.Sprintf("ALTER TABLE events UPDATE session_id = 'another' WHERE event_id = '%s' SETTINGS mutations_sync = 1", strings.TrimSpace(id)))
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
	for behind := int64(0); behind == 0; { // the clients go on, so there is something to skip in a moment
		bounds, err := admin.Lag(ctx, w.client, sinkGroup, enrichedTopic)
		if err != nil {
			return err
		}
		for _, b := range bounds {
			behind += b.Lag
			offset, memory := b.End, ""
			if s == SabotageRewind {
				offset = max(b.Start, b.Committed/2+1) // another batch than any before, hence another token
				if memory, err = forgetful(b.Metadata, b.Committed); err != nil {
					return err
				}
			}
			if err := w.operator.SetOffsetWith(ctx, sinkGroup, enrichedTopic, b.Partition, offset, memory); err != nil {
				return err
			}
		}
	}
	for _, m := range w.sinks {
		if err := w.revive(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// forgetful is what a sink committed, as if it knew every raw log and had stored nothing of it.
func forgetful(metadata string, committed int64) (string, error) {
	state, err := checkpoint.ParseSink(metadata, committed)
	if err != nil {
		return "", err
	}
	state.LeaderEpoch, state.Next = kafka.NoLeaderEpoch, 0
	for i, m := range state.Marks {
		state.Marks[i] = checkpoint.NewMark(m.Topic)
	}
	return state.String(), nil
}
