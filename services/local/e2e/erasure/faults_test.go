package erasure

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/kafka/topicaudit"
	"github.com/waymark-events/waymark/schemas"
)

// Anonymised events count as ever, and nothing of them says whose they were, in the rows that were there and in those that come again.
func TestAnonymisedEventsCountAndNameNobody(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(
		visit{visitor: "v-zqxj", user: "ann-zqxj", company: "c-zqxj", n: 3}, visit{visitor: "v-zqxj", n: 2},
		visit{visitor: "v-zqxj", user: "ann-zqxj", n: 1, broken: true}, visit{visitor: "w", user: "bob", company: "c", n: 4},
	)
	p.holds(9, "1")
	p.eventually("a dead letter", func() bool { return p.count("SELECT count() FROM dead_events") == 1 })
	const items = "SELECT uniqExact(item_type, item_id) * 1000 + countIf(event = 'play') FROM events"
	before := p.count(items)
	if receipt := p.erase("--user", "ann-zqxj", "--anonymise"); !strings.Contains(receipt, "5 rows of events and 1 of dead_events anonymised") {
		t.Error(receipt)
	}
	nobody := func(when string) {
		t.Helper()
		p.holds(9, "1")
		if after := p.count(items); after != before {
			t.Errorf("%s: items and plays were %d and are %d", when, before, after)
		}
		if n := p.count("SELECT count() FROM events WHERE position(formatRow('JSONEachRow', *), 'zqxj') > 0"); n != 0 {
			t.Errorf("%s: %d rows name somebody", when, n)
		}
		if n := p.count("SELECT uniqExact(visitor_id) FROM events"); n != 6 {
			t.Errorf("%s: %d visitors, want one an anonymised event beside the other one", when, n)
		}
		if n := p.count("SELECT count() FROM events WHERE user_id = 'bob' AND company_id = 'c' AND props.who::String = 'bob' AND url != ''"); n != 4 {
			t.Errorf("%s: %d rows of somebody else are whole", when, n)
		}
		if n := p.count("SELECT count() FROM dead_events"); n != 0 {
			t.Errorf("%s: %d dead letters", when, n)
		}
	}
	nobody("in the table")
	stored := p.row("SELECT * EXCEPT (enriched_at, inserted_at, time, client_time, received_at, event_id, visitor_id, raw_offset, raw_partition, item_id) FROM events WHERE visitor_id = toString(event_id) LIMIT 1")
	p.anew()
	nobody("enriched anew")
	anew := p.row("SELECT * EXCEPT (enriched_at, inserted_at, time, client_time, received_at, event_id, visitor_id, raw_offset, raw_partition, item_id) FROM events WHERE visitor_id = toString(event_id) LIMIT 1")
	if stored != anew {
		t.Errorf("an event is anonymised in two ways: in the table\n%s\non its way\n%s", stored, anew)
	}
	for _, rec := range p.records(schemas.EnrichedTopic(region)) {
		if strings.Contains(string(rec.Key)+string(rec.Value), "zqxj") {
			t.Errorf("the enriched topic names somebody: %s", rec.Key)
		}
	}
	if receipt := p.erase("--user", "ann-zqxj", "--anonymise"); !strings.Contains(receipt, "0 rows of events") {
		t.Error(receipt)
	}
	p.audit("Complete")
}

func TestAPersonIsExportedWhole(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	ids := p.send(visit{visitor: "v", user: `a"n`, n: 2}, visit{visitor: "v", n: 1}, visit{visitor: "v", user: `a"n`, n: 1, broken: true})
	p.send(visit{visitor: "w", user: "bob", n: 2}, visit{account: "b", visitor: "v", user: `a"n`, n: 2})
	p.holds(7, "1")
	p.eventually("a dead letter", func() bool { return p.count("SELECT count() FROM dead_events") == 1 })
	for _, by := range [][]string{{"--user", `a"n`}, {"--visitor", "v"}} {
		code, out, errs := p.run(append([]string{"export-person", "--account", "a"}, by...)...)
		if code != 0 {
			t.Fatal(errs)
		}
		var got []string
		tables := map[string]int{}
		for line := range strings.Lines(out) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(row["event_id"]))
			tables[fmt.Sprint(row["table"])]++
			if row["table"] == "events" && (row["props_text"] == nil || row["raw_offset"] == nil || row["inserted_at"] == nil) {
				t.Errorf("columns are missing: %s", line)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(ids))
		if !slices.Equal(got, want) || tables["events"] != 3 || tables["dead_events"] != 1 {
			t.Errorf("%v: %v of %v, want %v", by, got, tables, want)
		}
		for _, word := range []string{"Kafka alone has", schemas.DeadTopic(region), schemas.RawTopic(region)} {
			if !strings.Contains(errs, word) {
				t.Errorf("%q does not say %q", errs, word)
			}
		}
	}
	if n := len(p.records(schemas.ErasuresTopic(region))); n != 0 {
		t.Errorf("an export wrote %d tombstones", n)
	}
}

