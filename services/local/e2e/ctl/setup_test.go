package ctl

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

func TestSetupCreatesTopicsAndTablesAndCanBeRepeated(t *testing.T) {
	client, _ := us(t)
	first := ok(t, "setup", "--replication-factor", "1", "--partitions", "4")
	for topic, partitions := range map[string]int{schemas.RawTopic("us"): 4, schemas.EnrichedTopic("us"): 4, schemas.DeadTopic("us"): 3} {
		kafkatest.Wait(t, func() bool {
			have, err := client.Partitions(deadline(t), topic)
			return err == nil && have == partitions
		}, "%d partitions of %s", partitions, topic)
		if !strings.Contains(first, topic+": created") {
			t.Errorf("setup does not say that it created %s:\n%s", topic, first)
		}
	}
	for _, change := range []string{"migration 0001_events applied", "migration 0002_dead_events applied", "view events_live made"} {
		if !strings.Contains(first, "region us: "+change+"\n") {
			t.Errorf("setup does not say %q:\n%s", change, first)
		}
	}
	tables := ok(t, "sql", "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name")
	if tables != "name\ndead_events\nend_user_activity\nevents\nitem_activity\nvisitor_activity\nwaymark_migrations\n" {
		t.Errorf("tables: %s", tables)
	}

	again := ok(t, "setup", "--replication-factor", "1", "--partitions", "4")
	for _, topic := range topics {
		if !strings.Contains(again, topic+": unchanged") {
			t.Errorf("the second setup changed %s:\n%s", topic, again)
		}
	}
	if !strings.Contains(again, "region us: tables are up to date\n") || strings.Contains(again, "applied") {
		t.Errorf("the second setup:\n%s", again)
	}
}

func TestSetupMakesEveryRegionReady(t *testing.T) {
	address, server := kafkatest.Start(t), chdbtest.Start(t)
	region(t, "us", address, server.NativeAddr, server.Database)
	other := chdbtest.Start(t)
	region(t, "eu", address, other.NativeAddr, other.Database)
	ok(t, "setup", "--replication-factor", "1", "--partitions", "1")
	for _, name := range []string{"us", "eu"} {
		if got := ok(t, "sql", "--region", name, "SELECT count() FROM events"); got != "count()\n0\n" {
			t.Errorf("region %s: %q", name, got)
		}
		if got := ok(t, "lag", "--region", name); !strings.Contains(got, schemas.RawTopic(name)) {
			t.Errorf("region %s: %q", name, got)
		}
	}
}

func TestSetupLeavesPartitionsThatAreMoreThanAsked(t *testing.T) {
	us(t)
	ok(t, "setup", "--replication-factor", "1", "--partitions", "2")
	got := ok(t, "setup", "--replication-factor", "1", "--partitions", "1")
	for _, topic := range topics {
		if !strings.Contains(got, topic+": unchanged") {
			t.Errorf("%s is not as it was:\n%s", topic, got)
		}
	}
}

// The enricher refuses to start where the two differ, and partitions can only be added: the smaller one grows.
func TestApplyMakesRawAndEnrichedEqual(t *testing.T) {
	client, _ := us(t)
	for topic, partitions := range map[string]int{schemas.RawTopic("us"): 6, schemas.EnrichedTopic("us"): 4} {
		kafkatest.Topic(t, client, topic, partitions, map[string]string{"cleanup.policy": "compact", "retention.bytes": "1000000"})
	}
	got := ok(t, "topics", "apply", "--replication-factor", "1", "--partitions", "4")
	for _, says := range []string{schemas.EnrichedTopic("us") + ": partitions added 4 to 6", schemas.RawTopic("us") + ": config changed cleanup.policy=delete", schemas.DeadTopic("us") + ": created",
		"doubtful: " + schemas.RawTopic("us") + ": retention.bytes=1000000"} {
		if !strings.Contains(got, says) {
			t.Errorf("it does not say %q:\n%s", says, got)
		}
	}
}

func TestApplyDoesForTheOthersWhatItCannotDoForOneTopic(t *testing.T) {
	client, _ := us(t)
	kafkatest.Topic(t, client, schemas.DeadTopic("us"), 5, nil)
	code, stdout, stderr := run(t, "topics", "apply", "--replication-factor", "99", "--partitions", "2")
	if code != 1 || !strings.Contains(stderr, schemas.RawTopic("us")) || !strings.Contains(stderr, schemas.EnrichedTopic("us")) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d, %q", code, stderr)
	}
	for _, says := range []string{schemas.DeadTopic("us") + ": partitions left at 5", schemas.DeadTopic("us") + ": config changed"} {
		if !strings.Contains(stdout, says) {
			t.Errorf("it does not say %q:\n%s", says, stdout)
		}
	}
}

