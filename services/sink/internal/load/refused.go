package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
)

// Whose error is it, when ClickHouse refuses rows? A row's, and then that one goes to the dead topic; or an operator's, who has changed the
// table, put a constraint on it, or hung a view on it: then nothing is wrong with any row.

// mostRefused is how many sound rows of a batch may be refused, and none taken, before the table is to blame.
const mostRefused = 32

// ownFault returns an error when a refusal is not about any of the rows, and nothing must be tried with fewer of them.
func (p *partition) ownFault(work context.Context, b *batch, rows []int, refusal error) error {
	// ClickHouse stores a block before it pushes it to views.
	if view := clickhouse.FailedView(refusal); view != "" {
		return operator(fmt.Errorf("the materialized view %s refuses rows that are stored in %s (error %s): mend the view with ALTER TABLE … MODIFY QUERY, or drop it",
			view, b.rows.Table(), clickhouse.Code(refusal)))
	}
	switch err := p.db.Check(work); {
	case err == nil:
	case clickhouse.Classify(err) == clickhouse.Operator:
		return operator(err)
	default:
		return &passingError{err}
	}
	if views, err := p.views(work, b); err != nil || views == 0 {
		return err
	}
	held, err := p.held(work, b)
	if err != nil {
		return err
	}
	if held.among(rows) > 0 {
		return operator(fmt.Errorf("rows that are stored in %s were refused afterwards (error %s), which materialized views do: mend the view with ALTER TABLE … MODIFY QUERY, or drop it",
			b.rows.Table(), clickhouse.Code(refusal)))
	}
	return nil
}

// A refusal is why ClickHouse does not take a row.
type refusal struct {
	why error
	// bad says that the row's own values are to blame: ClickHouse does not take them anywhere. Sound ones are refused by what somebody has
	// added to the table: a constraint, a default that throws, a changed type.
	bad bool
	// again says that it was refused once more when every other row was stored.
	again bool
}

// refusedAll tells whether each of the rows was refused by itself already.
func (b *batch) refusedAll(rows []int) bool {
	for _, row := range rows {
		if _, refused := b.refused[row]; !refused {
			return false
		}
	}
	return true
}

// refuse finds out about a row that ClickHouse does not take.
func (p *partition) refuse(work context.Context, b *batch, row int, why error) error {
	bad, err := p.bad(work, b.rows.Values(row), why)
	if err != nil {
		return err
	}
	if b.refused == nil {
		b.refused = make(map[int]refusal)
	}
	b.refused[row] = refusal{why: why, bad: bad}
	if bad {
		return nil
	}
	b.sound++
	if b.sound == mostRefused {
		return p.takesNothing(work, b, why)
	}
	return nil
}

// takesNothing returns nil when the table takes sound rows now, whatever it refuses: it took some since it began to refuse, or takes again
// what it took just before. That has no effect but to be checked: it is under its token still.
func (p *partition) takesNothing(work context.Context, b *batch, why error) error {
	if b.accepted {
		return nil
	}
	took := b.took
	if took == nil || time.Since(took.at) >= p.lookHolds {
		return p.tableRefuses(b, why)
	}
	rows := b.pick(took.month, took.from, took.to)
	switch err := p.db.Insert(work, b.rows.Insert(), b.tokenOf(took.from, took.to), b.columns(rows, took.from, took.to)); {
	case err == nil:
		b.accepted = true
		return nil
	case clickhouse.Classify(err) == clickhouse.Retriable:
		return &passingError{err}
	}
	return p.tableRefuses(b, why)
}

// bad tells whether values are refused for what they are.
func (p *partition) bad(work context.Context, values []clickhouse.Column, why error) (bool, error) {
	if values == nil {
		return false, nil
	}
	err := p.db.Takes(work, values)
	switch class := clickhouse.Classify(err); {
	case err == nil:
		return false, nil
	case class == clickhouse.Row:
		return true, nil
	case class == clickhouse.Operator: // no right to find out: the code must tell
		return clickhouse.Code(why) == incorrectData, nil
	}
	return false, &passingError{err}
}

// incorrectData is how ClickHouse refuses a value of a JSON column.
const incorrectData = "117"

// judge buries what was refused, once every other row is stored. Where the table has taken none since it began to refuse sound ones, it is
// the table that takes nothing, and nothing is buried.
func (p *partition) judge(work context.Context, b *batch) error {
	if len(b.refused) == 0 || b.judged {
		return nil
	}
	var dead []deadRecord
	for _, row := range slices.Sorted(maps.Keys(b.refused)) {
		r := b.refused[row]
		if !r.bad && !r.again {
			// It may have been mended meanwhile.
			delete(b.refused, row)
			if err := p.insertPiece(work, b, 0, row, row+1); err != nil {
				return err
			}
			refused, again := b.refused[row]
			if !again {
				continue
			}
			if err := p.takesNothing(work, b, r.why); err != nil {
				return err
			}
			refused.again = true // where many are refused, a look at the table does not hold until the last
			b.refused[row] = refused
		}
		// The server's sentence may quote the value; its code does not.
		sentence := errors.New("ClickHouse refuses the row with error " + clickhouse.Code(r.why))
		p.log.Error("ClickHouse refuses a row", zap.Int64("offset", b.records[row].Offset), zap.String("code", clickhouse.Code(r.why)), zap.Bool("for_its_values", r.bad))
		dead = append(dead, deadRecord{b.records[row], &event.Rejection{Reason: event.ReasonBadRow, Err: sentence}})
	}
	if err := p.bury(work, dead); err != nil {
		return err
	}
	b.judged = true
	return nil
}

func (p *partition) tableRefuses(b *batch, why error) error {
	return operator(fmt.Errorf("table %s refuses rows though nothing is wrong with their values (error %s): look at its constraints, and at the defaults and types of its columns",
		b.rows.Table(), clickhouse.Code(why)))
}
