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

// A muster is what the table has of batches that go into it as one block.
type muster struct {
	had, all map[int]int // their rows, by month
	lacks    []bool      // for each batch, whether the table lacks a row of it
	block    int64       // as held.block
}

func newMuster(batches int) muster {
	return muster{make(map[int]int), make(map[int]int), make([]bool, batches), math.MaxInt64}
}

// add counts what the table has of batch i.
func (m *muster) add(i int, b *batch, held held) {
	m.block = min(m.block, held.block)
	for row, there := range held.rows {
		month := b.rows.Month(row)
		m.all[month]++
		if there {
			m.had[month]++
		} else {
			m.lacks[i] = true
		}
	}
}

// torn returns the months of which some rows are there and some are not.
func (m *muster) torn() (months []int) {
	for month, n := range m.had {
		if n < m.all[month] {
			months = append(months, month)
		}
	}
	return months
}
