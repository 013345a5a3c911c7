package access

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What Grafana's ClickHouse plugin makes of its macros, for a day around the tests' rows (its README, "Macros"), and Grafana of ${name:sqlstring}.
var macros = []struct {
	macro *regexp.Regexp
	sql   string
}{
	{regexp.MustCompile(`\$__timeFilter\(([^()]+)\)`), "$1 >= toDateTime(1777852800) AND $1 <= toDateTime(1777968000)"},
	{regexp.MustCompile(`\$__timeInterval\(([^()]+)\)`), "toStartOfInterval(toDateTime($1), INTERVAL 60 second)"},
	{regexp.MustCompile(`\$__fromTime`), "toDateTime(1777852800)"},
	{regexp.MustCompile(`\$__toTime`), "toDateTime(1777968000)"},
	{regexp.MustCompile(`\$\{database\}`), database},
	{regexp.MustCompile(`\$\{account:sqlstring\}`), "'shop','rival'"},
}

// TestDashboardsQueriesAreAnswered asks what the panels ask, as the user of the data source.
func TestDashboardsQueriesAreAnswered(t *testing.T) {
	h := newHouse(t)
	// What tables of work have is not there by itself.
	h.ask(admin, "ALTER TABLE events DELETE WHERE throwIf(1)", "mutations_sync", "0")
	files, err := filepath.Glob("../../../../deploy/grafana/dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			Templating struct {
				List []struct{ Name, Definition string }
			}
			Panels []struct {
				Title, Type string
				FieldConfig struct {
					Overrides []struct{ Matcher struct{ Options string } }
				}
				Targets []struct{ RawSQL, QueryType string }
			}
		}
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatal(err)
		}
		for _, variable := range dashboard.Templating.List {
			if !strings.HasPrefix(variable.Definition, "SELECT") {
				continue
			}
			if values := h.ask("operator", filled(t, variable.Definition)); values != map[string]string{"database": database, "account": "rival\nshop"}[variable.Name] {
				t.Errorf("%s: variable %s has values %q", file, variable.Name, values)
			}
		}
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				if target.RawSQL == "" {
					continue
				}
				asked++
				where := fmt.Sprintf("%s: %s", filepath.Base(file), panel.Title)
				var answer struct {
					Meta []struct{ Name, Type string }
					Data [][]any
				}
				if err := json.Unmarshal([]byte(h.ask("operator", filled(t, target.RawSQL)+" FORMAT JSONCompact")), &answer); err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				if len(answer.Data) == 0 && !idle[panel.Title] {
					t.Errorf("%s: no rows", where)
				}
				// The tests' rows are enriched a second after they were received, and stored after another one.
				if want, is := map[string]float64{"Received to enriched": 1, "Received to stored": 2}[panel.Title]; is && answer.Data[0][1] != want {
					t.Errorf("%s: %v, want %v seconds", where, answer.Data[0], want)
				}
				checkColumns(t, where, panel.Type, target.QueryType, answer.Meta)
				for _, override := range panel.FieldConfig.Overrides {
					if !strings.Contains(fmt.Sprint(answer.Meta), "{"+override.Matcher.Options+" ") {
						t.Errorf("%s: a unit for column %s, which is not there: %v", where, override.Matcher.Options, answer.Meta)
					}
				}
			}
		}
	}
	if asked < 20 {
		t.Errorf("only %d queries", asked)
	}
}

// idle are the panels that have no rows on a server with nothing to do.
var idle = map[string]bool{"Queries that run": true, "Merges": true, "Replicas": true, "Times that were changed": true}

// checkColumns holds an answer to what a panel draws: a graph needs one time, numbers, and one name at most; a single value nothing but numbers and names.
func checkColumns(t *testing.T, where, kind, format string, columns []struct{ Name, Type string }) {
	t.Helper()
	times, numbers, names := 0, 0, 0
	for _, column := range columns {
		switch typ := strings.TrimPrefix(column.Type, "Nullable("); {
		case strings.HasPrefix(typ, "DateTime"):
			times++
		case strings.HasPrefix(typ, "UInt"), strings.HasPrefix(typ, "Int"), strings.HasPrefix(typ, "Float"), typ == "Bool":
			numbers++
		default:
			names++
		}
	}
	switch {
	case (kind == "timeseries") != (format == "timeseries"):
		t.Errorf("%s: a panel %s of format %s", where, kind, format)
	case kind == "timeseries" && (times != 1 || numbers == 0 || names > 1 || names == 1 && numbers > 1):
		t.Errorf("%s draws no lines of %v", where, columns)
	case kind == "stat" && (times > 0 || numbers == 0):
		t.Errorf("%s is no value: %v", where, columns)
	}
}

func filled(t *testing.T, query string) string {
	t.Helper()
	for _, m := range macros {
		query = m.macro.ReplaceAllString(query, m.sql)
	}
	if strings.Contains(query, "$") {
		t.Errorf("this test does not know all that Grafana fills in: %s", query)
	}
	return query
}
