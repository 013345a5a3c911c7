package erasure

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// nowhere looks that no column of any table of the database has a word in it. A rebuild that is under way drops some.
func (p *plant) nowhere(when, word string) {
	p.t.Helper()
	for _, table := range p.names("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'") {
		var n uint64
		err := p.conn.Scalar(p.t.Context(), "SELECT count() FROM "+table+" WHERE position(formatRow('JSONEachRow', *), '"+word+"') > 0", &n)
		switch {
		case clickhouse.Code(err) == "60": // UNKNOWN_TABLE
		case err != nil:
			p.t.Fatal(err)
		case n != 0:
			p.t.Errorf("%s: %d rows of %s name somebody", when, n, table)
		}
	}
}

// names asks for words.
func (p *plant) names(query string) (out []string) {
	p.t.Helper()
	err := p.conn.Query(p.t.Context(), query, func(_ []string, v []any) error {
		out = append(out, v[0].(string))
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// computed are the numbers that the model gives, of rows that a condition chooses: events, plays, end users.
func (p *plant) computed(condition string) string {
	p.t.Helper()
	return fmt.Sprintf("%d events, %d plays, %d end users",
		p.count("SELECT toUInt64(sum(n)) FROM (SELECT length(groupUniqArrayArray(v.events)) AS n FROM visitor_activity AS v WHERE "+condition+" GROUP BY account_id, slot, visitor_id, user_id, company_id)"),
		p.count("SELECT count() FROM (SELECT min(started_at) AS at FROM item_activity WHERE "+condition+" GROUP BY account_id, item_id, day, interaction_id, visitor_id, user_id, company_id) WHERE at IS NOT NULL"),
		p.count("SELECT uniqExact(account_id, user_id, visitor_id, company_id) FROM end_user_activity WHERE "+condition))
}

// computes waits until the model gives these numbers: an event is seen in the table before it is in the model.
func (p *plant) computes(when, condition, want string) {
	p.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	is := p.computed(condition)
	for ; is != want && time.Now().Before(deadline); is = p.computed(condition) {
		runtime.Gosched()
	}
	if is != want {
		p.t.Errorf("%s: the model has %s where %s, want %s", when, is, condition, want)
	}
}

// agrees looks that the model has nothing that events have not.
func (p *plant) agrees(when string) {
	p.t.Helper()
	if code, out, errs := p.run("model", "check"); code != 0 {
		p.t.Errorf("%s: %s%s", when, out, errs)
	}
}

func TestNobodyWhoIsErasedIsLeftInWhatIsComputed(t *testing.T) {
	for _, by := range [][]string{{"--user", "u-zqxj"}, {"--visitor", "v-zqxj"}, {"--company", "c-zqxj"}} {
		t.Run(by[0], func(t *testing.T) {
			t.Parallel()
			p := build(t, "edge", "enricher", "sink")
			p.send(
				visit{visitor: "v-zqxj", user: "u-zqxj", company: "c-zqxj", n: 3}, visit{visitor: "v-zqxj", user: "u-zqxj", company: "c-zqxj", n: 1, broken: true},
				visit{visitor: "w", user: "bob", company: "c", n: 4}, visit{account: "b", visitor: "w", user: "bob", n: 2},
			)
			p.postTo("/v1/identify", "wk_test_key_a", `{"messageId":"`+uuid.NewString()+`","anonymousId":"v-zqxj","userId":"u-zqxj","traits":{"name":"zqxj"},"context":{"groupId":"c-zqxj"}}`)
			p.holds(10, "1")
			p.eventually("a dead letter", func() bool { return p.count("SELECT count() FROM dead_events") == 1 })
			p.computes("before", "company_id = 'c-zqxj'", "4 events, 3 plays, 1 end users")
			if n := p.count("SELECT count() FROM end_user_activity WHERE attributes['name'].2 = '\"zqxj\"'"); n == 0 {
				t.Error("the model has no attributes of the person: the test shows less")
			}
			others := "6 events, 6 plays, 2 end users"
			p.computes("before", "user_id = 'bob'", others)
			receipt := p.erase(by...)
			if !strings.Contains(receipt, "of item_activity, visitor_activity and end_user_activity, which are computed from events:") || strings.Contains(receipt, "not erased: materialized view") {
				t.Error(receipt)
			}
			gone := func(when string) {
				t.Helper()
				p.holds(6, "1")
				p.nowhere(when, "zqxj")
				p.agrees(when)
				p.computes(when, "1", others)
			}
			gone("erased")
			p.anew()
			gone("enriched anew")
		})
	}
}

// An anonymised event counts in all that is computed, as somebody of its own.
func TestAnonymisedEventsCountInWhatIsComputed(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v-zqxj", user: "u-zqxj", company: "c-zqxj", n: 3}, visit{visitor: "w", user: "bob", company: "c", n: 4})
	p.holds(7, "1")
	p.computes("before", "1", "7 events, 7 plays, 2 end users")
	p.erase("--user", "u-zqxj", "--anonymise")
	counted := func(when string) {
		t.Helper()
		p.nowhere(when, "zqxj")
		p.agrees(when)
		p.computes(when, "user_id = ''", "3 events, 3 plays, 3 end users")
		p.computes(when, "user_id = 'bob'", "4 events, 4 plays, 1 end users")
	}
	counted("anonymised")
	p.anew()
	p.holds(7, "1")
	counted("enriched anew")
	// Of a span, and again of the same.
	for range 2 {
		p.erase("--from", time.Now().Add(-time.Hour).Format(time.RFC3339), "--to", time.Now().Add(time.Hour).Format(time.RFC3339), "--anonymise")
		p.agrees("a span is anonymised")
		p.computes("a span is anonymised", "1", "7 events, 7 plays, 7 end users")
	}
}

// What is erased may share a half hour, a day and a person with what stays.
func TestWhatIsComputedKeepsWhatStays(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	at := time.Now().Truncate(24 * time.Hour).Add(-12 * time.Hour)
	early := p.send(visit{visitor: "v", user: "ann", n: 2, at: at})
	late := p.send(visit{visitor: "v", user: "ann", n: 3, at: at.Add(10 * time.Minute)}, visit{visitor: "w", user: "bob", n: 1, at: at})
	p.holds(6, "1")
	p.computes("before", "1", "6 events, 4 plays, 2 end users")
	has := func(ids []string) (n int) {
		for _, id := range ids {
			n += p.count("SELECT uniqExact(visitor_id) FROM visitor_activity WHERE has(events, toUInt32(cityHash64(toUUID('" + id + "'))))")
		}
		return n
	}
	if has(early) != 2 || has(late) != 4 {
		t.Fatalf("of five events of a half hour the model has %d and %d: the test shows nothing", has(early), has(late))
	}
	until := at.Add(5 * time.Minute).Format(time.RFC3339)
	stays := func(when string) {
		t.Helper()
		p.agrees(when)
		if has(early) != 0 || has(late) != 4 {
			t.Errorf("%s: the model has %d events that are erased, and %d of 4 that are not", when, has(early), has(late))
		}
		if n := p.count("SELECT count() FROM end_user_activity WHERE user_id = 'ann' AND first_seen != '" + at.Add(10*time.Minute).UTC().Format("2006-01-02 15:04:05.000") + "'"); n != 0 {
			t.Errorf("%s: the model tells when an erased event was", when)
		}
		p.computes(when, "1", "4 events, 4 plays, 2 end users")
	}
	p.erase("--user", "ann", "--to", until)
	stays("the user's")
	// A run that was cut off had taken the rows out, and not put back what stays.
	for _, table := range []string{"item_activity", "visitor_activity", "end_user_activity"} {
		p.exec("ALTER TABLE " + table + " DELETE WHERE user_id = 'ann' SETTINGS mutations_sync = 1")
	}
	p.erase("--user", "ann", "--to", until)
	stays("run again")
	p.erase("--from", at.Add(-time.Hour).Format(time.RFC3339), "--to", until)
	p.agrees("a span")
	p.computes("a span", "1", "3 events, 3 plays, 1 end users")
	// Who comes back after an erasure is counted from then on.
	p.erase("--user", "ann")
	p.send(visit{visitor: "v", user: "ann", n: 1, at: at.Add(20 * time.Minute)})
	p.holds(1, "1")
	p.computes("come back", "1", "1 events, 1 plays, 1 end users")
}

// Rows of the model that cannot be deleted are told, as those of events are, and the next run ends it.
func TestWhatIsComputedIsErasedByTheNextRunToo(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v-zqxj", user: "u-zqxj", n: 3}, visit{visitor: "w", user: "bob", n: 2})
	p.holds(5, "1")
	p.computes("before", "1", "5 events, 5 plays, 2 end users")
	p.exec("SYSTEM STOP MERGES visitor_activity")
	code, _, errs := p.run("erase", "--yes", "--account", "a", "--user", "u-zqxj", "--margin", "0s", "--wait", "25s")
	if code != 1 || !strings.Contains(errs, "run the same again") || !strings.Contains(errs, "system.mutations") {
		t.Errorf("status %d: %s", code, errs)
	}
	p.holds(2, "1")
	if n := p.count("SELECT count() FROM visitor_activity WHERE user_id = 'u-zqxj'"); n == 0 {
		t.Fatal("nothing is left: the test shows nothing")
	}
	p.exec("SYSTEM START MERGES visitor_activity")
	p.erase("--user", "u-zqxj")
	p.nowhere("run again", "zqxj")
	p.agrees("run again")
}

// A rebuild that is under way has read the person's events already.
func TestARebuildBringsNobodyBack(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	var visits []visit
	for month := range 5 {
		visits = append(visits, visit{visitor: "v-zqxj", user: "u-zqxj", n: 2, at: time.Now().AddDate(0, 0, -month)}, visit{visitor: fmt.Sprint("w", month), user: "bob", n: 2, at: time.Now().AddDate(0, 0, -month)})
	}
	p.send(visits...)
	p.holds(20, "1")
	p.computes("before", "1", "20 events, 20 plays, 6 end users")
	// What one that was killed left: its table is nobody's, and has the person.
	p.exec("CREATE TABLE visitor_activity_anew_" + strings.ReplaceAll(uuid.NewString(), "-", "")[:8] + " AS visitor_activity")
	left := p.names("SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'visitor_activity_anew_%'")[0]
	p.exec("INSERT INTO " + left + " SELECT * FROM visitor_activity")
	done := make(chan string, 1)
	go func() {
		for range 6 {
			if code, out, errs := p.run("model", "rebuild"); code != 0 {
				done <- out + errs
				return
			}
		}
		done <- ""
	}()
	p.erase("--user", "u-zqxj")
	p.nowhere("erased", "zqxj")
	if text := <-done; text != "" {
		t.Errorf("a rebuild failed: %s", text)
	}
	p.nowhere("when the rebuild was over", "zqxj")
	p.agrees("when the rebuild was over")
	p.computes("when the rebuild was over", "1", "10 events, 10 plays, 5 end users")
	if n := p.count("SELECT uniqExact(visitor_id) FROM " + left); n != 5 {
		t.Errorf("what a rebuild left has %d visitors, want the other five", n)
	}
}
