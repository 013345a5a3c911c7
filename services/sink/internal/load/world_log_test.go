package load

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A simLog is one incarnation of the enriched partition.
type simLog struct {
	id      uuid.UUID
	records []event.Record
	leader  int32
	// passed is the highest offset that an operator has set.
	passed int64
}

// endOf returns where a leader epoch ends on the log.
func (l *simLog) endOf(epoch int32) int64 {
	end := len(l.records)
	for end > 0 && l.records[end-1].LeaderEpoch > epoch {
		end--
	}
	return int64(end)
}

// A simEnricher writes the log as an enricher does (see services/enricher/internal/stream): in the order of the raw log; again what came
// last, when it died; again under a higher epoch, when that is wanted, or when the enriched log has lost what it wrote.
type simEnricher struct {
	raw     uuid.UUID
	leaders []rawLeader // of the raw log, by offset
	next    int64       // raw offset
	begun   int64       // where the epoch began: that was committed first, and a death goes back no further
	epoch   uint32
	// stored is what the sink's commits said last of the raw log: below it everything is stored.
	// storedLeader is the leader epoch of the record before.
	stored       int64
	storedLeader int32
	ids          uint64
}

type rawLeader struct {
	from  int64
	epoch int32
}

func (e *simEnricher) leaderOf(offset int64) (epoch int32) {
	for _, l := range e.leaders {
		if l.from <= offset {
			epoch = l.epoch
		}
	}
	return epoch
}

// newID makes ids that are the same in each run of a seed.
func (e *simEnricher) newID() (id uuid.UUID) {
	e.ids++
	binary.BigEndian.PutUint64(id[8:], e.ids)
	id[0] = 1
	return id
}

