package export

import (
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestFormatIsTheEndingsOrTheNamed(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"", "a.parquet", "Parquet"}, {"", "a.b/c.CSV", "CSVWithNames"}, {"", "x.jsonl", "JSONEachRow"}, {"csv", "-", "CSVWithNames"}, {"ndjson", "a.parquet", "JSONEachRow"},
	} {
		if got, err := FormatOf(c.name, c.file); err != nil || got.ClickHouse != c.want {
			t.Errorf("%q of %q: %q, %v, want %s", c.name, c.file, got.ClickHouse, err, c.want)
		}
	}
	for _, c := range [][2]string{{"", "a.xlsx"}, {"", "-"}, {"xlsx", "a.csv"}} {
		if got, err := FormatOf(c[0], c[1]); err == nil {
			t.Errorf("%q of %q is %s", c[0], c[1], got.Name)
		}
	}
}

func TestNoCellIsAFormulaForSpreadsheets(t *testing.T) {
	for in, want := range map[string]string{
		`"=1+1","b"` + "\n":        `"'=1+1","b"` + "\n",
		`"a","+x","-y","@z"`:       `"a","'+x","'-y","'@z"`,
		`-5,"-5",+1`:               `-5,"'-5",+1`, // a number is none
		"\"\t=1\",\"\r=1\"":        "\"'\t=1\",\"'\r=1\"",
		`"","=a"`:                  `"","'=a"`,
		`"a""=b"`:                  `"a""=b"`, // within a text
		`"""=b"`:                   `"""=b"`,  // the text begins with a quote
		`"a,=b","c` + "\n" + `=d"`: `"a,=b","c` + "\n" + `=d"`,
	} {
		var out strings.Builder
		if n, err := ForSpreadsheets(&out).Write([]byte(in)); err != nil || n != len(in) || out.String() != want {
			t.Errorf("%q became %q, want %q (%d bytes of %d, %v)", in, out.String(), want, n, len(in), err)
		}
	}
}

// However the bytes come, cells are the same, and but for the apostrophes nothing changes.
func TestSpreadsheetsGetEveryCell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching(`[=+\-@"a,\n]{0,4}`), 1, 5).Draw(t, "texts")
		var in, want []string
		for _, text := range texts {
			in = append(in, `"`+strings.ReplaceAll(text, `"`, `""`)+`"`)
			if strings.IndexAny(text, "=+-@\n") == 0 {
				text = "'" + text
			}
			want = append(want, `"`+strings.ReplaceAll(text, `"`, `""`)+`"`)
		}
		var out strings.Builder
		safe := ForSpreadsheets(&out)
		reader := iotest.OneByteReader(strings.NewReader(strings.Join(in, ",")))
		for buf := make([]byte, 1); ; {
			n, err := reader.Read(buf)
			if err != nil {
				break
			}
			if _, err := safe.Write(buf[:n]); err != nil {
				t.Fatal(err)
			}
		}
		if got := out.String(); got != strings.Join(want, ",") {
			t.Fatalf("%q became %q, want %q", in, got, want)
		}
	})
}
