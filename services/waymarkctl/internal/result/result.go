// Package result writes the rows of a query's result as text.
package result

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A Printer writes rows; Flush writes what it held back.
type Printer interface {
	Row(names []string, values []any) error
	Flush() error
}

// New returns the printer of a format: tsv, json or table.
//
//	tsv    a line of names, then one line a row, escaped as ClickHouse's TabSeparated; NULL is \N
//	json   one JSON object a row
//	table  aligned columns, for people; written at the end
func New(format string, out io.Writer) (Printer, error) {
	switch format {
	case "tsv":
		return &columns{out: out, null: `\N`, flush: func() error { return nil }}, nil
	case "table":
		aligned := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		return &columns{out: aligned, null: "NULL", flush: aligned.Flush}, nil
	case "json":
		return &objects{out: out}, nil
	}
	return nil, fmt.Errorf("no format %q: want tsv, json or table", format)
}

// columns writes cells parted by tabs.
type columns struct {
	out    io.Writer
	null   string
	flush  func() error
	headed bool
}

func (c *columns) Row(names []string, values []any) error {
	if !c.headed {
		c.headed = true
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = text(name)
		}
		if err := c.line(cells); err != nil {
			return err
		}
	}
	cells := make([]string, len(values))
	for i, value := range values {
		shown, err := cell(value, c.null)
		if err != nil {
			return fmt.Errorf("column %s: %w", names[i], err)
		}
		cells[i] = shown
	}
	return c.line(cells)
}

func (c *columns) line(cells []string) error {
	if _, err := io.WriteString(c.out, strings.Join(cells, "\t")+"\n"); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (c *columns) Flush() error { return c.flush() }

// objects writes JSON lines, the fields in the query's order.
type objects struct {
	out  io.Writer
	line []byte
}

func (o *objects) Row(names []string, values []any) error {
	o.line = append(o.line[:0], '{')
	for i, value := range values {
		name, err := encode(names[i])
		if err != nil {
			return err
		}
		shown, err := encode(value)
		if err != nil {
			return fmt.Errorf("column %s: %w", names[i], err)
		}
		if i > 0 {
			o.line = append(o.line, ',')
		}
		o.line = append(append(append(o.line, name...), ':'), shown...)
	}
	if _, err := o.out.Write(append(o.line, '}', '\n')); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (o *objects) Flush() error { return nil }
