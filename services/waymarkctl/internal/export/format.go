package export

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// A Format is one that files are written in.
type Format struct {
	// Name is the option's value, ClickHouse the name that ClickHouse has for it.
	Name, ClickHouse string
	endings          []string
}

var formats = []Format{
	{"parquet", "Parquet", []string{".parquet"}},
	{"csv", "CSVWithNames", []string{".csv"}},
	{"ndjson", "JSONEachRow", []string{".ndjson", ".jsonl"}},
}

// FormatOf is the format of a name, or of a file's ending where that is empty.
func FormatOf(name, file string) (Format, error) {
	for _, f := range formats {
		if f.Name == name || name == "" && slices.Contains(f.endings, strings.ToLower(filepath.Ext(file))) {
			return f, nil
		}
	}
	if name == "" {
		return Format{}, fmt.Errorf("%s: its ending names no format: want .parquet, .csv or .ndjson, or --format", file)
	}
	return Format{}, fmt.Errorf("no format %q: want parquet, csv or ndjson", name)
}

// ForSpreadsheets returns a writer of CSV as ClickHouse writes it that keeps spreadsheets from taking a text for a formula: an apostrophe comes before
// cells of text that begin with =, +, -, @, a tab, or a line's end. Numbers, which are not quoted, stay as they are.
// https://owasp.org/www-community/attacks/CSV_Injection
func ForSpreadsheets(out io.Writer) io.Writer { return &apostrophes{out: out} }

// apostrophes reads what quotes part: a quote within a text is two, so that to leave the text and enter it again is to stay within.
type apostrophes struct {
	out    io.Writer
	buf    []byte
	quoted bool
	// began is true after the quote that begins a cell, left after one that ends it or is the first of two.
	began, left bool
}

func (a *apostrophes) Write(p []byte) (int, error) {
	a.buf = a.buf[:0]
	for _, b := range p {
		switch {
		case b == '"' && a.quoted:
			a.quoted, a.began, a.left = false, false, true
		case b == '"':
			a.quoted, a.began, a.left = true, !a.left, false
		default:
			if a.began && strings.IndexByte("=+-@\t\r\n", b) >= 0 {
				a.buf = append(a.buf, '\'')
			}
			a.began, a.left = false, false
		}
		a.buf = append(a.buf, b)
	}
	if _, err := a.out.Write(a.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}
