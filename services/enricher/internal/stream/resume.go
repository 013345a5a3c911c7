package stream

import (
	"fmt"
	"math"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// Evidence is all that tells where a partition is to be gone on from.
type evidence struct {
	region    string
	partition int32
	// committed is the group's offset on the raw topic, -1 where it has none. at was committed beside it; its Log is uuid.Nil where that
	// was not ours, or says no more than the epoch.
	committed int64
	at        checkpoint.Enricher
	foreign   bool // committed without metadata of ours

	// raw and enriched are the logs that the partition has now.
	raw, enriched bounds
	// cut is where the raw log lost what lay below committed; -1 where it lost nothing.
	cut int64
	// replaced is true when the enriched record before at.Written was not made of a raw record before committed, nor before a re-enrichment
	// set that back, or the claim saw itself that the log was cut.
	replaced bool

	// tail is the last of this raw log's sources that the end of the enriched partition shows, mark the last one that the sink has stored.
	// Everything before them is settled, unless the enriched log was cut before.
	tail, mark settled
	// stranger is the last source of another raw log that the enriched partition shows.
	stranger checkpoint.Source
}

// Bounds are a log and what is kept of it.
type bounds struct {
	id         uuid.UUID
	start, end int64
}

// A settled source, and where its leader epoch ends on the raw log as it is now: what lay from there on is other records, or none. The zero
// value is none.
type settled struct {
	checkpoint.Source
	end int64
	// written is the offset after the enriched record that shows it, 0 when none does.
	written int64
}

func (s settled) known() bool { return s.Topic != uuid.Nil && s.Offset >= 0 }

// next is the position after s.
func (s settled) next() kafka.Position {
	if s.Offset >= s.end {
		return kafka.Position{Offset: s.end, LeaderEpoch: kafka.NoLeaderEpoch}
	}
	return kafka.Position{Offset: s.Offset + 1, LeaderEpoch: s.LeaderEpoch}
}

// A decision says where a claim begins, under which epoch, and what people must know of it.
type decision struct {
	kafka.Position
	// most bounds the leader epoch before Position where that is not known, and so to be asked for; below 0 there is no bound.
	most  int32
	epoch uint32
	// written and stored are checkpoint.Enricher's.
	written, stored int64
	// commit is true when this must be committed before anything is done.
	commit  bool
	reports []report
}

// A report tells what was decided, and of which raw records it means that they may be lost.
type report struct {
	level zapcore.Level
	cause string // of the metric rewinds; empty where the claim begins at the committed offset
	text  string
	// Raw offsets [from, to) of topic, when lost is true. to is open where nobody knows the end.
	lost     bool
	topic    uuid.UUID
	from, to int64
	// retention is true for those that were deleted before they were read.
	retention bool
}

// open ends what has no known end.
const open = math.MaxInt64

// Causes of a begin elsewhere than at the committed offset.
const (
	causeRawAnew      = "raw_anew"
	causeRawCut       = "raw_truncated"
	causeEnrichedLost = "enriched_lost"
	causeForgotten    = "nothing_committed"
	causeBack         = "set_back"
	causeForward      = "set_forward"
	causeBeyond       = "beyond_end"
)

var causes = []string{causeRawAnew, causeRawCut, causeEnrichedLost, causeForgotten, causeBack, causeForward, causeBeyond}

// after begins behind what is settled.
func (d *decision) after(e *evidence, s settled) {
	d.Position, d.most = s.next(), s.LeaderEpoch
	if s.Offset >= s.end {
		d.cutAt(e, s.end)
		return
	}
	d.written = s.written
}

// cutAt says what may be lost where the log was truncated and its retention has come there since.
func (d *decision) cutAt(e *evidence, cut int64) {
	if cut <= e.raw.start && cut > 0 {
		d.say(report{level: zap.ErrorLevel, lost: true, topic: e.raw.id, from: 0, to: e.raw.start,
			text: "the raw topic's retention has deleted since what came where the log was truncated: of the records named here those are lost that came after that"})
	}
}

func (d *decision) say(r report) { d.reports = append(d.reports, r) }

// resume decides where a claim begins. It follows from the evidence alone.
//
// An offset is worth what the log says that it was committed on: on another log of the same name it is a number. So each case begins with
// what is known of this log, by its id; where nothing is, the log's start loses nothing, and what comes again by it does not rise.
func resume(e evidence) decision {
	known := e.settled()
	d := decision{most: -1, epoch: max(e.at.Epoch, e.tail.Epoch, e.mark.Epoch), stored: -1, commit: true}
	switch sameLog := e.at.Log == e.raw.id; {
	case e.committed < 0:
		d.forgotten(&e, known)
	case e.at.Log == uuid.Nil:
		d.chosen(&e, known)
	case !sameLog:
		d.anew(&e, known)
	case e.cut >= 0:
		d.Position, d.most = kafka.Position{Offset: e.cut, LeaderEpoch: kafka.NoLeaderEpoch}, e.at.LeaderEpoch
		d.say(report{level: zap.ErrorLevel, cause: causeRawCut, text: fmt.Sprintf("the raw log was truncated below the committed offset, as an unclean election does: going back to %d. "+
			"What had been enriched of the records that it lost stays", e.cut)})
		d.cutAt(&e, e.cut)
	default:
		d.Position, d.written, d.commit = kafka.Position{Offset: e.committed, LeaderEpoch: e.at.LeaderEpoch}, e.at.Written, false
	}
	lost := e.enrichedLost()
	if lost {
		// What was written after the loss may be stored already: then the mark has passed over what was lost. What was committed before is sure.
		e.mark = settled{}
	}
	d.stored = e.storedAt(d)
	if lost {
		d.enrichAgain(&e)
	}
	d.withinBounds(&e)
	return d
}

// settled returns the later one of what the enriched partition shows and what the sink has.
func (e *evidence) settled() settled {
	if !e.tail.known() || e.mark.known() && e.mark.After(e.tail.Source) {
		return e.mark
	}
	return e.tail
}

// storedAt returns the raw offset below which the sink has stored everything of this log, as far as is known; -1 where nothing is. The mark
// of an epoch before d's says nothing: it may have passed over what the enriched log lost, which d's epoch was begun to make up for.
func (e *evidence) storedAt(d decision) int64 {
	stored := int64(-1)
	if e.at.Log == e.raw.id {
		stored = e.at.Stored
		if e.cut >= 0 {
			stored = min(stored, e.cut)
		}
	}
	if e.mark.known() && e.mark.Epoch >= d.epoch {
		stored = max(stored, e.mark.next().Offset)
	}
	return stored
}

// forgotten begins where nothing is committed: the group is new, or it was deleted or expired, or its offsets went with a topic of the
// raw topic's name.
func (d *decision) forgotten(e *evidence, known settled) {
	switch {
	case known.known():
		d.after(e, known)
		d.say(report{level: zap.WarnLevel, cause: causeForgotten, text: "nothing is committed for the partition, though it has been enriched: the group was deleted or expired. Going on after the last record that was enriched"})
	case e.stranger.Topic != uuid.Nil:
		d.Position = first
		d.afterStranger(e)
	default:
		d.Position = e.beginning()
		d.say(report{level: zap.InfoLevel, text: "nothing is known of the partition: beginning at the log's start"})
	}
}

// afterStranger says what is known of the log before, of which the enriched partition shows the end.
func (d *decision) afterStranger(e *evidence) {
	d.say(report{level: zap.ErrorLevel, cause: causeRawAnew, lost: true, topic: e.stranger.Topic, from: e.stranger.Offset + 1, to: open,
		text: fmt.Sprintf("the raw topic was made anew: going on at %d of the one that has its name now. What came from from_offset on, on the one before it, may never have been enriched", d.Offset)})
}

// chosen begins at an offset that was committed without the log it is of: by a tool, that is by somebody's choice. Where it lies on no log
// it is nobody's.
func (d *decision) chosen(e *evidence, known settled) {
	d.Position = kafka.Position{Offset: e.committed, LeaderEpoch: kafka.NoLeaderEpoch}
	if known.known() && e.committed > known.Offset && e.committed <= e.raw.end {
		d.written = known.written
	}
	if e.foreign && !known.known() && e.stranger.Topic != uuid.Nil {
		d.afterStranger(e)
	}
	switch {
	case e.committed > e.raw.end && known.known():
		d.after(e, known)
		d.say(report{level: zap.ErrorLevel, cause: causeBeyond, text: fmt.Sprintf("the committed offset lies beyond the log's end, %d, and was committed by another tool: going on after the last record that was enriched", e.raw.end)})
	case e.committed > e.raw.end:
		d.Position = e.beginning()
		d.say(report{level: zap.ErrorLevel, cause: causeBeyond, lost: e.raw.start > 0, topic: e.raw.id, to: e.raw.start, text: fmt.Sprintf("the committed offset lies beyond the log's end, %d, and nothing of the log is known to be enriched: beginning at its start. What lay before it may never have been enriched", e.raw.end)})
	case !e.foreign:
	case !known.known() && e.committed > e.raw.start:
		d.say(report{level: zap.ErrorLevel, cause: causeForward, lost: true, topic: e.raw.id, from: e.raw.start, to: e.committed,
			text: "the offset was set by another tool, and nothing of the raw log is known to be enriched: records are skipped, at most those named here. To have them enriched, while the raw topic keeps them: " + e.reenrich()})
	case !known.known() || e.committed == known.next().Offset:
	case e.committed < known.next().Offset:
		d.say(report{level: zap.WarnLevel, cause: causeBack, text: "the offset was set back by another tool: enriching again from there. The sink leaves out what is not above what it has; " +
			"to have it replaced: " + e.reenrich()})
	default:
		d.say(report{level: zap.ErrorLevel, cause: causeForward, lost: true, topic: e.raw.id, from: known.next().Offset, to: e.committed,
			text: "the offset was set forward by another tool: records are skipped, at most those named here. To have them enriched, while the raw topic keeps them: " + e.reenrich()})
	}
}

// reenrich is what to type. It raises the epoch: under the same one the sink leaves out what is not above what it has.
func (e *evidence) reenrich() string {
	return "stop the enrichers, run waymarkctl reenrich --region " + e.region + " --from TIME, with a time before those records were received, and start them"
}

// anew begins on a log that took the name of the one that the offset is of.
func (d *decision) anew(e *evidence, known settled) {
	if d.Position = first; known.known() {
		d.after(e, known)
	}
	d.say(report{level: zap.ErrorLevel, cause: causeRawAnew, lost: true, topic: e.at.Log, from: e.committed, to: open,
		text: fmt.Sprintf("the raw topic was made anew: going on at %d of the one that has its name now. What came from from_offset on, on the one before it, was never enriched", d.Offset)})
	if e.at.Enriched != e.enriched.id || e.enriched.end < e.at.Written || e.replaced {
		d.say(report{level: zap.ErrorLevel, lost: true, topic: e.at.Log, from: max(e.at.Stored, 0), to: e.committed,
			text: "the enriched topic was made anew or truncated, too: of what was enriched from the raw topic before, the sink may not have stored the records named here"})
	}
}

// first is where a log begins that is known to be new: what its retention has deleted since was never enriched.
var first = kafka.Position{Offset: 0, LeaderEpoch: kafka.NoLeaderEpoch}

// beginning is the raw log's start.
func (e *evidence) beginning() kafka.Position {
	return kafka.Position{Offset: e.raw.start, LeaderEpoch: kafka.NoLeaderEpoch}
}

// enrichedLost tells whether records are gone from the enriched topic that the committed offset calls enriched.
func (e *evidence) enrichedLost() bool {
	return e.committed >= 0 && e.at.Log == e.raw.id && e.at.Enriched != uuid.Nil &&
		(e.at.Enriched != e.enriched.id || e.enriched.end < e.at.Written || e.replaced)
}

// enrichAgain goes back to where the sink has everything. The epoch rises, and is committed first: an owner before this one may still write
// under the old one, further on than this one is, and what this one writes would not rise above that.
func (d *decision) enrichAgain(e *evidence) {
	d.epoch++
	d.written, d.commit = 0, true
	again := e.beginning()
	if d.stored >= 0 {
		again = kafka.Position{Offset: d.stored, LeaderEpoch: kafka.NoLeaderEpoch}
	}
	if again.Offset < d.Offset {
		d.Position, d.most = again, e.at.LeaderEpoch
	}
	text := "the enriched topic was made anew: what was on it and not stored yet is enriched again, under a higher epoch"
	if e.at.Enriched == e.enriched.id {
		text = "the enriched log was truncated: what it lost and the sink had not stored yet is enriched again, under a higher epoch"
	}
	text += ". Of raw topics that were there before this one nothing can be enriched again"
	if d.stored < 0 {
		text += ". How far the sink has stored is not known: from the log's start"
		if e.raw.start > 0 {
			d.say(report{level: zap.ErrorLevel, lost: true, topic: e.raw.id, from: 0, to: e.raw.start, retention: true,
				text: "what the raw topic's retention has deleted cannot be enriched again: of the records named here those are lost that the sink had not stored"})
		}
	}
	d.say(report{level: zap.ErrorLevel, cause: causeEnrichedLost, text: text})
}

// withinBounds moves a begin that is not on the log to where it is.
func (d *decision) withinBounds(e *evidence) {
	if d.Offset < e.raw.start {
		d.say(report{level: zap.ErrorLevel, lost: true, topic: e.raw.id, from: d.Offset, to: e.raw.start, retention: true,
			text: "records were deleted by the topic's retention before they were enriched"})
		d.Position, d.commit = e.beginning(), true
	}
	if d.Offset > e.raw.end { // it became shorter while it was looked at
		d.Position, d.written, d.commit = kafka.Position{Offset: e.raw.end, LeaderEpoch: kafka.NoLeaderEpoch}, 0, true
	}
	d.stored = min(d.stored, d.Offset)
}