// A projection refuses lightweight deletes (ClickHouse/ClickHouse#52517), and a view keeps what it took.
func TestProjectionsAreErasedAndViewsAreNamed(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.exec("ALTER TABLE events MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild'")
	p.exec("ALTER TABLE events ADD PROJECTION by_user (SELECT user_id, visitor_id, time ORDER BY user_id)")
	p.exec("CREATE TABLE daily (user_id String, n UInt64) ENGINE = SummingMergeTree ORDER BY user_id")
	p.exec("CREATE MATERIALIZED VIEW to_daily TO daily AS SELECT user_id, count() AS n FROM events GROUP BY user_id")
	p.send(visit{visitor: "v", user: "ann", n: 3}, visit{visitor: "w", user: "bob", n: 2})
	p.holds(5, "1")
	receipt := p.erase("--user", "ann")
	for _, word := range []string{"not erased: materialized view", "to_daily", "daily", "backups"} {
		if !strings.Contains(receipt, word) {
			t.Errorf("%q does not say %q", receipt, word)
		}
	}
	p.holds(2, "1")
	if n := p.count("SELECT count() FROM (SELECT user_id FROM events WHERE user_id = 'ann' SETTINGS force_optimize_projection_name = 'by_user')"); n != 0 {
		t.Errorf("the projection has %d rows", n)
	}
}

// Nothing that the server keeps of what it was asked names the person: its mutations stay in system.mutations for good.
func TestStatementsNameNobody(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v-plain-zqxj", user: "plain-zqxj", n: 3}, visit{visitor: "v-plain-zqxj", user: "plain-zqxj", broken: true, n: 1})
	p.holds(3, "1")
	p.eventually("a dead letter", func() bool { return p.count("SELECT count() FROM dead_events") == 1 })
	code, out, errs := p.run("erase", "--yes", "--account", "a", "--user", "plain-zqxj", "--margin", "0s")
	if code != 0 || strings.Contains(out+errs, "zqxj") {
		t.Errorf("status %d: %s%s", code, out, errs)
	}
	if n := p.count("SELECT count() FROM system.mutations WHERE database = currentDatabase() AND position(command, 'zqxj') > 0"); n != 0 {
		t.Errorf("%d mutations name somebody", n)
	}
	if n := p.count("SELECT count() FROM system.mutations WHERE database = currentDatabase()"); n < 2 {
		t.Errorf("%d mutations: the test shows nothing", n)
	}
	for name, s := range p.services {
		for _, line := range s.logs.All() {
			if strings.Contains(fmt.Sprint(line.Message, line.ContextMap()), "zqxj") {
				t.Errorf("%s: %s %v", name, line.Message, line.ContextMap())
			}
		}
	}
	for _, rec := range p.records(schemas.ErasuresTopic(region)) {
		if strings.Contains(string(rec.Key)+string(rec.Value), "zqxj") {
			t.Errorf("a tombstone names somebody: %s", rec.Value)
		}
	}
}

// Mutations wait while merges are stopped, or a disk is full: the command says so, and the next run ends it.
func TestAMutationThatDoesNotComeIsToldAndMadeUpFor(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v", user: "ann", n: 3}, visit{visitor: "v", n: 1}, visit{visitor: "w", user: "bob", n: 2})
	p.holds(6, "1")
	p.exec("SYSTEM STOP MERGES events")
	code, _, errs := p.run("erase", "--yes", "--account", "a", "--user", "ann", "--margin", "0s", "--wait", "25s")
	if code != 1 || !strings.Contains(errs, "run the same again") || !strings.Contains(errs, "system.mutations") {
		t.Errorf("status %d: %s", code, errs)
	}
	p.audit("though a tombstone erases them")
	p.exec("SYSTEM START MERGES events")
	p.erase("--user", "ann")
	p.holds(2, "1")
	p.audit("Complete")
}

