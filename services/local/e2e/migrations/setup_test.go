package migrations

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

func TestASecondSetupChangesNothing(t *testing.T) {
	h := newHouse(t)
	if got := h.setup(schemas.Migrations()); got != first {
		t.Errorf("the first changed %q", got)
	}
	before := h.ask("SELECT name, uuid FROM system.tables WHERE database = '$'")
	if got := h.setup(schemas.Migrations()); got != "" {
		t.Errorf("the second changed %q", got)
	}
	if after := h.ask("SELECT name, uuid FROM system.tables WHERE database = '$'"); after != before {
		t.Errorf("tables are\n%s\nwere\n%s", after, before)
	}
}

// People start two replicas of a job, and both migrate.
func TestSetupsAtOnceLeaveWhatOneLeaves(t *testing.T) {
	alone := newHouse(t)
	alone.setup(schemas.Migrations())
	want := strings.ReplaceAll(alone.tables(), alone.cfg.Database, "db")
	for round := range 3 {
		h := newHouse(t)
		changed := ours(t, fstest.MapFS{"views/10_events_live.sql": file("CREATE OR REPLACE VIEW events_live{{on_cluster}} AS SELECT *, 1 AS n FROM events COMMENT '{{mark}}'")})
		for _, files := range []fstest.MapFS{ours(t, nil), changed, ours(t, nil)} {
			var group errgroup.Group
			for range 6 {
				group.Go(func() error {
					_, err := clickhouse.Migrate(deadline(t), h.cfg, clickhouse.Tables{}, files)
					return err
				})
			}
			if err := group.Wait(); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if got := h.setup(files); got != "" {
				t.Errorf("round %d: the next setup changed %q", round, got)
			}
		}
		if got := strings.ReplaceAll(h.tables(), h.cfg.Database, "db"); got != want {
			t.Errorf("round %d left\n%s\nwant\n%s", round, got, want)
		}
		if got := h.ask("SELECT count(DISTINCT number), uniqExact(checksum) FROM $.waymark_migrations"); got != migrationCount()+" "+migrationCount() {
			t.Errorf("round %d recorded %s", round, got)
		}
	}
}

