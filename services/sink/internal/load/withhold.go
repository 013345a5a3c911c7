package load

import (
	"context"
	"errors"
	"time"

	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
)

// Rows of somebody who was erased are not sent. They stay in their batch, so that every other row keeps its place, and each piece its name: a piece
// that landed with them, or lands later, and the same one without them are one to the table. If the former is there the latter is
// dropped, and whoever erased deletes the rows; if the latter is, the former is dropped. So a tombstone between two tries, or between
// an intent and its replay, costs nobody else a row, and doubles none.
//
// Materialized views are not so: they tell blocks by their content, too (found by trial, ClickHouse 26.7), and would take both. So such a batch is
// completed only when no insert of the partition is under way any more, and its views are not healed but said to be unsure.

// Withheld is what the tombstones say of a delivery's rows.
type withheld struct {
	by     *erasure.Set
	judged bool
	// rows are not sent; hidden are sent without whom they are about.
	rows, hidden map[int]bool
}

// any tells whether what is sent is not what the batch was.
func (w *withheld) any() bool { return len(w.rows)+len(w.hidden) > 0 }

// errJudgedAnew means that the tombstones have changed since the rows were judged.
var errJudgedAnew = errors.New("the erasures have changed")

// obey judges the rows by the tombstones of now, unless that was done. It waits until they are known.
func (w *writer) obey(work context.Context, d *delivery) error {
	by, err := w.erasures.Await(work)
	if err != nil {
		return err
	}
	if !d.withheld.judged || by != d.withheld.by {
		return d.withhold(by)
	}
	return nil
}

// withhold judges every row that a tombstone may mean, from its record: the row may be hidden already.
func (d *delivery) withhold(by *erasure.Set) error {
	d.withheld = withheld{by: by, judged: true, rows: map[int]bool{}, hidden: d.withheld.hidden}
	if by == nil {
		return nil
	}
	b := d.batch
	defer b.close()
	for i := range b.rows.Len() {
		if !b.letters && !by.Concerns(b.rows.Account(i), b.rows.ReceivedAt(i)) {
			continue
		}
		rec, err := b.record(i)
		if err != nil {
			return err
		}
		switch verdict := b.verdict(by, rec); {
		case verdict == erasure.Drop, verdict == erasure.Hide && b.letters:
			d.withheld.rows[i] = true
		case verdict == erasure.Hide:
			b.rows.Anonymise(i)
			if d.withheld.hidden == nil {
				d.withheld.hidden = map[int]bool{}
			}
			d.withheld.hidden[i] = true
		}
	}
	return nil
}

// verdict is what the tombstones say of a record that made a row.
func (b *batch) verdict(by *erasure.Set, rec *event.Record) erasure.Verdict {
	var subject erasure.Subject
	if b.letters {
		var letter event.Dead
		if letter.UnmarshalVT(rec.Value) != nil {
			return erasure.Keep // it made a row: it can be read
		}
		subject = erasure.OfDead(&letter)
	} else {
		var e event.Enriched
		if e.UnmarshalVT(rec.Value) != nil {
			return erasure.Keep
		}
		subject = erasure.OfEnriched(&e)
	}
	return by.Judge(&subject)
}

// clear returns nil when this member may write what it has judged, now.
func (i *inserter) clear(work context.Context, d *delivery) error {
	for {
		if err := i.permit.confirm(work); err != nil {
			return err
		}
		asked := time.Now()
		by, err := i.erasures.Await(work)
		switch {
		case err != nil:
			return err
		case by != d.withheld.by:
			return &passingError{errJudgedAnew}
		case time.Since(asked) < mostHeld:
			return nil
		}
		// The permit may have run out meanwhile.
	}
}

// mostHeld is how long the tombstones may be waited for without a look at the permit: far less than that holds.
const mostHeld = time.Second
