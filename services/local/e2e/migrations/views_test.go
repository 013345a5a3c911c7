package migrations

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
)

func view(name, query string) *fstest.MapFile {
	return file("CREATE OR REPLACE VIEW " + name + "{{on_cluster}} AS " + query + " COMMENT 'A view {{mark}}'")
}

func TestAViewIsReplacedWhenItsFileChangesAndDroppedWithIt(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	one, two := "views/90_one.sql", "views/91_two.sql"
	if got := h.setup(ours(t, fstest.MapFS{one: view("one", "SELECT 1 AS n"), two: view("two", "SELECT * FROM one")})); got != "view one made\nview two made" {
		t.Errorf("changed %q", got)
	}
	// The second has the columns of the first, of then: it must be made again with it.
	changed := ours(t, fstest.MapFS{one: view("one", "SELECT 1 AS n, 2 AS m"), two: view("two", "SELECT * FROM one")})
	if got := h.setup(changed); got != "view one replaced\nview two replaced" {
		t.Errorf("changed %q", got)
	}
	if got := h.ask("SELECT n, m FROM $.two"); got != "1 2" {
		t.Errorf("two has %s", got)
	}
	if got := h.setup(changed); got != "" {
		t.Errorf("again, it changed %q", got)
	}
	if got := h.setup(schemas.Migrations()); got != "view one dropped\nview two dropped" {
		t.Errorf("changed %q", got)
	}
}

// A view of SELECT * has the columns that its table had when it was made.
func TestAColumnOfALaterMigrationIsInTheViews(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	more := file("ALTER TABLE events{{on_cluster}} ADD COLUMN IF NOT EXISTS more UInt8 DEFAULT 7 COMMENT 'More'")
	if got := h.setup(ours(t, fstest.MapFS{"9003_more.sql": more})); got != "migration 9003_more applied\n"+allReplaced {
		t.Errorf("changed %q", got)
	}
	h.exec("INSERT INTO $.events (event_id, environment) VALUES (generateUUIDv4(), 'production')")
	if got := h.ask("SELECT more FROM $.events_live"); got != "7" {
		t.Errorf("it is %q", got)
	}
}

func TestParameterizedViews(t *testing.T) {
	h := newHouse(t)
	files := ours(t, fstest.MapFS{"views/90_of.sql": view("of", "SELECT {n:UInt8} + 1 AS m")})
	h.setup(files)
	if got := h.setup(files); got != "" {
		t.Errorf("again, it changed %q", got)
	}
	if got := h.ask("SELECT m FROM $.of(n = 4)"); got != "5" {
		t.Errorf("it is %s", got)
	}
}

// CREATE OR REPLACE VIEW takes the place of whatever has the name: of a table with all its rows, too.
func TestWhatSetupDidNotMakeIsNotReplaced(t *testing.T) {
	for name, statement := range map[string]string{
		"a table":                           "CREATE TABLE $.events_live (n UInt8) ENGINE = MergeTree ORDER BY n",
		"a view":                            "CREATE VIEW $.events_live AS SELECT 1 AS n",
		"a view with another one's comment": "CREATE VIEW $.events_live AS SELECT 1 AS n COMMENT '[waymarkctl: other 0123456789abcdef]'",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.exec(statement)
			// Its own tables it may make before; what is refused is refused with nothing changed the second time, too.
			if _, err := clickhouse.Migrate(deadline(t), h.cfg, clickhouse.Tables{}, schemas.Migrations()); err == nil {
				t.Fatal("it was replaced")
			}
			h.refuses(clickhouse.Tables{}, schemas.Migrations(), "events_live", "did not make", "rename it")
			if got := h.ask("SELECT count() FROM system.columns WHERE database = '$' AND table = 'events_live'"); got != "1" {
				t.Errorf("%s columns are left", got)
			}
		})
	}
}

func TestViewsOfOthersStay(t *testing.T) {
	h := newHouse(t)
	files := ours(t, fstest.MapFS{"views/90_one.sql": view("one", "SELECT 1 AS n")})
	h.setup(files)
	h.exec("CREATE VIEW $.theirs AS SELECT 2 AS n")
	// A copy of ours under another name has the same comment.
	comment := h.ask("SELECT comment FROM system.tables WHERE database = '$' AND name = 'one'")
	h.exec("CREATE VIEW $.copied AS SELECT 3 AS n COMMENT '" + comment + "'")
	if got := h.setup(schemas.Migrations()); got != "view one dropped" {
		t.Errorf("changed %q", got)
	}
	if got := h.ask("SELECT a.n, b.n FROM $.theirs a, $.copied b"); got != "2 3" {
		t.Errorf("they are %s", got)
	}
}