// Wherever a setup is cut off, what is there can be set up again, and is then what it should be.
func TestASetupThatWasCutOffIsCompletedByTheNext(t *testing.T) {
	alone := newHouse(t)
	alone.setup(schemas.Migrations())
	want := strings.ReplaceAll(alone.tables(), alone.cfg.Database, "db")
	states := make(map[string]bool)
	for after := int64(400); ; after += max(500, after/12) {
		h := newHouse(t)
		proxy, err := faultproxy.Listen(h.cfg.Addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		through := h.cfg
		through.Addresses = []string{proxy.Addr()}
		// Each of its connections breaks after so many bytes, the repeated ones too.
		proxy.CutAfter(after)
		_, failed := clickhouse.Migrate(deadline(t), through, clickhouse.Tables{}, schemas.Migrations())
		states[h.ask("SELECT groupArray(name) FROM (SELECT name FROM system.tables WHERE database = '$' ORDER BY name)")] = true
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
		h.setup(schemas.Migrations())
		if got := strings.ReplaceAll(h.tables(), h.cfg.Database, "db"); got != want {
			t.Errorf("cut off after %d bytes and completed, it left\n%s\nwant\n%s", after, got, want)
		}
		if got := h.ask("SELECT count(DISTINCT number) FROM $.waymark_migrations"); got != migrationCount() {
			t.Errorf("cut off after %d bytes and completed, %s migrations are recorded", after, got)
		}
		if failed == nil {
			break
		}
	}
	if len(states) < 4 {
		t.Errorf("it was cut off in these states only: %v", states)
	}
}

func TestSetupStopsWithItsContext(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := clickhouse.Migrate(ctx, h.cfg, clickhouse.Tables{}, schemas.Migrations()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestATableThatSomebodyDroppedComesBack(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.exec("DROP TABLE $.events SYNC")
	h.exec("DROP VIEW $.events_live SYNC")
	if got := h.setup(schemas.Migrations()); got != "view events_live made" {
		t.Errorf("changed %q", got)
	}
	if got := h.ask("SELECT count() FROM $.events_live"); got != "0" {
		t.Errorf("%s rows", got)
	}
}

func TestADatabaseOfALaterVersionIsRefused(t *testing.T) {
	h := newHouse(t)
	later := ours(t, fstest.MapFS{
		"9003_more.sql":            file("ALTER TABLE events{{on_cluster}} ADD COLUMN IF NOT EXISTS more UInt8 COMMENT 'More'"),
		"views/10_events_live.sql": file("CREATE OR REPLACE VIEW events_live{{on_cluster}} AS SELECT * FROM events COMMENT 'Later {{mark}}'"),
	})
	h.setup(later)
	h.refuses(clickhouse.Tables{}, schemas.Migrations(), "9003_more", "does not know", "00")
	if got := h.setup(later); got != "" {
		t.Errorf("the later version's own setup changed %q", got)
	}
}

func TestAnEditedMigrationIsRefusedBeforeAnythingIsDone(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.exec("DROP TABLE $.events SYNC") // a refused setup does not bring it back
	edited := ours(t, nil)
	edited["0002_dead_events.sql"] = file(string(edited["0002_dead_events.sql"].Data) + "\n-- edited")
	h.refuses(clickhouse.Tables{}, edited, "0002_dead_events", "edited")
}

// The engines of tables that are there do not change, so settings that say otherwise must not pass for done.
func TestTablesThatAreMadeInAnotherWayAreRefused(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.refuses(clickhouse.Tables{Replication: "tables"}, schemas.Migrations(), "tables.replication is tables", "is a ReplacingMergeTree")
	h.refuses(clickhouse.Tables{Replication: "database"}, schemas.Migrations(), "it is Atomic", "tables.replication is database")
	h.exec("RENAME TABLE $.events TO $.events_here")
	h.exec("CREATE TABLE $.events (n UInt8) ENGINE = Memory")
	h.refuses(clickhouse.Tables{}, schemas.Migrations(), "table events is a Memory")
	if _, err := clickhouse.Migrate(deadline(t), h.cfg, clickhouse.Tables{Cluster: "c"}, schemas.Migrations()); err == nil || !strings.Contains(err.Error(), "tables: replication") {
		t.Errorf("got %v", err)
	}
}

// cluster is XML of clusters of one and of two shards, and of macros, one of which names the second.
func cluster() string {
	const replica = "<replica><host>127.0.0.1</host><port>1</port></replica>"
	return "<remote_servers><one><shard>" + replica + replica + "</shard></one><two><shard>" + replica + "</shard><shard>" + replica + "</shard></two></remote_servers>" +
		"<macros><cluster>two</cluster><shard>1</shard><replica>r1</replica></macros>"
}

// Exactly once needs that all inserts of a partition go to the same rows and tokens, which shards do not share.
func TestAClusterOfSeveralShardsIsRefused(t *testing.T) {
	engine := chdbtest.Run(t, chdbtest.Options{Server: cluster()})
	engine.Database = "waymark"
	h := newHouseIn(t, engine.Server)
	for _, name := range []string{"two", "{cluster}"} {
		h.refuses(clickhouse.Tables{Replication: "tables", Cluster: name}, schemas.Migrations(), "cluster two has 2 shards", "Distributed")
	}
	h.refuses(clickhouse.Tables{Replication: "database", Cluster: "three"}, schemas.Migrations(), "knows no cluster three")
	h.cfg.Database = "two" // a Replicated database is a cluster of its name
	h.refuses(clickhouse.Tables{Replication: "database"}, schemas.Migrations(), "cluster two has 2 shards")
	// One shard gets as far as the embedded engine goes: it has no Keeper.
	for i, c := range []struct {
		of   clickhouse.Tables
		code string
	}{
		{clickhouse.Tables{Replication: "tables", Cluster: "one"}, "392"}, // Replicated DDL queries are disabled
		{clickhouse.Tables{Replication: "tables"}, "225"},                 // Can't create replicated table without ZooKeeper
		{clickhouse.Tables{Replication: "database"}, "225"},               // Can't create replicated database without ZooKeeper
	} {
		h.cfg.Database = fmt.Sprintf("waymark_%d", i)
		if _, err := clickhouse.Migrate(deadline(t), h.cfg, c.of, schemas.Migrations()); clickhouse.Code(err) != c.code {
			t.Errorf("%+v: got %v, want code %s", c.of, err, c.code)
		}
	}
}

// users is a users file with the tests' own user, who may do everything, and one who may do what is granted.
func users(grants ...string) string {
	const networks = "<networks><ip>127.0.0.1</ip></networks>"
	var queries strings.Builder
	for _, grant := range grants {
		fmt.Fprintf(&queries, "<query>GRANT %s</query>", grant)
	}
	return "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users>" +
		"<default><password></password>" + networks + "<profile>default</profile><quota>default</quota></default>" +
		"<setup><password>x</password>" + networks + "<profile>default</profile><quota>default</quota><grants>" + queries.String() + "</grants></setup></users></clickhouse>"
}

// needed are the rights that docs/configuration.md names, for a database that is there.
var needed = []string{"SELECT, INSERT, CREATE TABLE, CREATE VIEW, DROP VIEW, DROP TABLE ON waymark.*", "ALTER ADD COLUMN, ALTER MATERIALIZE COLUMN ON waymark.*", "ALTER SETTINGS ON waymark.events", "TABLE ENGINE ON ReplacingMergeTree", "TABLE ENGINE ON AggregatingMergeTree"}

// Each error names one right that is missing. Granted what it asks for, one after the other, setup comes to its end.
func TestARightThatIsMissingIsNamed(t *testing.T) {
	engine := chdbtest.Run(t, chdbtest.Options{Users: users("SELECT ON nothing.*")})
	engine.Database = "waymark"
	h := newHouseIn(t, engine.Server)
	h.cfg.User, h.cfg.Password = "setup", "x"
	files := ours(t, nil)
	maps.DeleteFunc(files, func(name string, _ *fstest.MapFile) bool {
		return strings.HasPrefix(name, "views/") && name > "views/11"
	}) // a round for each right
	var granted []string
	for range 40 {
		_, err := clickhouse.Migrate(deadline(t), h.cfg, clickhouse.Tables{}, files)
		if err == nil {
			break
		}
		begin, rest, _ := strings.Cut(err.Error(), "; GRANT ")
		asked, _, found := strings.Cut(rest, " TO setup: ")
		if begin != "user setup lacks a right" || !found || clickhouse.Classify(err) != clickhouse.Operator {
			t.Fatalf("with %q: %v", granted, err)
		}
		granted = append(granted, asked)
		engine.Configure(users(granted...), "")
	}
	for _, right := range []string{"CREATE DATABASE ON waymark.*", "CREATE TABLE ON waymark.events", "TABLE ENGINE ON ReplacingMergeTree", "SELECT, DROP TABLE ON waymark.*"} {
		if !slices.Contains(granted, right) {
			t.Errorf("it never asked for %s, but for %q", right, granted)
		}
	}
	h.cfg.User, h.cfg.Password = "default", ""
	if got := h.setup(files); got != "" {
		t.Errorf("it was not done: %q", got)
	}
}

func TestTheDocumentedRightsAreEnough(t *testing.T) {
	engine := chdbtest.Run(t, chdbtest.Options{Users: users(needed...)})
	engine.Database = "waymark"
	h := newHouseIn(t, engine.Server)
	h.exec("CREATE DATABASE $")
	h.cfg.User, h.cfg.Password = "setup", "x"
	dropped := ours(t, fstest.MapFS{"views/90_one.sql": view("one", "SELECT 1 AS n")})
	if got := h.setup(dropped); got != first+"\nview one made" {
		t.Errorf("changed %q", got)
	}
	replaced := ours(t, fstest.MapFS{"views/10_events_live.sql": view("events_live", "SELECT *, 1 AS n FROM events")})
	if got := h.setup(replaced); got != allReplaced+"\nview one dropped" {
		t.Errorf("changed %q", got)
	}
	text, err := os.ReadFile("../../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range needed {
		rights, _, _ := strings.Cut(right, " ON waymark")
		if !strings.Contains(string(text), rights) {
			t.Errorf("docs/configuration.md does not say %s", rights)
		}
	}
}
