package clickhouse

import (
	"strings"
	"testing"
	"testing/fstest"
)

func readerSchema(t *testing.T) Schema {
	t.Helper()
	s, err := ReadSchema(fstest.MapFS{
		"0001_events.sql": {Data: []byte("CREATE TABLE IF NOT EXISTS events{{on_cluster}}\n(\n    account_id String\n) ENGINE = {{engine \"MergeTree\"}} ORDER BY account_id")},
		"0002_other.sql":  {Data: []byte("CREATE TABLE IF NOT EXISTS other{{on_cluster}}\n(\n    x String -- no account_id\n) ENGINE = {{engine \"MergeTree\"}} ORDER BY x")},
		"0003_feed.sql":   {Data: []byte("CREATE MATERIALIZED VIEW IF NOT EXISTS feed{{on_cluster}} TO events AS\nSELECT\n    account_id FROM other")},
		"views/10_v.sql":  {Data: []byte("CREATE OR REPLACE VIEW v{{on_cluster}} AS SELECT 1 COMMENT '{{mark}}'")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A table without accounts cannot be cut to one, and a materialized view shows the rows of a table without its policies.
func TestReadersAreGrantedTablesOfAccountsAndViewsAlone(t *testing.T) {
	statements, err := readerSchema(t).ReaderStatements(Reader{User: "ann", Account: "shop", Databases: []string{"eu", "us"}, Cluster: "all"})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(statements, "\n")
	if want := "SELECT ON eu.events, SELECT ON eu.v, SELECT ON us.events, SELECT ON us.v TO `ann` WITH REPLACE OPTION"; !strings.HasSuffix(text, want) {
		t.Errorf("rights are not %s:\n%s", want, text)
	}
	if got := strings.Count(text, "CREATE ROW POLICY"); got != 2 || strings.Index(text, "CREATE ROW POLICY") > strings.Index(text, "GRANT") {
		t.Errorf("%d policies, want one for each table and both before the rights:\n%s", got, text)
	}
	if strings.Contains(text, "IDENTIFIED") || strings.Contains(text, "CREATE USER") {
		t.Errorf("without a password the user's own must stay:\n%s", text)
	}
	for _, statement := range statements[1:] {
		if !strings.Contains(statement, "ON CLUSTER 'all'") {
			t.Errorf("not on the cluster: %s", statement)
		}
	}
}

func TestReadersNamesCannotEndTheirQuotes(t *testing.T) {
	good := Reader{User: "ann", PasswordSHA256: strings.Repeat("a", 64), Account: "shop", Databases: []string{"us"}}
	for name, change := range map[string]func(*Reader){
		"user":      func(r *Reader) { r.User = "a` TO b" },
		"no user":   func(r *Reader) { r.User = "" },
		"tag":       func(r *Reader) { r.User = "a><b" },
		"account":   func(r *Reader) { r.Account = "x' OR '1'='1" },
		"neither":   func(r *Reader) { r.Account = "" }, // which is not all
		"both":      func(r *Reader) { r.Operator = true },
		"password":  func(r *Reader) { r.PasswordSHA256 = "' HOST ANY --" },
		"database":  func(r *Reader) { r.Databases = []string{"us.events TO b; --"} },
		"no region": func(r *Reader) { r.Databases = nil },
		"cluster":   func(r *Reader) { r.Cluster = "a' x" },
	} {
		bad := good
		change(&bad)
		if statements, err := readerSchema(t).ReaderStatements(bad); err == nil {
			t.Errorf("%s: %q", name, statements)
		}
		if file, err := readerSchema(t).ReaderFile(good, bad); err == nil {
			t.Errorf("%s: %s", name, file)
		}
	}
	if _, err := readerSchema(t).ReaderFile(Reader{User: "ann", Operator: true, Databases: []string{"us"}}); err == nil {
		t.Error("a users file without a password")
	}
}
