package load

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
)

// Evidence is what is known when a partition is claimed.
type evidence struct {
	// offset is what the group has committed, -1 for nothing. memory is what was committed beside it; nil when that was not ours.
	offset int64
	memory *checkpoint.Sink
	// log is the id of the topic that has the name now; start and end bound its log.
	log        uuid.UUID
	start, end int64
	// cut is where the log was cut off below what memory speaks of, -1 when it was not; cutEpoch is the leader epoch of the record before.
	cut      int64
	cutEpoch int32
}

// A course is how to go on from evidence.
type course struct {
	// next is the offset to read first, state what is known there. state.Next is set only when its batch can be read again as it was;
	// state.Era is 0 when another era begins.
	next  int64
	state checkpoint.Sink
	// doubt says that the table may hold more than the marks of state say.
	doubt bool
	// fresh says that nothing before next was expected to be read.
	fresh bool
	// say is a sentence for the log, empty when all is as it should be.
	say string
}

// resume decides how to go on. It is all that the protocol does about logs and groups that lost their identity, and it holds for the dead
// topic too: going back costs time and never doubles, since each row is asked for by the name of its record. What is passed over is said.
func resume(e evidence) course {
	c := course{next: e.start, state: checkpoint.NewSink(e.log), fresh: true}
	m := e.memory
	switch {
	case m == nil && e.offset < 0:
		// A new group; or one whose offsets expired, or were deleted, or went with a topic of that name. The table knows which.
		return c
	case m == nil && e.offset > e.end:
		c.say = fmt.Sprintf("the group's offset %d, which another tool has set, lies beyond the log's end %d: beginning at the log's start %d; what is stored is left out", e.offset, e.end, e.start)
		return c
	case m == nil && e.offset < e.start:
		c.say = fmt.Sprintf("the group's offset %d, which another tool has set, lies before the log's start: beginning at %d; what is stored is left out", e.offset, e.start)
		return c
	case m == nil:
		c.next, c.fresh = e.offset, false
		c.say = fmt.Sprintf("the group's offset %d was set by another tool: going on there, and leaving out what is stored", e.offset)
		if e.offset > e.start {
			c.say += fmt.Sprintf("; what of the offsets %d to %d is not stored is passed over: to store it, stop the sinks and set the offset to %d", e.start, e.offset-1, e.start)
		}
		return c
	case m.Log != e.log:
		c.state.Marks, c.doubt = m.Marks.OfAnotherLog(), m.Next > 0
		c.say = fmt.Sprintf("the topic was deleted and made anew: beginning at the new log's start %d; what the old one held behind offset %d, and was not stored, "+
			"the enricher writes again%s", e.start, e.offset, lastBatch(c.doubt))
		return c
	}
	c.next, c.state, c.fresh = e.offset, *m, false
	if e.cut < 0 {
		return c
	}
	c.state.Era = 0
	// The batch of an open intent cannot be read again as it was: some of its rows may be stored.
	c.doubt = m.Next > 0
	c.state.Next, c.state.NextLeaderEpoch, c.state.Halved, c.state.Replaces, c.state.Joint = 0, -1, false, false, nil
	c.state.Fenced = 0 // of another era: siblings.agree asks for that, too
	if m.Replaces {
		// Rows of an earlier epoch may be deleted already, and only the log before the cut has them.
		c.next, c.state.LeaderEpoch, c.state.Marks, c.doubt = e.start, -1, nil, false
	} else if e.cut < e.offset {
		c.next, c.state.LeaderEpoch = e.cut, e.cutEpoch
	}
	c.say = fmt.Sprintf("the log was cut off at offset %d, as an unclean election does: going on at %d; what was cut off, and was not stored, the enricher writes again%s",
		e.cut, c.next, lastBatch(c.doubt))
	return c
}

// lastBatch says what is left open about a batch that was being inserted and cannot be read again.
func lastBatch(open bool) string {
	if !open {
		return ""
	}
	return ". Its last batch was just being inserted: the table will have each event once, but materialized views may lack some of that batch"
}