// Whoever asks while a view is replaced has an answer, from before or after.
func TestAViewIsNeverAwayWhileItIsReplaced(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	done := make(chan struct{})
	var group errgroup.Group
	group.Go(func() error {
		defer close(done)
		for i := range 20 {
			query := []string{"SELECT 1 AS n", "SELECT 2 AS n"}[i%2]
			if _, err := clickhouse.Migrate(deadline(t), h.cfg, clickhouse.Tables{}, ours(t, fstest.MapFS{"views/90_n.sql": view("n", query)})); err != nil {
				return err
			}
		}
		return nil
	})
	h.setup(ours(t, fstest.MapFS{"views/90_n.sql": view("n", "SELECT 1 AS n")}))
	conn := h.connect()
	defer conn.Close()
	for asked := 0; ; asked++ {
		var n uint8
		if err := conn.Scalar(deadline(t), "SELECT n FROM "+h.cfg.Database+".n", &n); err != nil || n < 1 || n > 2 {
			t.Fatalf("asked %d times: %d, %v", asked, n, err)
		}
		select {
		case <-done:
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}

// events_live counts what belongs in a rate, and each event once, whatever is merged already.
func TestEventsLive(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.exec("SYSTEM STOP MERGES $.events")
	insert := func(columns, values string) {
		h.exec("INSERT INTO $.events (event_id, account_id, event, time, client_time, " + columns + ") VALUES (" + values + ")")
	}
	row := func(id, event, day string) string {
		return "'" + id + "', 'a', '" + event + "', '" + day + " 12:00:00', '2026-10-31 12:00:00'"
	}
	ids := map[string]string{}
	for _, name := range []string{"plain", "unnamed", "test", "preview", "bot", "repeated", "month", "again", "became"} {
		ids[name] = uuid.NewString()
	}
	insert("environment", row(ids["plain"], "plain", "2026-10-31")+", 'production'")
	insert("environment", row(ids["unnamed"], "unnamed", "2026-10-31")+", ''")
	insert("environment", row(ids["test"], "test", "2026-10-31")+", 'test'")
	insert("environment, preview", row(ids["preview"], "preview", "2026-10-31")+", 'production', true")
	insert("environment, is_bot", row(ids["bot"], "bot", "2026-10-31")+", 'production', true")
	for _, session := range []string{"1", "2", "3"} { // a client that repeats itself beyond every window
		insert("environment, session_id", row(ids["repeated"], "repeated", "2026-10-31")+", 'production', '"+session+"'")
	}
	// The same, and its corrected time falls into another month: two partitions, which no merge brings together.
	insert("environment", row(ids["month"], "month", "2026-10-31")+", 'production'")
	insert("environment", row(ids["month"], "month", "2026-11-01")+", 'production'")
	// Enriched again: the higher epoch is what counts, also where it takes the event out.
	insert("environment, epoch, country", row(ids["again"], "again", "2026-10-31")+", 'production', 0, 'old'")
	insert("environment, epoch, country", row(ids["again"], "again", "2026-10-31")+", 'production', 1, 'new'")
	insert("environment, epoch, is_bot", row(ids["became"], "became a bot", "2026-10-31")+", 'production', 0, false")
	insert("environment, epoch, is_bot", row(ids["became"], "became a bot", "2026-10-31")+", 'production', 1, true")
	want := "again 1 [new]\nmonth 1 []\nplain 1 []\nrepeated 1 []\nunnamed 1 []"
	got := h.ask("SELECT event, count(), arrayFilter(c -> c != '', groupArray(country)) FROM $.events_live GROUP BY event ORDER BY event")
	if got != want {
		t.Errorf("it has\n%s\nwant\n%s", got, want)
	}
	if all := h.ask("SELECT count() FROM $.events"); all != "14" {
		t.Errorf("of %s rows", all)
	}
}

// A question of one account's day reads what it would read of the table.
func TestFiltersReachTheKeyThroughEventsLive(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.exec("INSERT INTO $.events (event_id, account_id, environment, client_time, time) SELECT generateUUIDv4(), 'a' || (number % 10), 'production', t, t FROM " +
		"(SELECT number, toDateTime64('2026-11-01 00:00:00', 3, 'UTC') + number AS t FROM numbers(100000))")
	h.exec("OPTIMIZE TABLE $.events FINAL")
	plan := h.ask("EXPLAIN indexes = 1 SELECT count() FROM $.events_live WHERE account_id = 'a7' AND time < '2026-11-02'")
	for _, says := range []string{"account_id in ['a7', 'a7']", "Name: by_time", "FINAL: 1"} {
		if !strings.Contains(strings.ReplaceAll(plan, `\'`, "'"), says) {
			t.Errorf("the plan has no %q:\n%s", says, plan)
		}
	}
}

func TestEventsLiveSaysWhatItIs(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	comment := h.ask("SELECT comment FROM system.tables WHERE database = '$' AND name = 'events_live'")
	if !strings.HasPrefix(comment, "Events of production without previews and bots, each once") || !strings.Contains(comment, "remains twice") {
		t.Errorf("it says %q", comment)
	}
}