func TestLagOfTheTopicsThatAreThere(t *testing.T) {
	client, _ := us(t)
	kafkatest.Topic(t, client, schemas.RawTopic("us"), 1, nil)
	code, stdout, stderr := run(t, "lag")
	if code != 1 || !strings.Contains(stdout, schemas.RawTopic("us")) || !strings.Contains(stderr, schemas.EnrichedTopic("us")) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d, %q, %q", code, stdout, stderr)
	}
}

func TestSetupWaitsForKafka(t *testing.T) {
	starting, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, server := starting.Addr().String(), chdbtest.Start(t)
	region(t, "us", address, server.NativeAddr, server.Database)
	type outcome struct {
		code   int
		stderr string
	}
	done := make(chan outcome, 1)
	go func() {
		code, _, stderr := run(t, "setup", "--replication-factor", "1", "--partitions", "1")
		done <- outcome{code, stderr}
	}()
	if err := starting.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// Its first two attempts meet a door that closes, the next ones none, then a broker.
	for range 2 {
		conn, err := starting.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	starting.Close()
	b, err := broker.Start(broker.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if got := <-done; got.code != 0 {
		t.Errorf("status %d, %s", got.code, got.stderr)
	}
}

func TestSetupGivesUpWithTheReason(t *testing.T) {
	address, server, nobody := kafkatest.Start(t), chdbtest.Start(t), closed(t)
	region(t, "us", nobody, server.NativeAddr, server.Database)
	fails(t, []string{"region us", "no broker of " + nobody + " answers", "refused"}, "setup", "--wait", "300ms")
	region(t, "us", address, nobody, server.Database)
	fails(t, []string{"region us", "clickhouse", nobody, "refused"}, "setup", "--replication-factor", "1", "--wait", "300ms")
}

func TestSetupDoesNotWaitForAWrongPassword(t *testing.T) {
	us(t)
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_PASSWORD", "wrong")
	started := time.Now()
	fails(t, []string{"region us", "clickhouse", "assword"}, "setup", "--replication-factor", "1", "--partitions", "1", "--wait", "50s")
	if took := time.Since(started); took > 25*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestAServerThatNeverAnswersIsNotWaitedForLongerThanAsked(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	region(t, "us", silent.Addr().String(), silent.Addr().String(), "waymark")
	started := time.Now()
	fails(t, []string{"region us", "no broker of " + silent.Addr().String() + " answers"}, "setup", "--wait", "500ms")
	if took := time.Since(started); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestMigrate(t *testing.T) {
	address, server := closed(t), chdbtest.Start(t)
	region(t, "us", address, server.NativeAddr, server.Database)
	first := ok(t, "migrate")
	if want := "region us: migration 0001_events applied\nregion us: migration 0002_dead_events applied\n"; !strings.HasPrefix(first, want) {
		t.Errorf("printed %q, want %q first", first, want)
	}
	if applied, made := strings.LastIndex(first, " applied\n"), strings.Index(first, "view events_live made\n"); made < applied {
		t.Errorf("views come after what they may read, not before: %q", first)
	}
	if again := ok(t, "migrate", "--region", "us"); again != "region us: tables are up to date\n" {
		t.Errorf("printed %q the second time", again)
	}
	if err := server.Open(t).Exec(deadline(t), "ALTER TABLE waymark_migrations UPDATE checksum = 'other' WHERE number = 1 SETTINGS mutations_sync = 1"); err != nil {
		t.Fatal(err)
	}
	fails(t, []string{"region us", "0001_events", "edited"}, "migrate")
}

// Settings of tables come from a region's own, and what they would silently not change is said.
func TestMigrateRefusesToReplicateTablesThatAreThere(t *testing.T) {
	address, server := closed(t), chdbtest.Start(t)
	region(t, "us", address, server.NativeAddr, server.Database)
	ok(t, "migrate")
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_TABLES_REPLICATION", "tables")
	fails(t, []string{"region us", "table dead_events is a ReplacingMergeTree", "tables.replication is tables"}, "migrate")
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_TABLES_PATH", "/clickhouse/{table}")
	if code, _, stderr := run(t, "migrate"); code != 2 || !strings.Contains(stderr, "regions.us.clickhouse: tables.path: want {database}") {
		t.Errorf("status %d, %s", code, stderr)
	}
}

func TestSetupCreatesTheDatabase(t *testing.T) {
	address, server := kafkatest.Start(t), chdbtest.Start(t)
	name := server.Database + "_new"
	region(t, "us", address, server.NativeAddr, name)
	t.Cleanup(func() {
		if err := server.Connect(t).Exec(deadline(t), "DROP DATABASE "+name+" SYNC"); err != nil {
			t.Error(err)
		}
	})
	ok(t, "setup", "--replication-factor", "1", "--partitions", "1")
	if got := ok(t, "sql", "SELECT currentDatabase() AS db"); got != fmt.Sprintf("db\n%s\n", name) {
		t.Errorf("printed %q", got)
	}
}
