package load

import (
	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A deliberate re-enrichment sets the enricher back on the raw topic and raises the epoch. What it writes comes after everything stored,
// and each of its rows stands for the row of an earlier epoch from the same raw record. That one is deleted after the new batch's intent
// and before its insert: a reader misses the events of one batch for a moment, and never sees one twice. Deleting again changes
// nothing, so a replay does it again.

// A replacement is a run of raw offsets of one log, bounds included, appended under one leader epoch, whose rows of earlier epochs a batch
// stands for.
type replacement struct {
	partition int32
	// last is the last of the run.
	last checkpoint.Source
	from int64
}

// A lineage is what the rows of a batch follow on, and what they stand for.
type lineage struct {
	// marks are how far the raw logs are stored once the batch is.
	marks checkpoint.Marks
	// doubtful says that some of the rows may be stored though no intent of this batch is open. replaced are the older rows that the batch's
	// rows stand for.
	doubtful bool
	replaced []replacement
}

// trace walks the rows in the order of their log, from the marks before them to those after, and finds what is in doubt and what is
// replaced. Dead letters stand for nothing.
func (b *batch) trace(marks checkpoint.Marks) {
	if b.letters {
		return
	}
	var m checkpoint.Mark
	for i := range b.rows.Len() {
		s := b.rows.Origin(i)
		if m.Topic != s.Topic {
			if i > 0 {
				marks = marks.With(m)
			}
			var known bool
			if m, known = marks.Find(s.Topic); !known {
				m = checkpoint.NewMark(s.Topic)
			}
		}
		b.lineage.doubtful = b.lineage.doubtful || m.Doubtful(s)
		fed := b.records[i].leaderEpoch
		m.Superseded = b.lineage.supersede(m, s, b.rows.Position(i).Partition, fed >= 0 && fed == m.Fed)
		m.Source, m.Fed = s, fed
	}
	if b.rows.Len() > 0 {
		marks = marks.With(m)
	}
	b.lineage.marks = marks
}

// supersede notes what the row of source s stands for, the row before it being at m, and returns up to where rows of earlier epochs may
// be stored still. An offset between the two that makes no row any more, because its event is now dead or dropped, is replaced by
// nothing, if s follows m on an enriched log that was not cut off between: what such a cut took was no choice of the enricher's.
func (l *lineage) supersede(m checkpoint.Mark, s checkpoint.Source, partition int32, follows bool) int64 {
	superseded := m.Superseded
	from := m.Offset + 1
	if s.Epoch > m.Epoch {
		superseded = max(superseded, m.Offset+1, m.Doubt.Offset+1)
		from = s.Offset
	}
	if !follows || s.LeaderEpoch != m.LeaderEpoch { // what lay between on the raw log before it was cut off stays, too
		from = s.Offset
	}
	if s.Epoch == 0 || from >= superseded {
		return superseded
	}
	last := s
	last.Offset = min(s.Offset, superseded-1)
	if n := len(l.replaced); n > 0 && l.replaced[n-1].follows(last, from) {
		l.replaced[n-1].last.Offset = last.Offset
	} else {
		l.replaced = append(l.replaced, replacement{partition, last, from})
	}
	if s.Offset+1 >= superseded {
		superseded = 0
	}
	return superseded
}

// follows tells whether a run up to last that begins at from goes on where r ends.
func (r replacement) follows(last checkpoint.Source, from int64) bool {
	end := r.last.Offset + 1
	last.Offset = r.last.Offset
	return last == r.last && end == from
}

// stands tells whether r's batch has a newer row for at, or says that there is none.
func (r replacement) stands(at rows.Position) bool {
	return at.TopicID == r.last.Topic && at.Partition == r.partition && at.LeaderEpoch == r.last.LeaderEpoch &&
		at.Epoch < r.last.Epoch && at.Offset >= r.from && at.Offset <= r.last.Offset
}

// leaveOutSuperseded drops rows of the batch that later ones of the same batch stand for.
func (b *batch) leaveOutSuperseded() {
	if len(b.lineage.replaced) == 0 {
		return
	}
	kept := make([]bool, b.rows.Len())
	for i := range kept {
		kept[i] = true
		for _, r := range b.lineage.replaced {
			kept[i] = kept[i] && !r.stands(b.rows.Position(i))
		}
	}
	b.keep(kept)
}
