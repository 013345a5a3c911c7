package load

import (
	"context"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
)

// acquaint asks the table about the raw logs of b's rows that have no mark, and returns marks with theirs: it is a new log, or one whose mark
// was lost.
func (r *readback) acquaint(work context.Context, b *batch, marks checkpoint.Marks) (checkpoint.Marks, error) {
	if b.letters {
		return marks, nil
	}
	var last checkpoint.Source
	for i := range b.rows.Len() {
		s := b.rows.Origin(i)
		if s.Topic == last.Topic {
			continue
		}
		last = s
		if _, known := marks.Find(s.Topic); known {
			continue
		}
		m, err := r.doubt(work, checkpoint.NewMark(s.Topic))
		if err != nil {
			return marks, err
		}
		marks = marks.With(m)
		if m.Doubt.Offset >= 0 && s.After(m.Doubt) && s.Offset > m.Doubt.Offset+1 {
			r.monitor.log.Warn("the log goes on behind what the table holds: raw records between are stored only if they were dead letters or repetitions; waymarkctl audit tells",
				zap.Stringer("raw_topic_id", s.Topic), zap.Int64("from_offset", m.Doubt.Offset+1), zap.Int64("to_offset", s.Offset-1))
		}
	}
	return marks, nil
}

// doubtAll completes each of the marks with what the table holds of its log.
func (r *readback) doubtAll(ctx context.Context, marks checkpoint.Marks) (checkpoint.Marks, error) {
	out := marks
	for _, m := range marks {
		m, err := r.doubt(ctx, m)
		if err != nil {
			return marks, err
		}
		out = out.With(m)
	}
	return out, nil
}

// doubt completes a mark with what the table holds of its log.
func (r *readback) doubt(ctx context.Context, m checkpoint.Mark) (checkpoint.Mark, error) {
	var last checkpoint.Source
	var highest int64
	err := r.ask(ctx, func() (err error) {
		last, highest, err = r.latest(ctx, m.Topic)
		return err
	})
	if err != nil {
		return m, err
	}
	m.Doubt = last
	if last.Epoch > 0 { // rows of earlier epochs may lie among them
		m.Superseded = max(m.Superseded, highest+1)
	}
	if last.After(m.Source) {
		r.monitor.log.Warn("the table holds more of a raw log than this group remembers: it is asked for each row until that is passed; materialized views may lack some of what was inserted last",
			zap.Stringer("raw_topic_id", m.Topic), zap.Int64("stored_up_to_offset", last.Offset), zap.Uint32("epoch", last.Epoch))
	}
	return m, nil
}

// latest asks what the table holds of a raw log, once no insert of this partition is under way any more: one of a member that died would
// not be seen, and could not be told by its token from what is inserted next.
func (r *readback) latest(ctx context.Context, topic uuid.UUID) (last checkpoint.Source, highest int64, err error) {
	n, err := r.underWay(ctx)
	switch {
	case err != nil:
		return last, highest, err
	case n > 0:
		return last, highest, errUnderWay
	}
	return r.table.Latest(ctx, topic, r.partition)
}