// write appends what becomes of the next n raw records.
func (w *world) write(n int) {
	e := &w.enricher
	for range n {
		source := e.next
		e.next++
		id := uuid.UUID{15: byte(source), 14: byte(source >> 8), 13: byte(e.leaderOf(source)), 12: e.raw[15]}
		made := event.Enriched{
			EventId: id[:], Event: fmt.Sprint("e", source, " of ", e.epoch),
			RawTopicId: e.raw[:], RawLeaderEpoch: e.leaderOf(source), RawOffset: source, Epoch: e.epoch,
		}
		of := w.erasures.sender(rows.Position{TopicID: e.raw, LeaderEpoch: e.leaderOf(source), Offset: source})
		made.AccountId, made.UserId, made.ReceivedAt = simAccount, of.user, of.received
		// An enricher makes the same of the same raw record.
		made.Time = time.Date(2020+int(source*7)%months, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		if source%9 == 5 && !w.plain {
			made.Props = []byte(badProps)
		}
		value, err := made.MarshalVT()
		if err != nil {
			panic(err)
		}
		if source%11 == 10 && e.epoch == 0 && !w.plain && w.choose(2) == 0 {
			value = []byte{0xff, 0xff}
		}
		if int64(len(w.log.records)) < w.log.passed {
			w.skipped[rows.Position{TopicID: e.raw, LeaderEpoch: e.leaderOf(source), Offset: source}] = true
			w.skipped[rows.Position{TopicID: w.log.id, LeaderEpoch: w.log.leader, Offset: int64(len(w.log.records))}] = true
		}
		w.log.records = append(w.log.records, event.Record{Offset: int64(len(w.log.records)), LeaderEpoch: w.log.leader, Timestamp: 1, Value: value})
	}
}

// enrich writes on, after a death or a wish now and then.
func (w *world) enrich(n int) {
	e := &w.enricher
	for range n {
		switch {
		case e.next > 0 && w.choose(6) == 0: // it died before it committed
			e.next = max(e.begun, e.next-1-int64(w.choose(4)))
		case e.next > 0 && !w.plain && w.choose(20) == 0:
			e.next, e.epoch = max(0, e.next-1-int64(w.choose(12))), e.epoch+1
			e.begun, e.stored = e.next, min(e.stored, e.next)
			w.note("a re-enrichment from %d, epoch %d", e.next, e.epoch)
		}
		w.write(1)
	}
}

// poll reads what the sink has stored. A mark of an earlier epoch says nothing: rows below it may be about to be replaced, and be deleted.
func (w *world) poll() {
	state, err := checkpoint.ParseSink(w.committed.metadata, w.committed.offset)
	if m, ok := state.Marks.Find(w.enricher.raw); err == nil && ok && state.Log == w.log.id && m.Epoch == w.enricher.epoch {
		w.enricher.stored, w.enricher.storedLeader = m.Offset+1, m.LeaderEpoch
	}
}

// recover enriches again what the enriched log has lost, once that was noticed.
func (w *world) recover() {
	e := &w.enricher
	w.write(w.choose(3))
	for _, l := range e.leaders { // the raw log may have been cut off since
		if l.epoch > e.storedLeader {
			e.stored = min(e.stored, l.from)
		}
	}
	e.next, e.epoch = min(e.next, e.stored), e.epoch+1
	e.begun, e.stored = e.next, e.next
	w.note("the enricher begins again at %d, epoch %d", e.next, e.epoch)
	w.enrich(1 + w.choose(6))
}

// open tells whether an intent is committed.
func (w *world) open() bool {
	state, err := checkpoint.ParseSink(w.committed.metadata, w.committed.offset)
	return err == nil && state.Next > 0
}

// moved notes that the batch of an open intent cannot be read again: the view may lack some of it.
func (w *world) moved() {
	w.excused = w.excused || w.open()
}

// enrichedAnew deletes the enriched topic and makes it anew; Kafka drops the group's offsets sooner or later, or a member commits after that.
func (w *world) enrichedAnew() {
	if w.open() {
		w.reach("the log was made anew with an intent open")
	}
	w.reach("the log was made anew")
	w.moved()
	w.poll()
	id := w.enricher.newID()
	if w.broken == noIncarnation {
		id = w.log.id
	}
	passed := w.log.passed
	w.log = &simLog{id: id}
	if w.committed.metadata == "" { // what a tool has set holds for the new log too: it names none, and a member may have read it
		w.log.passed = max(passed, w.committed.offset)
	}
	if w.choose(2) == 0 {
		w.committed.offset, w.committed.metadata = -1, ""
		w.reach("the group's offset went with the topic")
	}
	w.note("the enriched topic is made anew")
	w.recover()
}

// truncate has a replica become leader that lacks the log's end.
func (w *world) truncate() {
	if len(w.log.records) == 0 {
		return
	}
	to := w.choose(len(w.log.records))
	switch state, err := checkpoint.ParseSink(w.committed.metadata, w.committed.offset); {
	case err != nil:
	case int64(to) < w.committed.offset:
		w.reach("the log was cut off below the offset")
	case state.Next > int64(to):
		w.reach("the log was cut off inside an intent")
	}
	w.moved()
	w.poll()
	w.log.records = w.log.records[:to:to]
	w.log.leader++
	w.note("the enriched log is cut off at %d, leader epoch %d", to, w.log.leader)
	w.recover()
}

// rawAnew deletes the raw topic and makes it anew.
func (w *world) rawAnew() {
	e := &w.enricher
	e.raw, e.leaders, e.next, e.begun, e.stored = e.newID(), nil, 0, 0, 0
	if w.choose(2) == 0 { // nothing told it the epoch
		e.epoch = 0
	}
	w.reach("the raw log was made anew")
	w.note("the raw topic is made anew: %s", e.raw.String()[32:])
	w.enrich(w.choose(12))
}

// rawTruncate cuts the raw log's end off; other records take its offsets.
func (w *world) rawTruncate() {
	e := &w.enricher
	if e.next == 0 {
		return
	}
	to := int64(w.choose(int(e.next)))
	e.leaders = append(e.leaders, rawLeader{to, e.leaderOf(1<<40) + 1})
	e.next, e.begun, e.stored = to, min(e.begun, to), min(e.stored, to)
	w.reach("the raw log was cut off")
	w.note("the raw log is cut off at %d", to)
	w.enrich(1 + w.choose(6))
}

// setOffset commits another offset, as a tool does that knows of no metadata.
func (w *world) setOffset() {
	w.emptyGroup()
	w.moved()
	before := max(w.committed.offset, 0)
	w.committed.offset, w.committed.metadata = int64(w.choose(len(w.log.records)+3)), ""
	w.note("a tool sets the offset from %d to %d", before, w.committed.offset)
	w.log.passed = max(w.log.passed, w.committed.offset)
	end := int64(len(w.log.records))
	switch {
	case w.committed.offset > end:
		w.reach("the offset was set beyond the end")
	case w.committed.offset > before:
		w.reach("the offset was set forward")
	default:
		w.reach("the offset was set back")
	}
	for _, rec := range w.log.records[:min(w.committed.offset, end)] {
		if name, ok := nameOf(rec.Value); ok {
			w.skipped[name] = true
		}
		w.skipped[rows.Position{TopicID: w.log.id, LeaderEpoch: rec.LeaderEpoch, Offset: rec.Offset}] = true
	}
	w.assign()
}

// forgetGroup has the group's offsets deleted or expired.
func (w *world) forgetGroup() {
	w.emptyGroup()
	w.moved()
	if len(w.table.rows) > 0 {
		w.reach("the group was forgotten with rows stored")
	}
	w.committed.offset, w.committed.metadata = -1, ""
	w.note("the group's offsets are gone")
	w.assign()
}
