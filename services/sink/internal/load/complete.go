package load

import (
	"context"
	"time"
)

// complete inserts what the table lacks of b's rows. Some may be there because the insert landed; or landed for one month and not for
// the other, since ClickHouse stores each month's part or does not; or because a row was refused and some of the halves landed.
//
// Every piece that is inserted has one name, whoever inserts it and whenever: ClickHouse deduplicates by month and token, and the
// rows of one month in one half of the batch are always the same. So a piece that a dead owner sent, and that the server stores only now,
// is stored once. What the table has is not sent again, so that nothing depends on how long ClickHouse remembers a token.
func (w *writer) complete(work context.Context, d *delivery) error {
	if err := w.permit.confirm(work); err != nil {
		return err
	}
	if d.joint != nil {
		return w.completeShare(work, d)
	}
	if d.halved || d.withheld.any() {
		// What the table refused as a whole, and takes now, would not be known from a half that is still under way; and a block that is still
		// under way with rows that are withheld now would be another one to the views.
		if err := w.readback.quiet(work); err != nil {
			return err
		}
	}
	held, err := w.look(work, d)
	if err != nil {
		return err
	}
	n := d.batch.rows.Len()
	if held.among(d.piece(0, 0, n).rows) == 0 {
		return w.sieve.insert(work, d, 0, 0, n)
	}
	if heal, err := w.heals(work, d, held); err != nil {
		return err
	} else if heal {
		return w.sieve.insert(work, d, 0, 0, n)
	}
	for _, month := range d.batch.months() {
		if err := w.completeMonth(work, d, held, month, 0, n); err != nil {
			return err
		}
	}
	return nil
}

// look asks what the table has of d's batch.
func (w *writer) look(work context.Context, d *delivery) (held, error) {
	d.looked = time.Now()
	held, err := w.readback.held(work, d.batch)
	if err != nil {
		return held, err
	}
	w.monitor.step("readback")
	d.refused.found(held)
	return held, nil
}

// heals tells whether the whole block is to be sent again under its token though the table has rows of it. The server stores a block in the
// table before it is pushed to the materialized views that hang on it, so a view may lack what the table has; the same block under the same
// token goes into the views that lack it, and the table drops it. But only as long as the table remembers the token, and only if
// nothing of the batch was inserted under another.
func (w *writer) heals(work context.Context, d *delivery, held held) (bool, error) {
	b := d.batch
	if b.letters || b.lineage.doubtful && !d.replayed && !d.sent {
		return false, nil // nothing of it was sent in this era: what is there is of another, and its views' matter
	}
	if views, err := w.readback.views(work, d); err != nil || views == 0 {
		return false, err
	}
	remembers := false
	entire := d.piece(0, 0, b.rows.Len()).left == 0 && !d.withheld.any() // another content under one name is another block to a view
	if !d.halved && entire && d.landedByMonths(held) && (d.whole || d.replayed && !b.lineage.doubtful) {
		var err error
		if remembers, err = w.readback.remembers(work, b, held.block); err != nil {
			return false, err
		}
	}
	if !remembers {
		w.monitor.unsure(b)
	}
	return remembers, nil
}

// landedByMonths tells whether each month is there as a whole or not at all, as the whole block leaves it. What is there otherwise came
// under another token, and would be stored again.
func (d *delivery) landedByMonths(held held) bool {
	for _, month := range d.batch.months() {
		rows := d.piece(month, 0, d.batch.rows.Len()).rows
		if n := held.among(rows); n > 0 && n < len(rows) {
			return false
		}
	}
	return true
}

// completeMonth goes down the halves that halve made until one is there as a whole or not at all.
func (w *writer) completeMonth(work context.Context, d *delivery, held held, month, from, to int) error {
	rows := d.piece(month, from, to).rows
	switch held.among(rows) {
	case len(rows):
		return nil
	case 0:
		return w.sieve.insert(work, d, month, from, to)
	}
	middle := from + (to-from)/2
	if err := w.completeMonth(work, d, held, month, from, middle); err != nil {
		return err
	}
	return w.completeMonth(work, d, held, month, middle, to)
}
