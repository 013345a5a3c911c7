package native

import (
	"strconv"
	"strings"
)

// typeExpr is a parsed type name: LowCardinality(Nullable(String)) and so on.
type typeExpr struct {
	name string
	args []string // as written, split at the commas of this level
}

// maxTypeDepth bounds the nesting of one type name.
const maxTypeDepth = 64

func parseType(s string) (typeExpr, error) {
	s = strings.TrimSpace(s)
	open := strings.IndexByte(s, '(')
	if open < 0 {
		return typeExpr{name: s}, nil
	}
	if !strings.HasSuffix(s, ")") {
		return typeExpr{}, malformed("type %.100q", s)
	}
	return typeExpr{name: strings.TrimSpace(s[:open]), args: splitArgs(s[open+1 : len(s)-1])}, nil
}

// splitArgs splits at commas outside of parentheses and quotes.
func splitArgs(s string) []string {
	var args []string
	depth, from := 0, 0
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			switch c {
			case '\\':
				i++
			case quote:
				quote = 0
			}
		case c == '\'' || c == '`' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			args = append(args, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	if rest := strings.TrimSpace(s[from:]); rest != "" || len(args) > 0 {
		args = append(args, rest)
	}
	return args
}

// elementType drops the name of a tuple's or JSON path's element: "a UInt8" and "`a b` UInt8" are UInt8.
func elementType(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return s
	}
	if q := s[0]; q == '`' || q == '"' {
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case q:
				return strings.TrimSpace(s[i+1:])
			}
		}
		return s
	}
	space := strings.IndexByte(s, ' ')
	if open := strings.IndexByte(s, '('); space < 0 || (open >= 0 && open < space) {
		return s
	}
	return strings.TrimSpace(s[space+1:])
}

// elementName is the name that elementType drops, unquoted; empty if it has none.
func elementName(s string) string {
	s = strings.TrimSpace(s)
	name := strings.TrimSpace(strings.TrimSuffix(s, elementType(s)))
	if n := len(name); n >= 2 && (name[0] == '`' || name[0] == '"') {
		return name[1 : n-1]
	}
	return name
}

// fixedWidths are the types whose values all take the same number of bytes.
var fixedWidths = map[string]int{
	"UInt8": 1, "UInt16": 2, "UInt32": 4, "UInt64": 8, "UInt128": 16, "UInt256": 32,
	"Int8": 1, "Int16": 2, "Int32": 4, "Int64": 8, "Int128": 16, "Int256": 32,
	"Float32": 4, "Float64": 8, "BFloat16": 2, "Bool": 1,
	"Date": 2, "Date32": 4, "DateTime": 4, "DateTime32": 4, "DateTime64": 8, "Time": 4, "Time64": 8,
	"UUID": 16, "IPv4": 4, "IPv6": 16, "Enum8": 1, "Enum16": 2, "Nothing": 1,
	"Decimal32": 4, "Decimal64": 8, "Decimal128": 16, "Decimal256": 32,
}

// width is the size of a value of a fixed-width type, in bytes.
func (t typeExpr) width() (int, bool, error) {
	if w, ok := fixedWidths[t.name]; ok {
		return w, true, nil
	}
	switch {
	case strings.HasPrefix(t.name, "Interval"):
		return 8, true, nil
	case t.name == "FixedString" && len(t.args) == 1:
		n, err := strconv.Atoi(t.args[0])
		if err != nil || n <= 0 || n > 1<<24 {
			return 0, false, malformed("FixedString(%.20s)", t.args[0])
		}
		return n, true, nil
	case t.name == "Decimal" && len(t.args) >= 1:
		p, err := strconv.Atoi(t.args[0])
		if err != nil {
			return 0, false, malformed("Decimal(%.20s)", t.args[0])
		}
		for _, w := range []struct{ digits, bytes int }{{9, 4}, {18, 8}, {38, 16}, {76, 32}} {
			if p <= w.digits {
				return w.bytes, true, nil
			}
		}
		return 0, false, malformed("Decimal of %d digits", p)
	}
	return 0, false, nil
}

// geoTypes are names for nested tuples and arrays.
var geoTypes = map[string]string{
	"Point": "Tuple(Float64, Float64)", "Ring": "Array(Point)", "LineString": "Array(Point)",
	"Polygon": "Array(Ring)", "MultiLineString": "Array(LineString)", "MultiPolygon": "Array(Polygon)",
}
