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
	if !b.checked { // once: judge looks again before anything is buried
		if err := p.check(work); err != nil {
			return err
		}
		b.checked = true
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

// check returns nil when the tables are as they must be.
func (p *partition) check(work context.Context) error {
	switch err := p.db.Check(work); {
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
func (p *partition) search(work context.Context, b *batch, why error) error {
	if b.searched {
		return nil
	}
	b.refused = make(map[int]refusal)
	if values := b.rows.Values(); values != nil {
		p.step("searching")
		unfit, err := p.db.Unfit(work, values)
		switch {
		case err == nil:
		case clickhouse.Classify(err) == clickhouse.Retriable:
			return &passingError{err}
		default: // no right to look: codes must tell
			b.codesTell = true
		}
		for _, row := range unfit {
			b.refused[row] = refusal{why: why, bad: true}
		}
	}
	b.searched = true
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

// refuse notes a row that ClickHouse does not take though nothing was found wrong with its values.
func (p *partition) refuse(work context.Context, b *batch, row int, why error) error {
	bad := b.codesTell && clickhouse.Code(why) == incorrectData
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

// incorrectData is how ClickHouse refuses a value of a JSON column.
const incorrectData = "117"

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
	switch err := p.db.Insert(work, b.rows.Insert(), took.token, b.columns(took.rows)); {
	case err == nil:
		b.accepted = true
		return nil
	case clickhouse.Classify(err) == clickhouse.Retriable:
		return &passingError{err}
	}
	return p.tableRefuses(b, why)
}

// judge buries what was refused, once every other row is stored. Where the table has taken none since it began to refuse sound ones, it is
// the table that takes nothing, and nothing is buried.
func (p *partition) judge(work context.Context, b *batch) error {
	if len(b.refused) == 0 || b.judged {
		return nil
	}
	if err := p.check(work); err != nil {
		return err
	}
	var dead []deadRecord
	bad := 0
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
		if r.bad {
			bad++
			sentence = errors.New("ClickHouse takes the JSON of props or detail into no JSON column")
		}
		dead = append(dead, deadRecord{b.records[row], &event.Rejection{Reason: event.ReasonBadRow, Err: sentence}})
	}
	if n := len(dead); n > 0 {
		p.log.Error("ClickHouse refuses rows: they go to the dead topic", zap.Int("rows", n), zap.Int("for_their_values", bad),
			zap.Int64("first_offset", dead[0].record.Offset), zap.Int64("last_offset", dead[n-1].record.Offset), zap.NamedError("first_reason", dead[0].why.Err))
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
