package audit

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/progress"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/walk"
)

// lost is the records of one raw partition that no table has though the enrichers are past them. They lie where the sinks have not come to
// them, or they are missing.
type lost struct {
	p      *Partition
	epochs leaderEpochs

	records offsetSet
	maybe   offsetSet // of records: the table's TTL may have deleted them
	other   offsetSet // of records: a table has their place for another event
	// unread lie before the sinks; passed lie on the enriched or the dead log, and the sinks are past them.
	unread, passed offsetSet
	// reason is why, of those that are on neither log.
	reason, passedReason string
}

func newLost(p *Partition) *lost {
	return &lost{p: p, records: offsetSet{}, maybe: offsetSet{}, other: offsetSet{}, unread: offsetSet{}, passed: offsetSet{}}
}

// leaderEpochs tells a log's records' leader epochs, which rise along it.
type leaderEpochs []struct {
	from  int64
	epoch int32
}

func (e *leaderEpochs) note(offset int64, epoch int32) {
	if n := len(*e); n == 0 || (*e)[n-1].epoch != epoch {
		*e = append(*e, struct {
			from  int64
			epoch int32
		}{offset, epoch})
	}
}

func (e leaderEpochs) at(offset int64) int32 {
	i := sort.Search(len(e), func(i int) bool { return e[i].from > offset })
	if i == 0 {
		return kafka.NoLeaderEpoch
	}
	return e[i-1].epoch
}

// found marks the record that a later log tells of, if it is one of these.
func (l *lost) found(in offsetSet, offset int64, leaderEpoch int32) {
	if l.records.has(offset) && l.epochs.at(offset) == leaderEpoch {
		in.add(offset)
	}
}

// trace looks for lost records on the logs that the sinks read: first where the sinks have not come to, then, only to say why, before that.
func (a *Audit) trace(ctx context.Context, state *progress.Region, all []*lost) error {
	open := false
	for _, l := range all {
		open = open || !l.records.empty()
	}
	if !open {
		return nil
	}
	if err := a.traceDead(ctx, state, all); err != nil {
		return err
	}
	since, err := a.since(ctx, state)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.records.empty() {
			continue
		}
		if int(l.p.Partition) >= len(state.Sinks) {
			l.reason = "there is no partition of the enriched topic for them: run waymarkctl topics apply"
			continue
		}
		if err := a.traceEnriched(ctx, state, l, since[l.p.Partition]); err != nil {
			return err
		}
	}
	return nil
}

// since returns the offsets of the enriched topic from which on it may hold events of the span. The hour is for clocks that differ.
func (a *Audit) since(ctx context.Context, state *progress.Region) ([]int64, error) {
	if len(state.Sinks) == 0 {
		return nil, nil
	}
	return a.Client.OffsetsAt(ctx, schemas.EnrichedTopic(a.Region), a.From.Add(-time.Hour))
}

func (a *Audit) traceEnriched(ctx context.Context, state *progress.Region, l *lost, since int64) error {
	sink, enricher := &state.Sinks[l.p.Partition], &state.Enrichers[l.p.Partition]
	log := kafka.Log{Topic: schemas.EnrichedTopic(a.Region), ID: state.Enriched, Partition: l.p.Partition}
	look := func(from, to int64, in offsetSet) error {
		var e event.Enriched
		_, err := walk.Log(ctx, a.Client, log, from, to, func(rec *event.Record) error {
			e.Reset()
			if e.UnmarshalVT(rec.Value) == nil && uuidOf(e.RawTopicId) == state.Raw && e.RawPartition == l.p.Partition {
				l.found(in, e.RawOffset, e.RawLeaderEpoch)
			}
			return nil
		})
		return err
	}
	if !l.settled(state.Raw, enricher, sink) {
		// What a log that went on meanwhile got since is looked at too.
		bounds, err := a.Client.Offsets(ctx, log.Topic)
		if err != nil {
			return err
		}
		if err := look(sink.At, bounds[l.p.Partition].End, l.unread); err != nil {
			return err
		}
	}
	l.passedReason = "enriched, and the sink is past them: their rows were deleted, or the sink's offset was set forward"
	if sink.Standing == progress.Foreign {
		l.passedReason = fmt.Sprintf("enriched, and the sink's offset on %s/%d was set to %d by another tool", log.Topic, log.Partition, sink.Committed)
	}
	if err := look(max(since, sink.Start), sink.At, l.passed); err != nil {
		return err
	}
	switch written := enricher.State; {
	case enricher.Standing == progress.Foreign:
		l.reason = fmt.Sprintf("not enriched: the enricher's offset was set to %d by another tool", enricher.Committed)
	case written.Enriched != uuid.Nil && written.Enriched != state.Enriched:
		l.reason = "the enriched topic that they were written to is deleted"
		if written.Stored >= 0 {
			l.reason += fmt.Sprintf("; a running enricher writes again what lies from offset %d on", written.Stored)
		}
	case written.Enriched == state.Enriched && written.Written > sink.End:
		l.reason = fmt.Sprintf("the enriched log lost its end: the enricher wrote up to offset %d, and it ends at %d", written.Written, sink.End)
	case (sink.Standing == progress.Own || sink.Standing == progress.Unnamed) && sink.At < sink.Start:
		l.reason = fmt.Sprintf("retention deleted offsets %d to %d of %s/%d before the sink read them", sink.At, sink.Start-1, log.Topic, log.Partition)
	}
	return nil
}

