// Package rows turns records into ClickHouse's columns, filled side by side, kept as they are sent, and used again and again.
package rows

import (
	"strings"
	"unsafe"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// A field is one column of a table: its name, and what is done to its values.
type field struct {
	name string
	// slice returns values [from, to), choose some of them; they are good as long as nothing is changed.
	slice  func(from, to int) any
	choose func(which []int) any
	reset  func()
	// keep leaves only the values whose place in it is true.
	keep func(which []bool)
	// size is the memory that they take, in bytes.
	size func() int
}

// kind is a column that pkg/clickhouse keeps as it is sent.
type kind[K any] interface {
	Slice(from, to int) K
	Choose(which []int) K
	Keep(which []bool)
	Reset()
	Size() int
}

// kept ties such a column to its name.
func kept[K kind[K]](name string, values K) field {
	return field{
		name:   name,
		slice:  func(from, to int) any { return values.Slice(from, to) },
		choose: func(which []int) any { return values.Choose(which) },
		reset:  values.Reset, keep: values.Keep, size: values.Size,
	}
}

// column ties a slice of values of a fixed size to its column's name.
func column[S ~[]T, T any](name string, values *S) field {
	return field{
		name:  name,
		slice: func(from, to int) any { return (*values)[from:to] },
		choose: func(which []int) any {
			out := make(S, len(which))
			for i, row := range which {
				out[i] = (*values)[row]
			}
			return out
		},
		reset: func() {
			// What a few rows need not is let go, so that one large batch does not stay for ever.
			if most := cap(*values); most > 1024 && most > 4*len(*values) {
				*values = nil
			}
			*values = (*values)[:0]
		},
		keep: func(which []bool) {
			kept := (*values)[:0]
			for i, v := range *values {
				if which[i] {
					kept = append(kept, v)
				}
			}
			*values = kept
		},
		size: func() int {
			var one T
			return cap(*values) * int(unsafe.Sizeof(one))
		},
	}
}

// A layout is a table's columns in the order they are sent.
type layout []field

func (l layout) names() []string {
	names := make([]string, len(l))
	for i, f := range l {
		names[i] = f.name
	}
	return names
}

func (l layout) insert(table string) string {
	return "INSERT INTO " + table + " (" + strings.Join(l.names(), ", ") + ")"
}

func (l layout) columns(from, to int) []clickhouse.Column {
	out := make([]clickhouse.Column, len(l))
	for i, f := range l {
		out[i] = clickhouse.Column{Name: f.name, Values: f.slice(from, to)}
	}
	return out
}

func (l layout) choose(which []int) []clickhouse.Column {
	out := make([]clickhouse.Column, len(l))
	for i, f := range l {
		out[i] = clickhouse.Column{Name: f.name, Values: f.choose(which)}
	}
	return out
}

// keep leaves the rows that which names, and returns how many.
func (l layout) keep(which []bool) (n int) {
	for _, f := range l {
		f.keep(which)
	}
	for _, kept := range which {
		if kept {
			n++
		}
	}
	return n
}

func (l layout) reset() {
	for _, f := range l {
		f.reset()
	}
}

func (l layout) size() (bytes int) {
	for _, f := range l {
		bytes += f.size()
	}
	return bytes
}
