package clickhouse

import (
	"errors"
	"strings"
	"testing"
)

func TestTablesNameTheSettingThatIsWrong(t *testing.T) {
	for _, good := range []Tables{
		{}, {Replication: "none"}, {Replication: "tables"}, {Replication: "database"}, {Replication: "tables", Replica: "r1"}, {Replication: "tables", Cluster: "{cluster}"},
		{Replication: "tables", Cluster: "events-1.eu", Path: "/ch/{uuid}", Replica: "{shard}-{replica}"}, {Replication: "database", Path: "/ch/{database}"},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, c := range []struct {
		bad  Tables
		says string
	}{
		{Tables{Replication: "yes"}, "replication: want none, tables or database"},
		{Tables{Cluster: "c"}, "replication: want tables or database where cluster"},
		{Tables{Replication: "none", Path: "/a/{database}/{table}"}, "replication: want tables or database"},
		{Tables{Replication: "tables", Cluster: "c' --"}, "cluster: "},
		{Tables{Replication: "tables", Cluster: "{a}{b}"}, "cluster: "},
		{Tables{Replication: "tables", Path: "ch/{database}/{table}"}, "path: want /name"},
		{Tables{Replication: "tables", Path: "/ch/{database}/{table}'"}, "path: want /name"},
		{Tables{Replication: "tables", Path: `/ch/{database}/{table}\`}, "path: want /name"},
		{Tables{Replication: "tables", Path: "/ch/{database}/{table}\n"}, "path: want /name"},
		{Tables{Replication: "tables", Path: "/ch/{database}/{table"}, "path: want /name"},
		{Tables{Replication: "tables", Path: "/{database}/{table}/" + strings.Repeat("x", 200)}, "path: want /name"},
		{Tables{Replication: "tables", Replica: "r 1"}, "replica: "},
		{Tables{Replication: "tables", Replica: "{}"}, "replica: "},
		// Two regions, or the tables of one, that share a Keeper must not meet.
		{Tables{Replication: "tables", Path: "/clickhouse/{table}"}, "path: want {database}"},
		{Tables{Replication: "tables", Path: "/clickhouse/{database}"}, "path: want {table}"},
		{Tables{Replication: "database", Path: "/clickhouse/databases/waymark"}, "path: want {database}"},
		// The replicas of one table must.
		{Tables{Replication: "tables", Path: "/clickhouse/{uuid}"}, "path: want {uuid} with a cluster only"},
		{Tables{Replication: "tables", Path: "/clickhouse/{database}/{table}/{replica}"}, "path: want no replica's name"},
		{Tables{Replication: "tables", Path: "/clickhouse/{database}/{table}/{host}", Replica: "{host}"}, "path: want no replica's name"},
		{Tables{Replication: "tables", Cluster: "c", Replica: "r1"}, "replica: want a macro"},
	} {
		if err := c.bad.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%+v: got %v, want %s…", c.bad, err, c.says)
		}
		if _, err := (Schema{}).Statements("waymark", c.bad); err == nil {
			t.Errorf("%+v comes into statements", c.bad)
		}
	}
	if _, err := (Schema{}).Statements("a; DROP", Tables{}); err == nil {
		t.Error("a database that is no name comes into statements")
	}
}

// CREATE TABLE IF NOT EXISTS leaves a table as it is, whatever the settings say by now: somebody must be told.
func TestATableThatWasMadeInAnotherWay(t *testing.T) {
	const uuid = "11111111-2222-3333-4444-555555555555"
	at := func(path, replica string) existing {
		return existing{"waymark", "events", "ReplicatedReplacingMergeTree", "ReplicatedReplacingMergeTree('" + path + "', '" + replica + "', epoch) PARTITION BY toYYYYMM(time)", uuid}
	}
	plain := existing{"waymark", "events", "ReplacingMergeTree", "ReplacingMergeTree(epoch)", uuid}
	tables := Tables{Replication: ReplicationTables}
	for name, c := range map[string]struct {
		tables      Tables
		have        existing
		note, error string
	}{
		"one server": {Tables{}, plain, "", ""},
		"replicated, the server filled in the names":    {tables, at("/clickhouse/tables/{shard}/waymark/events", "{replica}"), "", ""},
		"replicated, it filled in nothing":              {tables, at("/clickhouse/tables/{shard}/{database}/{table}", "{replica}"), "", ""},
		"its UUID":                                      {Tables{Replication: "tables", Cluster: "c", Path: "/t/{uuid}"}, at("/t/"+uuid, "{replica}"), "", ""},
		"another path":                                  {tables, at("/old/waymark/events", "{replica}"), "replicated at /old/waymark/events and not at /clickhouse/tables/{shard}/waymark/events", ""},
		"another replica":                               {tables, at("/clickhouse/tables/{shard}/waymark/events", "r1"), "table events is replica r1 and not {replica}", ""},
		"not replicated":                                {tables, plain, "", "table events is a ReplacingMergeTree, and tables.replication is tables"},
		"not replicated, in a replicated database":      {Tables{Replication: "database"}, plain, "", "tables.replication is database"},
		"replicated, and nobody says so":                {Tables{}, at("/x", "r"), "", "tables.replication is none"},
		"a database's own path is none of ours":         {Tables{Replication: "database"}, at("/clickhouse/tables/{uuid}/{shard}", "{replica}"), "", ""},
		"a table that hands on":                         {Tables{}, existing{"waymark", "events", "Distributed", "Distributed(…)", uuid}, "", "replicas of one shard"},
		"a view in the place of a table":                {Tables{}, existing{"waymark", "events", "View", "", uuid}, "", "not of the MergeTree family"},
		"a table of ClickHouse's cloud, as it is there": {Tables{}, existing{"waymark", "events", "SharedReplacingMergeTree", "", uuid}, "", ""},
	} {
		note, err := c.tables.WithDefaults().differs(c.have)
		if c.note == "" && note != "" || !strings.Contains(note, c.note) {
			t.Errorf("%s: note %q, want %q", name, note, c.note)
		}
		var refused *SchemaError
		if c.error == "" && err != nil || c.error != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.error)) {
			t.Errorf("%s: error %v, want %q", name, err, c.error)
		}
	}
	for engine, refused := range map[string][2]bool{"": {}, "Atomic": {false, true}, "Replicated": {true, false}} {
		for i, of := range []Tables{tables, {Replication: ReplicationDatabase}} {
			if err := of.differsFromDatabase("waymark", engine); (err != nil) != refused[i] {
				t.Errorf("tables.replication %s in a database that is %q: %v", of.Replication, engine, err)
			}
		}
	}
}

func TestTheWindowIsThatOfTheTablesEngine(t *testing.T) {
	for _, c := range []struct {
		engine, settings string
		want             int
	}{
		{"ReplacingMergeTree", "non_replicated_deduplication_window = 10000", 10_000},
		{"ReplacingMergeTree", "replicated_deduplication_window = 10000", 0},
		{"ReplicatedReplacingMergeTree", "replicated_deduplication_window = 500, replicated_deduplication_window_seconds = 604800", 500},
		{"ReplicatedReplacingMergeTree", "non_replicated_deduplication_window = 7", 10_000},
		{"ReplicatedReplacingMergeTree", "replicated_deduplication_window = 0", 0},
	} {
		got, replicated, err := windowOf(c.engine, c.engine+"(epoch) SETTINGS "+c.settings)
		if err != nil || got != c.want || replicated != strings.HasPrefix(c.engine, "Replicated") {
			t.Errorf("%s with %s: %d blocks, replicated %v, %v", c.engine, c.settings, got, replicated, err)
		}
	}
}
