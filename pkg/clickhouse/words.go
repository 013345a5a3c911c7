package clickhouse

import (
	"encoding/binary"
	"math"
)

// Words is a column of strings of which there are few: each is kept once, and a row is its number. It copies what it is given. The zero value is
// empty.
type Words struct {
	// words are all that a row ever had, in the order they came; the first is the empty one. index has their numbers.
	words []string
	index map[string]uint32
	ids   []uint32 // one a row
	// letters is where the next words go; those before stay where they are.
	letters []byte
	bytes   int
	// unused says that words may have some that no row has.
	unused bool
}

// Append adds a row.
func (w *Words) Append(s string) {
	if n := len(w.ids); n > 0 && w.words[w.ids[n-1]] == s { // most often the same as before
		w.ids = append(w.ids, w.ids[n-1])
		return
	}
	w.ids = append(w.ids, w.id(s))
}

// id is the number of s.
func (w *Words) id(s string) uint32 {
	if len(w.words) == 0 {
		w.words = append(w.words, "")
	}
	if s == "" {
		return 0
	}
	if w.index == nil {
		w.index = make(map[string]uint32)
	}
	id, known := w.index[s]
	if !known {
		s, id = w.copied(s), uint32(len(w.words))
		w.words = append(w.words, s)
		w.index[s] = id
	}
	return id
}

// copied returns a copy of s among letters.
func (w *Words) copied(s string) string {
	const least, most = 256, 64 << 10
	if cap(w.letters)-len(w.letters) < len(s) {
		w.letters = make([]byte, 0, max(len(s), min(max(2*cap(w.letters), least), most)))
		w.bytes += cap(w.letters)
	}
	from := len(w.letters)
	w.letters = append(w.letters, s...)
	return text(w.letters[from:])
}

// Set makes s row i's value. What it was is not sent any more unless another row has it, but stays in memory.
func (w *Words) Set(i int, s string) { w.ids[i], w.unused = w.id(s), true }

// At returns row i's value. It stays what it is, also after Reset.
func (w *Words) At(i int) string { return w.words[w.ids[i]] }

// Len counts the rows.
func (w *Words) Len() int { return len(w.ids) }

// Slice returns rows [from, to), which alias those of w.
func (w *Words) Slice(from, to int) *Words {
	return &Words{words: w.words, ids: w.ids[from:to], unused: w.unused || to-from < len(w.ids)}
}

// Choose returns some rows.
func (w *Words) Choose(rows []int) *Words {
	return &Words{words: w.words, ids: choose(w.ids, rows), unused: true}
}

// Keep leaves the rows that which names.
func (w *Words) Keep(which []bool) { w.ids, w.unused = keep(w.ids, which), true }

// Reset empties the column. It keeps its memory where the rows filled a good part of it, but for that of the words.
func (w *Words) Reset() {
	const few = 1024 // a map never shrinks, and is cleared as a whole
	index := w.index
	if clear(w.words); len(w.words) > few {
		index = nil
	}
	clear(index)
	*w = Words{words: reset(w.words), index: index, ids: reset(w.ids)}
}

// Size is about the memory it takes, in bytes.
func (w *Words) Size() int {
	const entry = 48 // of the map, and the word's own place
	return 4*cap(w.ids) + w.bytes + entry*cap(w.words)
}

// Lists is a column of lists of words. The zero value is empty.
type Lists struct {
	all Words
	at  []span // of all's rows, those of each list
}

// Append adds a row.
func (l *Lists) Append(words []string) {
	from := l.all.Len()
	for _, word := range words {
		l.all.Append(word)
	}
	l.at = append(l.at, span{uint32(from), uint32(l.all.Len())})
}

// Empty takes all words out of row i.
func (l *Lists) Empty(i int) { l.at[i] = span{} }

// At returns row i's words, nil where there are none.
func (l *Lists) At(i int) []string {
	var out []string
	for word := l.at[i].from; word < l.at[i].to; word++ {
		out = append(out, l.all.At(int(word)))
	}
	return out
}

// Len counts the rows.
func (l *Lists) Len() int { return len(l.at) }

