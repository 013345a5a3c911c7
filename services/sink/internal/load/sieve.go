package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// A sieve gets rows into the table, and sorts out those that it does not take. Whose error is that? A row's, and then that one goes to the dead
// topic; or an operator's, who has changed the table, put a constraint on it, or hung a view on it: then nothing is wrong with any row.
type sieve struct {
	inserter *inserter
	readback *readback
	table    examiner
	burial   *burial
	monitor  *monitor
}

// examiner tells what is wrong with tables and with values.
type examiner interface {
	// Check returns nil when the tables are as this version needs them.
	Check(ctx context.Context) error
	// Unfit returns which rows' values of events' JSON columns are taken nowhere, in one look at all of them.
	Unfit(ctx context.Context, values []clickhouse.Column) ([]int, error)
}

// insert inserts the rows of [from, to) that are of month, or all of them for month 0, once; a *passingError asks for another look
// and another try. Where ClickHouse refuses it, the rows whose values it takes nowhere are found in one look, and the others are sent as one
// piece of another name. A row that is refused for any other reason is found by halving, each half under a token of its own.
func (s *sieve) insert(work context.Context, d *delivery, month, from, to int) error {
	piece := d.piece(month, from, to)
	rows := piece.rows
	if d.refused.all(rows) { // none is left, or judge asks for them again
		return nil
	}
	err := s.inserter.insert(work, d, piece)
	if err == nil {
		d.refused.taken(rows)
		return nil
	}
	var refusal *refusedError
	if !errors.As(err, &refusal) {
		return err
	}
	if err := s.ownFault(work, d, rows, refusal.err); err != nil {
		return err
	}
	if err := s.search(work, d, refusal.err); err != nil {
		return err
	}
	if d.piece(month, from, to).left > piece.left {
		return s.insert(work, d, month, from, to)
	}
	if len(rows) == 1 {
		return s.refuse(work, d, rows[0], refusal.err)
	}
	if err := s.inserter.halve(work, d); err != nil {
		return err
	}
	middle := from + (to-from)/2
	if err := s.insert(work, d, month, from, middle); err != nil {
		return err
	}
	return s.insert(work, d, month, middle, to)
}

// ownFault returns an error when a refusal is not about any of the rows, and nothing must be tried with fewer of them.
func (s *sieve) ownFault(work context.Context, d *delivery, rows []int, refusal error) error {
	b := d.batch
	// ClickHouse stores a block before it pushes it to views.
	if view := clickhouse.FailedView(refusal); view != "" {
		return operator(fmt.Errorf("the materialized view %s refuses rows that are stored in %s (error %s): fix the view with ALTER TABLE … MODIFY QUERY, or drop it",
			view, b.rows.Table(), clickhouse.Code(refusal)))
	}
	if !d.refused.checked { // once: judge looks again before anything is buried
		if err := s.check(work); err != nil {
			return err
		}
		d.refused.checked = true
	}
	if views, err := s.readback.views(work, d); err != nil || views == 0 {
		return err
	}
	held, err := s.readback.held(work, b)
	if err != nil {
		return err
	}
	if held.among(rows) > 0 {
		return operator(fmt.Errorf("rows that are stored in %s were refused (error %s), after they were stored or when they came again for a materialized view: fix the view with "+
			"ALTER TABLE … MODIFY QUERY, or drop it; look at what was added to the table since, too, constraints and defaults", b.rows.Table(), clickhouse.Code(refusal)))
	}
	return nil
}

// check returns nil when the tables are as they must be.
func (s *sieve) check(work context.Context) error {
	switch err := s.table.Check(work); {
	case err == nil:
		return nil
	case clickhouse.Classify(err) == clickhouse.Operator:
		return operator(err)
	default:
		return &passingError{err}
	}
}

// search finds the rows whose values ClickHouse takes nowhere, once it has refused any of the batch, all in one look: whatever somebody sends, a
// batch of it costs a few inserts and not some for each row.
func (s *sieve) search(work context.Context, d *delivery, why error) error {
	if d.refused.searched {
		return nil
	}
	d.refused.of = make(map[int]refusal)
	if values := d.batch.rows.Values(); values != nil {
		s.monitor.step("searching")
		unfit, err := s.table.Unfit(work, values)
		switch {
		case err == nil:
		case clickhouse.Classify(err) == clickhouse.Retriable:
			return &passingError{err}
		default: // no right to look: codes must tell
			d.refused.codesTell = true
		}
		for _, row := range unfit {
			d.refused.of[row] = refusal{why: why, bad: true}
		}
	}
	d.refused.searched = true
	return nil
}

// refuse notes a row that ClickHouse does not take though nothing was found wrong with its values.
func (s *sieve) refuse(work context.Context, d *delivery, row int, why error) error {
	if sound := d.refused.add(row, why); sound && d.refused.sound == mostRefused {
		return s.takesNothing(work, d, why)
	}
	return nil
}

// mostRefused is how many sound rows of a batch may be refused, and none taken, before the table is to blame.
const mostRefused = 32

// takesNothing returns nil when the table takes sound rows now, whatever it refuses: it took some since it began to refuse, or takes again
// what it took just before.
func (s *sieve) takesNothing(work context.Context, d *delivery, why error) error {
	if d.refused.accepted {
		return nil
	}
	takes, err := s.inserter.takesAgain(work, d)
	switch {
	case err != nil:
		return err
	case !takes:
		return operator(fmt.Errorf("table %s refuses rows though nothing is wrong with their values (error %s): look at its constraints, and at the defaults and types of its columns",
			d.batch.rows.Table(), clickhouse.Code(why)))
	}
	d.refused.accepted = true
	return nil
}
