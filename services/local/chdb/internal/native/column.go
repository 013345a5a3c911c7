package native

import "slices"

// column walks over one column's data of a block: first the prefix of the type and all types inside, then the values.
type column interface {
	prefix(t *Tape) error
	values(t *Tape, rows uint64) error
}

func newColumn(name string, depth int) (column, error) {
	if depth > maxTypeDepth {
		return nil, malformed("a type nested more than %d deep", maxTypeDepth)
	}
	e, err := parseType(name)
	if err != nil {
		return nil, err
	}
	if w, ok, err := e.width(); err != nil {
		return nil, err
	} else if ok {
		return fixed(w), nil
	}
	if alias, ok := geoTypes[e.name]; ok {
		return newColumn(alias, depth+1)
	}
	inner := func(from int) ([]column, error) {
		if len(e.args) <= from {
			return nil, malformed("type %.100q", name)
		}
		var cols []column
		for _, a := range e.args[from:] {
			c, err := newColumn(elementType(a), depth+1)
			if err != nil {
				return nil, err
			}
			cols = append(cols, c)
		}
		return cols, nil
	}
	switch e.name {
	case "String":
		return text{}, nil
	case "JSON":
		return newJSON(e, depth)
	case "Dynamic":
		return &dynamic{depth: depth}, nil
	case "Tuple":
		if len(e.args) == 0 {
			return fixed(1), nil
		}
		cols, err := inner(0)
		return tuple(cols), err
	case "Nested":
		cols, err := inner(0)
		return array{tuple(cols)}, err
	case "SimpleAggregateFunction":
		cols, err := inner(1)
		if err != nil {
			return nil, err
		}
		return cols[0], nil
	case "Variant":
		// ClickHouse orders the variants by name, whatever order they were written in.
		slices.Sort(e.args)
		cols, err := inner(0)
		return &variant{cols: cols}, err
	case "Nullable", "Array", "LowCardinality", "Map":
		cols, err := inner(0)
		if err != nil {
			return nil, err
		}
		switch {
		case e.name == "Map" && len(cols) == 2:
			return array{tuple(cols)}, nil
		case len(cols) != 1:
			return nil, malformed("type %.100q", name)
		case e.name == "Nullable":
			return nullable{cols[0]}, nil
		case e.name == "Array":
			return array{cols[0]}, nil
		}
		return newLowCardinality(e.args[0], depth)
	}
	return nil, malformed("type %.100q is not supported over the native protocol", name)
}

type fixed int

func (fixed) prefix(*Tape) error { return nil }

func (f fixed) values(t *Tape, rows uint64) error { return t.items(rows, int(f)) }

type text struct{}

func (text) prefix(*Tape) error { return nil }

func (text) values(t *Tape, rows uint64) error { return t.strings(rows) }

type nullable struct{ column }

func (n nullable) values(t *Tape, rows uint64) error {
	if err := t.items(rows, 1); err != nil {
		return err
	}
	return n.column.values(t, rows)
}

// array is its running end offsets, then all elements.
type array struct{ column }

func (a array) values(t *Tape, rows uint64) error {
	if rows == 0 {
		return nil
	}
	if err := t.items(rows-1, 8); err != nil {
		return err
	}
	elements, err := t.Uint64()
	if err != nil {
		return err
	}
	if elements > MaxBlock {
		return malformed("an array column of %d elements", elements)
	}
	return a.column.values(t, elements)
}

type tuple []column

func (p tuple) prefix(t *Tape) error {
	for _, c := range p {
		if err := c.prefix(t); err != nil {
			return err
		}
	}
	return nil
}

func (p tuple) values(t *Tape, rows uint64) error {
	for _, c := range p {
		if err := c.values(t, rows); err != nil {
			return err
		}
	}
	return nil
}

// lowCardinality is a dictionary and a key a row. A nullable dictionary is stored without its null map.
type lowCardinality struct{ dictionary column }

func newLowCardinality(inner string, depth int) (column, error) {
	e, err := parseType(inner)
	if err != nil {
		return nil, err
	}
	if e.name == "Nullable" && len(e.args) == 1 {
		inner = e.args[0]
	}
	c, err := newColumn(inner, depth+1)
	return lowCardinality{c}, err
}

func (l lowCardinality) prefix(t *Tape) error {
	version, err := t.Uint64()
	if err == nil && version != 1 {
		err = malformed("LowCardinality version %d", version)
	}
	return err
}

// The flags are those of SerializationLowCardinality: the low byte is the key's width, bit 8 a shared dictionary, bit 9 keys of
// this block's own dictionary.
func (l lowCardinality) values(t *Tape, rows uint64) error {
	if rows == 0 {
		return nil
	}
	flags, err := t.Uint64()
	if err != nil {
		return err
	}
	width := flags & 0xff
	if width > 3 || flags&(1<<8) != 0 || flags&(1<<9) == 0 {
		return malformed("LowCardinality flags %#x", flags)
	}
	size, err := t.Uint64()
	if err != nil {
		return err
	}
	if size > MaxBlock {
		return malformed("a dictionary of %d values", size)
	}
	if err := l.dictionary.values(t, size); err != nil {
		return err
	}
	keys, err := t.Uint64()
	if err != nil {
		return err
	}
	if keys != rows {
		return malformed("%d dictionary keys for %d rows", keys, rows)
	}
	return t.items(keys, 1<<width)
}
