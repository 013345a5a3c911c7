// Package rows turns records into ClickHouse's columns: one typed slice a column, filled side by side, used again and again.
package rows

import (
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// A field is one column of a table: its name and the slice that holds its values.
type field struct {
	name string
	// slice returns values [from, to).
	slice func(from, to int) any
	// choose returns a copy of some values.
	choose func(which []int) any
	reset  func()
	// keep leaves only the values whose place in it is true.
	keep func(which []bool)
}

// column ties a slice to its column's name.
func column[T any](name string, values *[]T) field {
	return field{
		name:  name,
		slice: func(from, to int) any { return (*values)[from:to] },
		choose: func(which []int) any {
			out := make([]T, len(which))
			for i, row := range which {
				out[i] = (*values)[row]
			}
			return out
		},
		reset: func() {
			clear(*values)
			*values = (*values)[:0]
		},
		keep: func(which []bool) {
			kept := (*values)[:0]
			for i, v := range *values {
				if which[i] {
					kept = append(kept, v)
				}
			}
			clear((*values)[len(kept):])
			*values = kept
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