// settled tells whether the sink's memory says of every lost record that it dealt with it, so that nothing after it need be looked at.
func (l *lost) settled(raw uuid.UUID, enricher *progress.Enricher, sink *progress.Sink) bool {
	mark, ok := sink.State.Marks.Find(raw)
	if !ok || enricher.Standing != progress.Own || mark.Epoch != enricher.State.Epoch {
		return false
	}
	for offset := range l.records.all() {
		at := checkpoint.Source{Topic: raw, Epoch: mark.Epoch, LeaderEpoch: l.epochs.at(offset), Offset: offset}
		if at.After(mark.Source) || mark.Doubtful(at) {
			return false
		}
	}
	return true
}

// traceDead reads the dead topic once for all raw partitions: letters that the sinks have not stored yet, and those they have.
func (a *Audit) traceDead(ctx context.Context, state *progress.Region, all []*lost) error {
	if len(state.DeadSinks) == 0 {
		return nil
	}
	bounds, err := a.Client.Offsets(ctx, schemas.DeadTopic(a.Region))
	if err != nil {
		return err
	}
	since, err := a.Client.OffsetsAt(ctx, schemas.DeadTopic(a.Region), a.From.Add(-time.Hour))
	if err != nil {
		return err
	}
	for p := range state.DeadSinks {
		sink := &state.DeadSinks[p]
		log := kafka.Log{Topic: schemas.DeadTopic(a.Region), ID: state.Dead, Partition: int32(p)}
		var d event.Dead
		_, err := walk.Log(ctx, a.Client, log, max(sink.Start, min(since[p], sink.At)), bounds[p].End, func(rec *event.Record) error {
			d.Reset()
			if d.UnmarshalVT(rec.Value) != nil {
				return nil
			}
			topic, partition, leaderEpoch, offset := uuidOf(d.TopicId), d.Partition, d.LeaderEpoch, d.Offset
			if d.Stage == event.StageInsert { // what failed is the enriched event: it names the raw record
				var e event.Enriched
				if e.UnmarshalVT(d.Value) != nil {
					return nil
				}
				topic, partition, leaderEpoch, offset = uuidOf(e.RawTopicId), e.RawPartition, e.RawLeaderEpoch, e.RawOffset
			}
			if topic != state.Raw || int(partition) >= len(all) {
				return nil
			}
			if l := all[partition]; rec.Offset >= sink.At {
				l.found(l.unread, offset, leaderEpoch)
			} else {
				l.found(l.passed, offset, leaderEpoch)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func uuidOf(b []byte) uuid.UUID {
	id, err := uuid.FromBytes(b)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// settle counts what was found.
func (l *lost) settle(report *Report) {
	for offset := range l.records.all() {
		switch {
		case l.unread.has(offset):
			l.p.UnderWay++
		case l.maybe.has(offset):
			l.p.MayBeAgedOut++
		default:
			l.p.Missing++
			report.gap(l.p.Partition, offset, l.why(offset))
		}
	}
}

func (l *lost) why(offset int64) string {
	switch {
	case l.other.has(offset):
		return "a table has their place for another event"
	case l.passed.has(offset):
		return l.passedReason
	}
	return l.reason
}

// gap adds offset to the last gap, or begins one.
func (r *Report) gap(partition int32, offset int64, reason string) {
	if n := len(r.Gaps); n > 0 {
		if last := &r.Gaps[n-1]; last.Partition == partition && last.To+1 == offset && last.Reason == reason {
			last.To, last.Records = offset, last.Records+1
			return
		}
	}
	r.Gaps = append(r.Gaps, Gap{partition, offset, offset, 1, reason})
}
