package load

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
)

// judge buries what was refused, once every other row is stored. Where the table has taken none since it began to refuse sound ones, it is
// the table that takes nothing, and nothing is buried.
func (s *sieve) judge(work context.Context, d *delivery) error {
	if len(d.refused.of) == 0 || d.refused.judged {
		return nil
	}
	if err := s.check(work); err != nil {
		return err
	}
	var dead []deadRecord
	bad := 0
	defer d.batch.close()
	for _, row := range d.refused.rows() {
		if d.withheld.rows[row] || d.withheld.hidden[row] { // a dead letter has all of it
			continue
		}
		r := d.refused.of[row]
		if !r.bad && !r.again {
			stays, err := s.insist(work, d, row)
			if err != nil {
				return err
			}
			if !stays {
				continue
			}
		}
		// The server's sentence may quote the value; its code does not.
		sentence := errors.New("ClickHouse refuses the row with error " + clickhouse.Code(r.why))
		if r.bad {
			bad++
			sentence = errors.New("ClickHouse takes the JSON of props or detail into no JSON column")
		}
		rec, err := d.batch.record(row)
		if err != nil {
			return err
		}
		dead = append(dead, deadRecord{rec.Clone(), &event.Rejection{Reason: event.ReasonBadRow, Err: sentence}})
	}
	if n := len(dead); n > 0 {
		s.monitor.log.Error("ClickHouse refuses rows: they go to the dead topic", zap.Int("rows", n), zap.Int("for_their_values", bad),
			zap.Int64("first_offset", dead[0].record.Offset), zap.Int64("last_offset", dead[n-1].record.Offset), zap.NamedError("first_reason", dead[0].why.Err))
	}
	if err := s.burial.bury(work, d.batch.extent.log, dead); err != nil {
		return err
	}
	d.refused.judged = true
	return nil
}

// insist tries a sound row again when every other row is stored, for it may have been fixed meanwhile. It tells whether the row stays
// refused while the table takes others.
func (s *sieve) insist(work context.Context, d *delivery, row int) (stays bool, err error) {
	before := d.refused.of[row]
	delete(d.refused.of, row)
	if err := s.insert(work, d, 0, row, row+1); err != nil {
		return false, err
	}
	now, again := d.refused.of[row]
	if !again {
		return false, nil
	}
	if err := s.takesNothing(work, d, before.why); err != nil {
		return false, err
	}
	now.again = true // where many are refused, a look at the table does not hold until the last
	d.refused.of[row] = now
	return true, nil
}
