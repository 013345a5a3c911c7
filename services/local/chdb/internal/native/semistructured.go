package native

import (
	"slices"
	"strings"
)

// Serialization versions of ClickHouse's semi-structured types. Only those are walked that carry no reference to another block:
// JSON as text, and JSON and Dynamic in the flattened form (ClickHouse 25.6, native_use_flattened_dynamic_and_json_serialization).
const (
	jsonAsText  = 1
	flattened   = 3
	maxSubtypes = 10_000
)

// variant is a discriminator a row (255 is NULL), then each variant's values.
type variant struct{ cols []column }

func (v *variant) prefix(t *Tape) error {
	mode, err := t.Uint64()
	if err != nil {
		return err
	}
	if mode != 0 {
		return malformed("Variant mode %d", mode)
	}
	return tuple(v.cols).prefix(t)
}

func (v *variant) values(t *Tape, rows uint64) error {
	from := t.Offset()
	if err := t.items(rows, 1); err != nil {
		return err
	}
	counts := make([]uint64, 256)
	for _, d := range t.Kept()[from:] {
		counts[d]++
	}
	for i, c := range v.cols {
		if err := c.values(t, counts[i]); err != nil {
			return err
		}
	}
	return nil
}

// dynamic names the types it holds in its prefix; then come a discriminator a row (their number is NULL) and each type's values.
type dynamic struct {
	depth int
	cols  []column
}

func (d *dynamic) prefix(t *Tape) error {
	version, err := t.Uint64()
	if err != nil {
		return err
	}
	if version != flattened {
		return malformed("Dynamic version %d", version)
	}
	n, err := t.Uvarint()
	if err != nil {
		return err
	}
	if n > maxSubtypes {
		return malformed("a Dynamic column of %d types", n)
	}
	d.cols = nil
	for range n {
		name, err := t.String()
		if err != nil {
			return err
		}
		c, err := newColumn(name, d.depth+1)
		if err != nil {
			return err
		}
		d.cols = append(d.cols, c)
	}
	return tuple(d.cols).prefix(t)
}

func (d *dynamic) values(t *Tape, rows uint64) error {
	width := 1
	if len(d.cols) > 255 {
		width = 2
	}
	from := t.Offset()
	if err := t.items(rows, width); err != nil {
		return err
	}
	counts := make([]uint64, len(d.cols)+1)
	keys := t.Kept()[from:]
	for i := 0; i < len(keys); i += width {
		k := int(keys[i])
		if width == 2 {
			k |= int(keys[i+1]) << 8
		}
		if k >= len(counts) {
			return malformed("Dynamic discriminator %d of %d types", k, len(d.cols))
		}
		counts[k]++
	}
	for i, c := range d.cols {
		if err := c.values(t, counts[i]); err != nil {
			return err
		}
	}
	return nil
}

// jsonColumn is either text, or a column for each path: typed ones of the type's declaration, dynamic ones of the prefix.
type jsonColumn struct {
	depth   int
	typed   []column
	dynamic []column
	text    bool
}

// newJSON reads JSON(max_dynamic_paths=8, a.b UInt32, SKIP c): the typed paths, in the order of their names.
func newJSON(e typeExpr, depth int) (column, error) {
	j := &jsonColumn{depth: depth}
	typed := slices.Clone(e.args)
	typed = slices.DeleteFunc(typed, func(a string) bool {
		return a == "" || strings.HasPrefix(a, "SKIP ") || elementName(a) == ""
	})
	slices.SortFunc(typed, func(a, b string) int { return strings.Compare(elementName(a), elementName(b)) })
	for _, a := range typed {
		c, err := newColumn(elementType(a), depth+1)
		if err != nil {
			return nil, err
		}
		j.typed = append(j.typed, c)
	}
	return j, nil
}

func (j *jsonColumn) prefix(t *Tape) error {
	version, err := t.Uint64()
	if err != nil {
		return err
	}
	if j.text = version == jsonAsText; j.text {
		return nil
	}
	if version != flattened {
		return malformed("JSON version %d", version)
	}
	paths, err := t.Uvarint()
	if err != nil {
		return err
	}
	if paths > maxSubtypes {
		return malformed("a JSON column of %d paths", paths)
	}
	if err := t.strings(paths); err != nil {
		return err
	}
	if err := tuple(j.typed).prefix(t); err != nil {
		return err
	}
	j.dynamic = nil
	for range paths {
		j.dynamic = append(j.dynamic, &dynamic{depth: j.depth + 1})
	}
	return tuple(j.dynamic).prefix(t)
}

func (j *jsonColumn) values(t *Tape, rows uint64) error {
	if j.text {
		return t.strings(rows)
	}
	if err := tuple(j.typed).values(t, rows); err != nil {
		return err
	}
	return tuple(j.dynamic).values(t, rows)
}
