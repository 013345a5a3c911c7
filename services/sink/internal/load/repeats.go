package load

import (
	"context"

	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// leaveOutRepeats drops dead records that were given up before: a stage that died between writing one and committing its offset
// writes it again, and so does a sink that replays a batch. What failed at one place is one row. Such records have the same key and
// so the same partition of the dead topic: nobody else is inserting them. Dead records are rare, so a query a batch is cheap.
//
// The choice is the same on a replay: what the table has from another place of the dead topic stays, and the batch's own rows are not
// counted.
func (w *writer) leaveOutRepeats(work context.Context, b *batch) error {
	if b.rows.Len() == 0 {
		return nil
	}
	there, err := w.readback.rows(work, b)
	if err != nil {
		return err
	}
	first := make(map[rows.Position]rows.Position) // source → place of its row
	for i := range b.rows.Len() {
		if _, repeated := first[b.rows.Source(i)]; !repeated {
			first[b.rows.Source(i)] = b.rows.Position(i)
		}
	}
	for _, h := range there {
		if ours, ok := first[h.Source]; ok && h.Position != ours {
			first[h.Source] = h.Position
		}
	}
	kept := make([]bool, b.rows.Len())
	repeats := 0
	for i := range kept {
		kept[i] = first[b.rows.Source(i)] == b.rows.Position(i)
		if !kept[i] {
			repeats++
		}
	}
	if repeats > 0 {
		b.keep(kept)
		b.repeated += repeats
	}
	return nil
}