// A command that is killed at any step, and run again, has done the same.
func TestAnErasureThatWasCutOffIsRunAgain(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v", user: "ann", n: 3}, visit{visitor: "v", n: 4}, visit{visitor: "w", user: "bob", n: 2})
	p.holds(9, "1")
	// It is cut off before its lease is over; and in the middle of its deletions, of which the visitor's rows come first.
	if code, _, _ := p.run("erase", "--yes", "--account", "a", "--user", "ann", "--margin", "0s", "--wait", "1s"); code != 1 {
		t.Fatalf("status %d", code)
	}
	if n := len(p.records(schemas.ErasuresTopic(region))); n != 2 {
		t.Fatalf("%d tombstones", n)
	}
	p.holds(9, "1")
	if receipt := p.erase("--user", "ann"); !strings.Contains(receipt, "7 rows of events") {
		t.Error(receipt)
	}
	p.holds(2, "1")
	p.anew()
	p.holds(2, "1")
}

// Rows that lie in other months, or dated ahead, are erased with the rest.
func TestRowsOfEveryMonthAreErased(t *testing.T) {
	t.Parallel()
	p := build(t)
	for _, month := range []string{"2024-01-15", "2026-10-31", "2027-03-01"} {
		p.exec(fmt.Sprintf(`INSERT INTO events (event_id, account_id, visitor_id, user_id, time, client_time, received_at)
			SELECT generateUUIDv4(), 'a', if(number %% 2 = 0, 'v', 'w'), if(number %% 2 = 0, 'ann', 'bob'), '%s', '%[1]s', now64(3) - 60 FROM numbers(10)`, month))
	}
	p.holds(30, "1")
	p.erase("--user", "ann")
	p.holds(15, "user_id = 'bob'")
	p.holds(15, "1")
}

// Without a secret nothing is erased; with another than its services', nothing that they would store again.
func TestSecretsThatAreMissingOrDiffer(t *testing.T) {
	t.Parallel()
	p := build(t)
	settings := p.settings
	p.settings = p.file(t.TempDir(), "none.yaml", fmt.Sprintf("regions: {%s: {kafka: {brokers: ['%s']}, clickhouse: {addresses: ['%s'], database: %s}}}", region, p.broker, p.server.NativeAddr, p.server.Database))
	if code, _, errs := p.run("erase", "--yes", "--account", "a", "--user", "ann"); code != 1 || !strings.Contains(errs, "regions.eu.erasure.secret is not configured") {
		t.Errorf("status %d: %s", code, errs)
	}
	p.settings = settings
	p.secret = "another secret than the region's own"
	p.start("edge", "enricher", "sink")
	p.send(visit{visitor: "v", user: "ann", n: 2})
	p.holds(2, "1")
	p.erase("--user", "ann")
	p.eventually("that the enricher is not ready", func() bool {
		err := p.services["enricher"].health.Ready(t.Context())
		return err != nil && strings.Contains(err.Error(), "which is not configured")
	})
	p.send(visit{visitor: "w", user: "bob", n: 2})
	p.stop("enricher", "sink")
	p.secret = secret
	p.start("enricher", "sink")
	p.holds(2, "1")
}

// A topic that deletes by age would let people come back: no service is ready, and topics apply fixes it.
func TestATopicThatIsNotCompactedIsTold(t *testing.T) {
	t.Parallel()
	p := build(t)
	op := p.operator()
	if err := op.Configure(t.Context(), schemas.ErasuresTopic(region), "cleanup.policy", "delete"); err != nil {
		t.Fatal(err)
	}
	p.start("enricher")
	if err := <-p.services["enricher"].done; !errors.Is(err, topicaudit.ErrLoses) || !strings.Contains(err.Error(), schemas.ErasuresTopic(region)) {
		t.Errorf("%v", err)
	}
	delete(p.services, "enricher")
	if out := p.ctl("topics", "apply", "--replication-factor", "1", "--partitions", "2"); !strings.Contains(out, "erasures.eu: config changed cleanup.policy=compact") {
		t.Error(out)
	}
	p.start("enricher")
	p.eventually("readiness", func() bool { return p.services["enricher"].health.Ready(t.Context()) == nil })
}