// Slice returns rows [from, to), which alias those of l.
func (l *Lists) Slice(from, to int) *Lists { return &Lists{l.all, l.at[from:to]} }

// Choose returns some rows.
func (l *Lists) Choose(rows []int) *Lists { return &Lists{l.all, choose(l.at, rows)} }

// Keep leaves the rows that which names.
func (l *Lists) Keep(which []bool) { l.at = keep(l.at, which) }

// Reset empties the column, as that of Words does.
func (l *Lists) Reset() {
	l.all.Reset()
	l.at = reset(l.at)
}

// Size is about the memory it takes, in bytes.
func (l *Lists) Size() int { return l.all.Size() + 8*cap(l.at) }

// words are those of all lists, one after the other.
func (l *Lists) words() *Words {
	out := &Words{words: l.all.words, unused: true}
	for _, at := range l.at {
		out.ids = append(out.ids, l.all.ids[at.from:at.to]...)
	}
	return out
}

// How a LowCardinality column is sent: its version, and with each block all keys that its rows use. Index types are UInt8, UInt16, UInt32 by
// number. https://github.com/ClickHouse/ClickHouse/blob/master/src/DataTypes/Serializations/SerializationLowCardinality.cpp
const (
	lowCardinalityVersion = 1
	hasAdditionalKeys     = 1 << 9
	needsUpdate           = 1 << 10
)

// encodeWords writes parts, one after the other, as one column LowCardinality(String).
func encodeWords(f *frames, parts []*Words) error {
	rows := 0
	for _, part := range parts {
		rows += len(part.ids)
	}
	if rows == 0 {
		return nil
	}
	d := dictionaryOf(parts)
	kind, size := uint64(0), 1
	switch {
	case len(d.words) > math.MaxUint16:
		kind, size = 2, 4
	case len(d.words) > math.MaxUint8:
		kind, size = 1, 2
	}
	f.buf.PutUInt64(hasAdditionalKeys | needsUpdate | kind)
	f.buf.PutUInt64(uint64(len(d.words)))
	for _, word := range d.words {
		f.buf.PutString(word)
		if err := f.spill(); err != nil {
			return err
		}
	}
	f.buf.PutUInt64(uint64(rows))
	for i, part := range parts {
		if err := encodeIDs(f, part.ids, d.at[i], size); err != nil {
			return err
		}
	}
	return nil
}

// encodeIDs writes the place in the dictionary of each id, size bytes wide.
func encodeIDs(f *frames, ids, at []uint32, size int) error {
	for len(ids) > 0 {
		some := ids[:min(len(ids), step)]
		ids = ids[len(some):]
		switch size {
		case 1:
			for _, id := range some {
				f.buf.PutByte(byte(at[id]))
			}
		case 2:
			for _, id := range some {
				f.buf.Buf = binary.LittleEndian.AppendUint16(f.buf.Buf, uint16(at[id]))
			}
		default:
			for _, id := range some {
				f.buf.Buf = binary.LittleEndian.AppendUint32(f.buf.Buf, at[id])
			}
		}
		if err := f.spill(); err != nil {
			return err
		}
	}
	return nil
}

// A dictionary is the words that the rows of a block have, and only those: the first is the empty one, as ClickHouse's own has it. at says for
// each part where its words are.
type dictionary struct {
	words []string
	at    [][]uint32
}

func dictionaryOf(parts []*Words) dictionary {
	d := dictionary{words: []string{""}, at: make([][]uint32, len(parts))}
	var index map[string]uint32 // of words, when several parts may have one
	if len(parts) > 1 {
		index = make(map[string]uint32)
	}
	for i, part := range parts {
		at := make([]uint32, max(len(part.words), 1))
		d.at[i] = at
		if len(parts) == 1 && !part.unused {
			for id := range at {
				at[id] = uint32(id)
			}
			d.words = part.words
			return d
		}
		for _, id := range part.ids {
			if id == 0 || at[id] != 0 {
				continue
			}
			place, known := index[part.words[id]]
			if !known {
				place = uint32(len(d.words))
				d.words = append(d.words, part.words[id])
				if index != nil {
					index[part.words[id]] = place
				}
			}
			at[id] = place
		}
	}
	return d
}
