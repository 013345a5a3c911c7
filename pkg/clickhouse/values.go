package clickhouse

import (
	"strings"
	"time"
)

// A Column is one column of a block: one value a row. Values is a typed slice that clickhouse-go's column takes, or one of *Texts, *Words,
// *Lists, *Floats and Seconds, which are kept as they are sent.
type Column struct {
	Name   string
	Values any
}

// Plain returns the values as a typed slice: a copy of those that are kept as they are sent.
func (c Column) Plain() any { return plain(c.Values) }

func plain(values any) any {
	switch v := values.(type) {
	case *Texts:
		return collect(v.Len(), func(i int) string { return strings.Clone(v.At(i)) })
	case *Words:
		return collect(v.Len(), v.At)
	case *Lists:
		return collect(v.Len(), v.At)
	case *Floats:
		return collect(v.Len(), v.At)
	case Seconds:
		return collect(len(v), func(i int) time.Time { return time.Unix(int64(v[i]), 0) })
	}
	return values
}

func collect[T any](n int, at func(i int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = at(i)
	}
	return out
}

// Seconds are the values of a DateTime column, in Unix seconds.
type Seconds []uint32

// Floats is a column of Nullable(Float32). The zero value is empty.
type Floats struct {
	values []float32
	nulls  []uint8 // 1 for NULL
}

// Append adds a row.
func (f *Floats) Append(v float32) { f.values, f.nulls = append(f.values, v), append(f.nulls, 0) }

// AppendNull adds a row without a value.
func (f *Floats) AppendNull() { f.values, f.nulls = append(f.values, 0), append(f.nulls, 1) }

// SetNull takes row i's value away.
func (f *Floats) SetNull(i int) { f.values[i], f.nulls[i] = 0, 1 }

// At returns row i's value, nil for NULL.
func (f *Floats) At(i int) *float32 {
	if f.nulls[i] == 1 {
		return nil
	}
	v := f.values[i]
	return &v
}

// Len counts the rows.
func (f *Floats) Len() int { return len(f.values) }

// Slice returns rows [from, to), which alias those of f.
func (f *Floats) Slice(from, to int) *Floats { return &Floats{f.values[from:to], f.nulls[from:to]} }

// Choose returns a copy of some rows.
func (f *Floats) Choose(rows []int) *Floats {
	return &Floats{choose(f.values, rows), choose(f.nulls, rows)}
}

// Keep leaves the rows that which names.
func (f *Floats) Keep(which []bool) { f.values, f.nulls = keep(f.values, which), keep(f.nulls, which) }

// Reset empties the column. It keeps its memory where the rows filled a good part of it.
func (f *Floats) Reset() { f.values, f.nulls = reset(f.values), reset(f.nulls) }

// Size is the memory it takes, in bytes.
func (f *Floats) Size() int { return 4*cap(f.values) + cap(f.nulls) }

// choose returns a copy of some values.
func choose[T any](values []T, rows []int) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i] = values[row]
	}
	return out
}

// keep leaves the values whose place in which is true.
func keep[T any](values []T, which []bool) []T {
	kept := values[:0]
	for i, v := range values {
		if which[i] {
			kept = append(kept, v)
		}
	}
	return kept
}

// slack is how many times what was used a slice may hold on to, when it holds more than smallest.
const (
	slack    = 4
	smallest = 1024
)

// reset empties values. What a few rows need not is let go, so that one large batch does not stay for ever.
func reset[T any](values []T) []T {
	if cap(values) > smallest && cap(values) > slack*len(values) {
		return nil
	}
	return values[:0]
}
