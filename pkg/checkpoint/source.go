package checkpoint

import (
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// A Source names a raw record of one partition, and the epoch it was enriched under. An offset alone names nothing: a topic that is made
// anew has the offsets of its predecessor (KIP-516), and a log that lost its end in an unclean election uses them a second time, under a
// higher leader epoch (KIP-320).
type Source struct {
	// Topic is the raw topic's id.
	Topic uuid.UUID
	// Epoch is raised by a deliberate re-enrichment.
	Epoch uint32
	// LeaderEpoch is that of the leader that appended the record.
	LeaderEpoch int32
	Offset      int64
}

// Nowhere is before every source of a topic.
func Nowhere(topic uuid.UUID) Source { return Source{Topic: topic, LeaderEpoch: -1, Offset: -1} }

// After tells whether s comes after other, which is of the same topic: epochs first, then leader epochs, which rise along a log, then
// offsets.
func (s Source) After(other Source) bool {
	switch {
	case s.Epoch != other.Epoch:
		return s.Epoch > other.Epoch
	case s.LeaderEpoch != other.LeaderEpoch:
		return s.LeaderEpoch > other.LeaderEpoch
	}
	return s.Offset > other.Offset
}

// A Mark is how far a raw log is stored.
type Mark struct {
	// Source is the last one stored: everything up to it is settled. Nowhere(topic) before the first.
	Source
	// Superseded is above 0 while a re-enrichment goes on: raw offsets below it may be stored under an earlier epoch than Source's, and
	// such a row goes when its successor comes.
	Superseded int64
	// Fed is the leader epoch of the enriched record that Source was read from, on the log that the state is of; -1 when that is not known, or
	// it was another log. A later record of the same leader epoch follows it without a cut between.
	Fed int32
	// Doubt is the last source that the table had when it was asked because this memory was missing: what comes after Source and not
	// after Doubt may be stored or not, and the table must be asked. Nowhere(topic) when nothing is in doubt.
	Doubt Source
}

// NewMark is the mark of a log of which nothing is known to be stored.
func NewMark(topic uuid.UUID) Mark {
	return Mark{Source: Nowhere(topic), Fed: -1, Doubt: Nowhere(topic)}
}

// Doubtful tells whether s may be stored already, as far as m can tell.
func (m Mark) Doubtful(s Source) bool { return !s.After(m.Doubt) }

// Marks are the marks of the logs that a partition was fed from lately, the newest last. A log that is not among them must be asked for.
type Marks []Mark

// mostMarks bounds what a commit carries: brokers take 4096 bytes of metadata by default (offset.metadata.max.bytes).
const mostMarks = 8

// Find returns the mark of a topic's log.
func (ms Marks) Find(topic uuid.UUID) (Mark, bool) {
	for _, m := range ms {
		if m.Topic == topic {
			return m, true
		}
	}
	return Mark{}, false
}

// With returns marks with m, as the newest, in place of the one of its topic. The oldest go when there are too many.
func (ms Marks) With(m Mark) Marks {
	if n := len(ms); n > 0 && ms[n-1] == m {
		return ms
	}
	out := make(Marks, 0, len(ms)+1)
	for _, other := range ms {
		if other.Topic != m.Topic {
			out = append(out, other)
		}
	}
	out = append(out, m)
	return slices.Clip(out[max(0, len(out)-mostMarks):])
}

// OfAnotherLog returns the marks as they are for a log that took the place of the one that they were read from.
func (ms Marks) OfAnotherLog() Marks {
	out := slices.Clone(ms)
	for i := range out {
		out[i].Fed = -1
	}
	return out
}

// Pass tells whether s comes after what its log's mark says is stored.
func (ms Marks) Pass(s Source) bool {
	for i := len(ms) - 1; i >= 0; i-- {
		if ms[i].Topic == s.Topic {
			return s.After(ms[i].Source)
		}
	}
	return true
}

// Raise sets the source of a log's mark and returns the marks. It changes ms in place where it can: ms must be the caller's own.
func (ms Marks) Raise(s Source) Marks {
	if n := len(ms); n > 0 && ms[n-1].Topic == s.Topic {
		ms[n-1].Source = s
		return ms
	}
	m, known := ms.Find(s.Topic)
	if !known {
		m = NewMark(s.Topic)
	}
	m.Source = s
	return ms.With(m)
}

// shortID renders a topic's id as Kafka's own tools do.
func shortID(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func parseID(text string) (id uuid.UUID, err error) {
	if text == "" {
		return uuid.Nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != len(id) {
		return uuid.Nil, fmt.Errorf("%q is no topic id", text)
	}
	return uuid.UUID(raw), nil
}
