package export

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is written is what ClickHouse answers, in each format.
func TestAQuestionsRowsAreWritten(t *testing.T) {
	r := use(t)
	dir := t.TempDir()
	r.ask("CREATE OR REPLACE TABLE odd (name String, n Int64, at DateTime64(3, 'UTC'), tags Array(String)) ENGINE = Memory", nil)
	r.ask(`INSERT INTO odd VALUES ('=HYPERLINK("http://evil.example")', -5, '2026-03-01 10:00:00.123', ['a','b']), ('Ünï\ncode, "quoted"', 9007199254740993, '2026-03-02 00:00:00', []), ('', 0, 0, [''])`, nil)
	const question = "SELECT * FROM odd ORDER BY n -- as they come"
	for _, file := range []string{"a.parquet", "a.ndjson", "a.csv"} {
		path := filepath.Join(dir, file)
		if code, stdout, stderr := r.ctl(t.Context(), "export", "--region", "us", "--to", path, question); code != 0 || stdout+stderr != "" {
			t.Fatalf("%s: status %d, %s%s", file, code, stdout, stderr)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		format := map[string]string{"a.parquet": "Parquet", "a.ndjson": "JSONEachRow", "a.csv": "CSVWithNames"}[file]
		table := "back_" + filepath.Ext(file)[1:]
		r.ask("CREATE OR REPLACE TABLE "+table+" AS odd", nil)
		r.ask("INSERT INTO "+table+" FORMAT "+format, f)
		f.Close()
		if got := r.ask("SELECT count() FROM (SELECT * FROM odd INTERSECT SELECT * FROM "+table+")", nil); got != "3" {
			t.Errorf("%s: %s of 3 rows come back", file, got)
		}
	}
	_, stdout, _ := r.ctl(t.Context(), "export", "--region", "us", "--to", "-", "--format", "csv", "--for-spreadsheets", question)
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][0] != `'=HYPERLINK("http://evil.example")` || rows[1][1] != "-5" || rows[3][0] != "Ünï\ncode, \"quoted\"" {
		t.Errorf("for spreadsheets: %q, %v", rows, err)
	}
}

func TestAViewIsWrittenByItsParameters(t *testing.T) {
	r := use(t)
	r.ask("CREATE OR REPLACE VIEW doubled AS SELECT {n:UInt32} * 2 AS twice, {audience:String} AS audience, {text:String} AS text", nil)
	code, stdout, stderr := r.ctl(t.Context(), "export", "--region", "us", "--to", "-", "--format", "ndjson", "--view", "doubled", "--param", "n=21", "--param", "text=it's, a\ttab\\ and 'quotes'; --")
	if want := `{"twice":42,"audience":"live","text":"it's, a\ttab\\ and 'quotes'; --"}` + "\n"; code != 0 || stdout != want {
		t.Errorf("status %d, %q, want %q: %s", code, stdout, want, stderr)
	}
	for says, args := range map[string][]string{
		"--param n=… --param text=…": {"--view", "doubled"},
		"has no parameter m":         {"--view", "doubled", "--param", "n=1", "--param", "text=a", "--param", "m=1"},
		"there is no view nowhere":   {"--view", "nowhere"},
		"is no name of a view":       {"--view", "doubled(n=1)"},
		"one of them":                {"--view", "doubled", "SELECT 1"},
		"only what SELECT returns":   {"INSERT INTO events SELECT 1"},
		"names no format":            {"--to", "x.xlsx", "SELECT 1"},
		"is for csv":                 {"--for-spreadsheets", "SELECT 1"},
	} {
		all := append([]string{"export", "--region", "us", "--to", "-", "--format", "ndjson"}, args...)
		if says == "names no format" {
			all = append([]string{"export", "--region", "us"}, args...)
		}
		if code, stdout, stderr := r.ctl(t.Context(), all...); code != 1 || stdout != "" || !strings.Contains(stderr, says) {
			t.Errorf("%q: status %d, %q, %q, want %q", args, code, stdout, stderr, says)
		}
	}
}

// A query that fails after its first rows leaves what was there, says why, and leaves nothing beside it.
func TestAFailureLeavesNoFile(t *testing.T) {
	r := use(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	if err := os.WriteFile(path, []byte("of yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, query := range map[string]string{
		"too late":       "SELECT number, throwIf(number = 30000000, 'too late') FROM numbers(40000000)",
		"UNKNOWN_TABLE":  "SELECT * FROM nowhere",
		"Syntax error":   "SELECT 1 FORMAT CSV",
		"UNKNOWN_IDENTI": "SELECT nothing",
	} {
		code, stdout, stderr := r.ctl(t.Context(), "export", "--region", "us", "--to", path, query)
		if code != 1 || stdout != "" || !strings.Contains(stderr, says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, %q, want %q", query, code, stderr, says)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "of yesterday" {
			t.Errorf("%s: the file has %d bytes, %v", query, len(got), err)
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
			t.Errorf("%s leaves %v, %v", query, names, err)
		}
	}
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_HTTP", "http://"+r.Addresses.Admin)
	if code, _, stderr := r.ctl(t.Context(), "export", "--region", "us", "--to", path, "SELECT 1"); code != 1 || !strings.Contains(stderr, "is it ClickHouse's HTTP interface?") {
		t.Errorf("another server: status %d, %q", code, stderr)
	}
}
