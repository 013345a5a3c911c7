package clickhouse

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Texts is a column of strings that mostly differ: a copy of each, in one piece of memory, as a String column is sent. At most 4 GiB. The zero
// value is empty.
type Texts struct {
	// sent has each value behind its length; at says where each row's begins, and ends.
	sent []byte
	at   []span
	// scattered says that the rows do not follow one upon the other in sent.
	scattered bool
}

// A span is a part of a slice.
type span struct{ from, to uint32 }

// Append adds a row.
func (t *Texts) Append(s string) { t.at = append(t.at, t.put(s)) }

// AppendBytes adds a row.
func (t *Texts) AppendBytes(b []byte) { t.Append(text(b)) }

func (t *Texts) put(s string) span {
	from := len(t.sent)
	if from+len(s)+binary.MaxVarintLen64 > math.MaxUint32 {
		panic(fmt.Sprintf("clickhouse: %d bytes of strings in one column", from))
	}
	t.sent = binary.AppendUvarint(t.sent, uint64(len(s)))
	t.sent = append(t.sent, s...)
	return span{uint32(from), uint32(len(t.sent))}
}

// Set makes s row i's value. What it was is not sent any more, but stays in memory.
func (t *Texts) Set(i int, s string) {
	t.at[i] = t.put(s)
	t.scattered = true
}

// At returns row i's value, which aliases the column until Reset.
func (t *Texts) At(i int) string {
	sent := t.row(i)
	_, n := binary.Uvarint(sent)
	return text(sent[n:])
}

// row is row i as it is sent.
func (t *Texts) row(i int) []byte { return t.sent[t.at[i].from:t.at[i].to] }

// Len counts the rows.
func (t *Texts) Len() int { return len(t.at) }

// Slice returns rows [from, to), which alias those of t.
func (t *Texts) Slice(from, to int) *Texts { return &Texts{t.sent, t.at[from:to], t.scattered} }

// Choose returns some rows, which alias those of t.
func (t *Texts) Choose(rows []int) *Texts { return &Texts{t.sent, choose(t.at, rows), true} }

// Keep leaves the rows that which names.
func (t *Texts) Keep(which []bool) { t.at, t.scattered = keep(t.at, which), true }

// Reset empties the column. It keeps its memory where the rows filled a good part of it.
func (t *Texts) Reset() { *t = Texts{sent: reset(t.sent), at: reset(t.at)} }

// Size is the memory it takes, in bytes.
func (t *Texts) Size() int { return cap(t.sent) + 8*cap(t.at) }

// encode writes the rows as a String column has them.
func (t *Texts) encode(f *frames) error {
	switch {
	case len(t.at) == 0:
		return nil
	case t.scattered:
		for i := range t.at {
			f.buf.PutRaw(t.row(i))
			if err := f.spill(); err != nil {
				return err
			}
		}
		return nil
	}
	for part := range slices.Chunk(t.sent[t.at[0].from:t.at[len(t.at)-1].to], frameBytes) {
		f.buf.PutRaw(part)
		if err := f.spill(); err != nil {
			return err
		}
	}
	return nil
}
