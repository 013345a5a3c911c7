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
	places := make(map[rows.Position]stored, len(there))
	for _, h := range there {
		if before, again := places[h.Position.Record()]; !again || h.Position.Epoch > before.epoch {
			places[h.Position.Record()] = stored{h.Position.Epoch, h.Block}
		}
	}
	out := held{rows: make([]bool, b.rows.Len()), block: math.MaxInt64}
	keys := make(map[any]bool)
	for i := range out.rows {
		place := b.rows.Position(i)
		if row, ok := places[place.Record()]; ok && row.epoch >= place.Epoch {
			out.rows[i] = true
			out.block = min(out.block, row.block)
			keys[b.rows.SortingKey(i)] = true
		}
	}
	if len(keys) == 0 {
		return out
	}
	// Of rows that repeat one event in one insert, the table keeps one.
	for i := range out.rows {
		out.rows[i] = out.rows[i] || keys[b.rows.SortingKey(i)]
	}
	return out
}
