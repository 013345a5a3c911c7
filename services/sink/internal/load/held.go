package load

import (
	"math"

	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A held tells for each row of a batch whether its table has it.
type held struct {
	rows []bool
	// block is the least of the numbers that the table gives to the inserts they came with; 0 when one is not known.
	block int64
}

// among counts the rows that are there.
func (h held) among(rows []int) (n int) {
	for _, i := range rows {
		if h.rows[i] {
			n++
		}
	}
	return n
}

// among tells which of b's rows are among those that the table holds.
func (b *batch) among(there []rows.Held) held {
	type stored struct {
		epoch uint32
		block int64
	}
	places := make(map[rows.Place]stored, len(there))
	for _, h := range there {
		if before, again := places[h.Place.Record()]; !again || h.Place.Epoch > before.epoch {
			places[h.Place.Record()] = stored{h.Place.Epoch, h.Block}
		}
	}
	out := held{rows: make([]bool, b.rows.Len()), block: math.MaxInt64}
	twins := make(map[any]bool)
	for i := range out.rows {
		place := b.rows.Place(i)
		if row, ok := places[place.Record()]; ok && row.epoch >= place.Epoch {
			out.rows[i] = true
			out.block = min(out.block, row.block)
			twins[b.rows.Twin(i)] = true
		}
	}
	if len(twins) == 0 {
		return out
	}
	// Of rows that repeat one event in one insert, the table keeps one.
	for i := range out.rows {
		out.rows[i] = out.rows[i] || twins[b.rows.Twin(i)]
	}
	return out
}
