package migrations

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// placements are the ways in which tables can be made, by golden file.
var placements = map[string]clickhouse.Tables{
	"one_server":          {},
	"tables":              {Replication: "tables"},
	"tables_on_cluster":   {Replication: "tables", Cluster: "{cluster}", Path: "/waymark/{uuid}/{shard}"},
	"database":            {Replication: "database", Replica: "r1"},
	"database_on_cluster": {Replication: "database", Cluster: "events-1"},
}

func statements(t *testing.T, of clickhouse.Tables) []string {
	t.Helper()
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	out, err := schema.Statements("waymark", of)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	// notes, columns and what a view selects are the same in all of them, and are left out of the golden files.
	notes   = regexp.MustCompile(`(?m)^--.*\n`)
	columns = regexp.MustCompile(`(?ms)^\(\n.*?^\)$`)
	selects = regexp.MustCompile(`(?s)^(CREATE [A-Z ]*VIEW [^\n]*\n).*?(\nCOMMENT '[^\n]*)?$`)
	made    = regexp.MustCompile(`[0-9a-f]{16}\]`)
)

func TestTheSameSourceServesOneServerReplicasAndAReplicatedDatabase(t *testing.T) {
	for name, of := range placements {
		t.Run(name, func(t *testing.T) {
			var short []string
			for _, statement := range statements(t, of) {
				statement = columns.ReplaceAllString(notes.ReplaceAllString(statement, ""), "(…)")
				short = append(short, made.ReplaceAllString(selects.ReplaceAllString(statement, "$1…$2"), "…]"))
			}
			got := strings.Join(short, ";\n\n") + ";\n"
			golden := filepath.Join("testdata", name+".sql")
			if *rewrite {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("it is not as %s (go test -rewrite writes it anew):\n%s", golden, diff)
			}
		})
	}
}

// The embedded engine runs neither replicated tables nor ON CLUSTER, but it has the parser.
func TestClickHouseParsesEveryStatement(t *testing.T) {
	h := newHouse(t)
	for name, of := range placements {
		for _, statement := range statements(t, of) {
			formatted := h.ask("SELECT formatQuery(@statement)", clickhouse.Named("statement", statement))
			replicated := strings.Contains(formatted, "Replicated")
			creates := strings.HasPrefix(formatted, "CREATE TABLE") || strings.HasPrefix(formatted, "CREATE DATABASE") && strings.HasPrefix(name, "database")
			if want := creates && name != "one_server"; replicated != want {
				t.Errorf("%s: ClickHouse reads\n%.300s", name, formatted)
			}
			// A Replicated database refuses ON CLUSTER for what is in it.
			cluster := strings.HasSuffix(name, "on_cluster") && (strings.HasPrefix(name, "tables") || strings.HasPrefix(formatted, "CREATE DATABASE"))
			if is := strings.Contains(formatted, "ON CLUSTER"); is != cluster {
				t.Errorf("%s: ON CLUSTER %v in\n%.300s", name, is, formatted)
			}
		}
	}
}
