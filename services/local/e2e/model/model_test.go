package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
)

// is compares the model with what events say, computed here.
func (h *house) is(events []event) {
	h.t.Helper()
	for _, c := range []struct {
		table, query string
		want         []string
	}{{"item_activity", itemsSQL, items(events)}, {"visitor_activity", halfHoursSQL, halfHours(events)}, {"end_user_activity", endUsersSQL, endUsers(events)}} {
		got := strings.Split(h.ask(c.query), "\n")
		if len(c.want) == 0 {
			c.want = []string{""}
		}
		slices.Sort(got)
		for i := range max(len(got), len(c.want)) {
			if i >= len(got) || i >= len(c.want) || got[i] != c.want[i] {
				h.t.Fatalf("%s has %d rows, want %d; the first that differs:\n%s\nwant\n%s", c.table, len(got), len(c.want), at(got, i), at(c.want, i))
			}
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(none)"
}

func (h *house) truncate() {
	for _, table := range []string{"events", "item_activity", "visitor_activity", "end_user_activity"} {
		h.exec("TRUNCATE TABLE " + table + " SYNC")
	}
}

// Whatever comes doubled, late, out of order and in pieces; and a merge, of some or of all, changes nothing.
func TestTheModelIsWhatItsEventsAre(t *testing.T) {
	h := newHouse(t)
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		events := anyEvents(r, 1+r.IntN(300))
		h.truncate()
		for _, block := range blocks(r, events) {
			h.store(block...)
		}
		h.is(events)
		before := h.whole()
		for _, table := range []string{"item_activity", "visitor_activity", "end_user_activity"} {
			h.exec("OPTIMIZE TABLE " + table + " FINAL")
			if rows, keys := h.ask("SELECT count() FROM "+table), strings.Count(h.grouped(table), "\n")+1; rows != fmt.Sprint(keys) {
				t.Errorf("seed %d: %s has %s rows of %d keys after a merge of all", seed, table, rows, keys)
			}
		}
		if h.whole() != before {
			t.Errorf("seed %d: a merge changed the model", seed)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// What a rebuild inserts is what the feeds insert: the parts' columns stand in the order of the tables', but for those that tables compute.
func TestThePartsHaveTheTablesColumns(t *testing.T) {
	h := newHouse(t)
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"item_activity", "visitor_activity", "end_user_activity"} {
		part, err := schema.Part(table, "")
		if err != nil {
			t.Fatal(err)
		}
		h.exec("CREATE VIEW part_" + table + " AS " + part)
		columns := func(table string) string {
			return h.ask("SELECT groupArray(name) FROM (SELECT name FROM system.columns WHERE database = currentDatabase() AND table = @table AND default_kind != 'MATERIALIZED' ORDER BY position)", clickhouse.Named("table", table))
		}
		got, want := columns("part_"+table), columns(table)
		if got != want {
			t.Errorf("%s has columns\n%s\nits part\n%s", table, want, got)
		}
	}
}

// What has expired is gone with a merge, and nothing else: events of one half hour may expire at different times.
func TestRowsExpireWithTheirEvents(t *testing.T) {
	h := newHouse(t)
	of := func(visitor string, expires time.Time) event {
		return event{id: newID(), at: midnight, account: "a", visitor: visitor, user: visitor, itemType: "walkthru", item: "1", event: "play", interaction: "p-" + visitor, expires: expires}
	}
	past, ahead := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	h.store(of("gone", past), of("stays", ahead))
	h.store(of("both", past), of("both", ahead))
	for _, table := range []string{"item_activity", "visitor_activity", "end_user_activity"} {
		h.exec("OPTIMIZE TABLE " + table + " FINAL")
		if got := h.ask("SELECT arraySort(groupUniqArray(visitor_id)) FROM " + table); got != "[both stays]" {
			t.Errorf("%s has %s after a merge", table, got)
		}
	}
}

// An insert that is repeated under its token, after an answer that was lost or a crash, adds no row to any table.
func TestABlockThatIsSentAgainIsThereOnce(t *testing.T) {
	h := newHouse(t)
	events := anyEvents(rand.New(rand.NewPCG(1, 1)), 200) // of two months: two parts in each table but one
	for range 3 {
		if err := h.insert("the same block", events...); err != nil {
			t.Fatal(err)
		}
	}
	h.is(events)
	rows := h.rows()
	h.truncate()
	if err := h.insert("another block", events...); err != nil {
		t.Fatal(err)
	}
	if once := h.rows(); rows != once {
		t.Errorf("the tables have %s rows of a block that was sent three times, %s of one sent once", rows, once)
	}
}

// Doubles within a block are merged later, as those of two blocks are. Until then the table has both, and events_live one.
func TestDoublesWithinABlockAreMergedLater(t *testing.T) {
	h := newHouse(t)
	h.exec("SYSTEM STOP MERGES events")
	once := anyEvents(rand.New(rand.NewPCG(3, 3)), 1)[0]
	once.environment, once.preview, once.bot, once.expires = "production", false, false, forever
	if err := h.insert("block", once, once); err != nil {
		t.Fatal(err)
	}
	count := func(table string) string { return h.ask("SELECT count() FROM " + table) }
	if stored, live := count("events"), count("events_live"); stored != "2" || live != "1" {
		t.Errorf("before a merge events has %s rows and events_live %s", stored, live)
	}
	h.exec("SYSTEM START MERGES events")
	h.exec("OPTIMIZE TABLE events FINAL")
	if stored, live := count("events"), count("events_live"); stored != "1" || live != "1" {
		t.Errorf("after a merge events has %s rows and events_live %s", stored, live)
	}
}

// A feed that fails does so after the block is stored; the server names it, so that the sink stops and says so. Sent again under the same token, the
// block reaches the feed, and nothing twice.
func TestAFeedThatFailsIsGivenWhatItLacks(t *testing.T) {
	for _, table := range []string{"item_activity", "visitor_activity", "end_user_activity"} {
		t.Run(table, func(t *testing.T) {
			h := newHouse(t)
			events := anyEvents(rand.New(rand.NewPCG(2, 2)), 200)
			h.exec("ALTER TABLE " + table + " ADD CONSTRAINT full CHECK account_id = ''")
			err := h.insert("the block", events...)
			if view := clickhouse.FailedView(err); !strings.Contains(view, table+"_feed") {
				t.Fatalf("the server names %q: %v", view, err)
			}
			if n := h.ask("SELECT count() FROM events"); n != "200" {
				t.Errorf("the table has %s events, want 200", n)
			}
			if n := h.ask("SELECT count() FROM " + table); n != "0" {
				t.Fatalf("the table that takes nothing has %s rows: the test shows nothing", n)
			}
			h.exec("ALTER TABLE " + table + " DROP CONSTRAINT full")
			for range 2 {
				if err := h.insert("the block", events...); err != nil {
					t.Fatal(err)
				}
			}
			if n := h.ask("SELECT count() FROM events"); n != "200" {
				t.Errorf("the table has %s events, want 200", n)
			}
			h.is(events)
		})
	}
}
