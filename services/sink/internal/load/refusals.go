package load

import (
	"maps"
	"slices"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// Refusals are the rows of a delivery that the table did not take, and what was done to find out why.
type refusals struct {
	of map[int]refusal
	// sound counts those with nothing wrong with them; accepted is true once the table took any since the first of these; judged, once those to
	// bury are buried.
	sound            int
	accepted, judged bool
	// searched says that the values of all rows were looked at, once one was refused; codesTell, that this user may not look at them; checked,
	// that the table was found as it must be since the first refusal.
	searched, codesTell, checked bool
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

// incorrectData is how ClickHouse refuses a value of a JSON column.
const incorrectData = "117"

// add notes a row that was refused by itself though no look found anything wrong with it, and tells whether it is sound.
func (r *refusals) add(row int, why error) (sound bool) {
	bad := r.codesTell && clickhouse.Code(why) == incorrectData
	r.of[row] = refusal{why: why, bad: bad}
	if !bad {
		r.sound++
	}
	return !bad
}

// taken notes rows that the table took: what was refused before was fixed.
func (r *refusals) taken(rows []int) {
	for _, row := range rows {
		delete(r.of, row)
	}
	r.accepted = r.accepted || r.sound > 0
}

// found takes out what the table has after all.
func (r *refusals) found(held held) {
	for row := range r.of {
		if held.rows[row] {
			delete(r.of, row)
		}
	}
}

// all tells whether each of the rows was refused by itself already.
func (r *refusals) all(rows []int) bool {
	for _, row := range rows {
		if _, refused := r.of[row]; !refused {
			return false
		}
	}
	return true
}

// rows returns those that are refused, in order.
func (r *refusals) rows() []int { return slices.Sorted(maps.Keys(r.of)) }
