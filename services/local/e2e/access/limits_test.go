package access

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func TestReadersChangeNothingAndSeeNoOtherSystem(t *testing.T) {
	h := newHouse(t)
	users := h.ask(admin, "SELECT count() FROM system.users")
	before := h.ask(admin, "SELECT groupArray((name, create_table_query)) FROM (SELECT * FROM system.tables WHERE database = currentDatabase() ORDER BY name)")
	for _, user := range []string{"analyst_shop", "operator"} {
		for _, query := range []string{
			"INSERT INTO events (account_id) VALUES ('shop')",
			"ALTER TABLE events DELETE WHERE 1",
			"ALTER TABLE events UPDATE item_name = '' WHERE 1",
			"DELETE FROM events WHERE 1",
			"ALTER TABLE events ADD COLUMN x String",
			"TRUNCATE TABLE events",
			"DROP TABLE events",
			"DROP VIEW events_live",
			"OPTIMIZE TABLE events FINAL",
			"RENAME TABLE events TO e",
			"CREATE TABLE t (x String) ENGINE = Memory",
			"CREATE VIEW v AS SELECT * FROM events",
			"CREATE TEMPORARY TABLE t (x String)",
			"CREATE DATABASE d",
			"CREATE FUNCTION f AS x -> x",
			"CREATE USER u",
			"ALTER USER " + user + " SETTINGS readonly = 0",
			"CREATE ROW POLICY p ON events USING 1 TO " + user,
			"DROP ROW POLICY " + user + " ON events",
			"GRANT SELECT ON *.* TO " + user,
			"SYSTEM STOP MERGES events",
			"SYSTEM FLUSH LOGS",
			"SELECT * FROM system.users",
			"SELECT * FROM system.grants",
			"SELECT * FROM system.row_policies",
			"SELECT * FROM system.quotas",
			"SELECT * FROM system.session_log",
			"SELECT * FROM system.query_log",
			"SELECT * FROM system.text_log",
			"SHOW CREATE USER " + user,
			"SHOW ACCESS",
			"SELECT * FROM waymark_migrations",
			"SELECT * FROM item_activity_feed",
			"SELECT * FROM url('http://127.0.0.1:1/', 'TSV', 'x String')",
			"SELECT * FROM file('waymark-users.xml', 'TSV', 'x String')",
			"SELECT * FROM remote('127.0.0.1', 'system', 'users')",
			"SELECT * FROM cluster('default', 'system', 'one')",
			"SELECT * FROM s3('http://127.0.0.1:1/x', 'TSV', 'x String')",
			"SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
			"SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
			"SELECT * FROM executable('id', 'TSV', 'x String')",
			"SELECT * FROM loop(events)",
			"SELECT * FROM dictionary('d')",
			"SELECT dictGet('d', 'x', 1)",
			"SELECT * FROM input('x String')",
			"SELECT 1 INTO OUTFILE 'x'",
			"BACKUP TABLE events TO Disk('default', 'x')",
			"SELECT demangle(addressToSymbol(1))",
			"SET readonly = 0",
			"SET allow_ddl = 1, readonly = 0",
		} {
			if answer, ok := h.try(user, query); ok {
				t.Errorf("%s may: %s: %.200s", user, query, answer)
			}
		}
	}
	for _, table := range []string{"system.parts", "system.processes", "system.metrics", "system.errors", "system.merges"} {
		h.refuses("analyst_shop", "SELECT * FROM "+table, "Not enough privileges")
		h.ask("operator", "SELECT * FROM "+table)
	}
	if got := h.ask("analyst_shop", "SELECT DISTINCT database FROM system.tables WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema')"); got != database {
		t.Errorf("the analyst sees tables of databases %q", got)
	}
	if after := h.ask(admin, "SELECT groupArray((name, create_table_query)) FROM (SELECT * FROM system.tables WHERE database = currentDatabase() ORDER BY name)"); after != before {
		t.Errorf("the database is not what it was:\n%s\nbefore:\n%s", after, before)
	}
	if got := h.ask(admin, "SELECT (SELECT count() FROM system.users), (SELECT count() FROM events)"); got != users+"\t300" {
		t.Errorf("users and events: %q", got)
	}
}

// limits are those of the profile; more is too much by one, and 0 would mean none.
func TestLimitsCanBeMadeLowerAndNotHigher(t *testing.T) {
	h := newHouse(t)
	limits := lines(h.ask(admin, "SELECT setting_name, value, min, max FROM system.settings_profile_elements WHERE profile_name = 'waymark_reader' AND min IS NOT NULL"))
	if len(limits) < 8 {
		t.Fatalf("limits: %q", limits)
	}
	for _, limit := range limits {
		fields := strings.Split(limit, "\t")
		name, most := fields[0], strings.TrimSuffix(fields[3], ".")
		if fields[2] != "1" && fields[2] != "1." {
			t.Errorf("%s: at least %s, want 1, since 0 means none", name, fields[2])
		}
		for _, user := range []string{"analyst_shop", "operator"} {
			if got := strings.TrimSuffix(h.ask(user, "SELECT getSetting('"+name+"')"), "."); got != most {
				t.Errorf("%s: %s begins with %s, want %s", name, user, got, most)
			}
			h.ask(user, "SELECT 1", name, half(most))
			tooMuch := []string{"0", most + "0"}
			if name == "max_threads" { // where 0 means as many as there are processors, and is compared as their number
				tooMuch = tooMuch[1:]
			}
			for _, value := range tooMuch {
				h.refuses(user, "SELECT 1", "Setting "+name+" shouldn't be", name, value)
				h.refuses(user, "SELECT 1 SETTINGS "+name+" = "+value, "Setting "+name+" shouldn't be")
			}
		}
	}
	h.refuses("analyst_shop", "SELECT 1", "log_queries should not be changed", "log_queries", "0")
	h.refuses("analyst_shop", "SELECT 1", "shouldn't be", "compatibility", "20.1", "max_threads", "100")

	// What is too much is refused with the limit's own words.
	h.refuses("analyst_shop", "SELECT max(time) FROM events", "TOO_MANY_ROWS", "max_rows_to_read", "10")
	h.refuses("analyst_shop", "SELECT count() FROM numbers(3000000000)", "TOO_MANY_ROWS")
	h.refuses("analyst_shop", "SELECT * FROM numbers(1000)", "TOO_MANY_ROWS_OR_BYTES", "max_result_rows", "10")

	// Time and memory are the whole query's: what a subquery asks for itself does not count.
	const endless = "SELECT sum(sipHash64(number)) FROM numbers_mt(1000000000000) SETTINGS max_rows_to_read = 0, max_execution_time = 0"
	for _, query := range []string{"SELECT (" + endless + ")", "SELECT 1 WHERE 1 IN (" + endless + ")", endless + " UNION ALL SELECT 1"} {
		h.refuses("analyst_shop", query, "TIMEOUT_EXCEEDED", "max_execution_time", "1")
	}
	h.refuses("analyst_shop", "SELECT (SELECT uniqExact(number) FROM numbers(100000000) SETTINGS max_memory_usage = 0)", "MEMORY_LIMIT_EXCEEDED", "max_memory_usage", "50000000")
}

func TestAQuotaEndsWithASentence(t *testing.T) {
	h := newHouse(t, func(users string) string {
		lower := strings.Replace(users, "<queries>5000</queries>", "<queries>7</queries>", 1)
		if lower == users {
			t.Fatal("the quota of queries has another value")
		}
		return lower
	})
	// Both protocols draw on one quota, and each user on their own.
	native := h.Connect(t, func(o *clickhouse.Options) {
		o.Auth = clickhouse.Auth{Database: database, Username: "analyst_shop", Password: password}
	})
	for i := range 7 {
		if i%2 == 0 {
			h.ask("analyst_shop", "SELECT count() FROM events")
		} else if err := native.Exec(t.Context(), "SELECT count() FROM events"); err != nil {
			t.Fatal(err)
		}
	}
	h.refuses("analyst_shop", "SELECT count() FROM events", "Quota for user `analyst_shop` for 3600s has been exceeded: queries = 8/7")
	var exception *clickhouse.Exception
	if err := native.Exec(t.Context(), "SELECT count() FROM events"); !errors.As(err, &exception) || exception.Name != "DB::Exception" || !strings.Contains(exception.Message, "has been exceeded") {
		t.Errorf("over the native protocol: %v", err)
	}
	h.ask("analyst_rival", "SELECT count() FROM events")
}

// The engine here takes users from a file only. What it made of the file it can say in SQL, and that must be what the statements say.
func TestStatementsMakeWhatTheFileMakes(t *testing.T) {
	h := newHouse(t)
	format := func(statement string) string {
		return h.ask(admin, "SELECT formatQuerySingleLine({q:String}) FORMAT TSVRaw", "param_q", escaped(statement))
	}
	for _, r := range readers() {
		statements, err := schema(t).ReaderStatements(r)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, statement := range statements {
			have = append(have, format(statement)) // and so each is one that ClickHouse can read
		}
		said := strings.Join(have, "\n")
		if !strings.Contains(said, "CREATE USER IF NOT EXISTS "+r.User+" IDENTIFIED WITH sha256_hash BY '"+r.PasswordSHA256+"'") {
			t.Errorf("no statement makes %s:\n%s", r.User, said)
		}
		var want []string
		for _, policy := range lines(h.ask(admin, "SELECT table || '\t' || select_filter FROM system.row_policies WHERE has(apply_to_list, {user:String}) FORMAT TSVRaw", "param_user", r.User)) {
			table, filter, _ := strings.Cut(policy, "\t")
			want = append(want, fmt.Sprintf("CREATE ROW POLICY OR REPLACE waymark_reader_%s ON %s.%s FOR SELECT USING %s TO %[1]s", r.User, database, table, filter))
		}
		profile := h.ask(admin, "SHOW CREATE SETTINGS PROFILE waymark_reader FORMAT TSVRaw")
		want = append(want, format(strings.Replace(profile, "CREATE", "ALTER", 1)))
		quota := h.ask(admin, "SHOW CREATE QUOTA waymark_reader FORMAT TSVRaw")
		quota = quota[:strings.LastIndex(quota, " TO ")] + " TO " + r.User
		want = append(want, format(strings.Replace(quota, "CREATE QUOTA waymark_reader", "ALTER QUOTA waymark_reader_"+r.User, 1)))
		if user := h.ask(admin, "SHOW CREATE USER "+r.User+" FORMAT TSVRaw"); !strings.HasSuffix(user, "SETTINGS PROFILE `waymark_reader`") {
			t.Errorf("the file makes %s", user)
		}
		numbers := strings.NewReplacer(". ", " ", "., ", ", ", ".\n", "\n")
		for _, one := range want {
			if !strings.Contains(numbers.Replace(said+"\n"), numbers.Replace(one+"\n")) {
				t.Errorf("the file makes\n%s\nand no statement does:\n%s", one, said)
			}
		}
		// Rights are one statement, which takes those away that it does not name.
		grant := have[len(have)-1]
		rights := lines(h.ask(admin, "SHOW GRANTS FOR "+r.User+" FORMAT TSVRaw"))
		for _, right := range rights {
			right = strings.TrimSuffix(strings.TrimPrefix(right, "GRANT "), " TO "+r.User)
			if !strings.Contains(grant+",", right+",") && !strings.Contains(grant, right+" TO ") {
				t.Errorf("the file grants %s, the statements %s", right, grant)
			}
		}
		if got := strings.Count(grant, "SELECT ON "); got != len(rights) || !strings.HasSuffix(grant, "WITH REPLACE OPTION") {
			t.Errorf("%d rights of statements, %d of the file: %s", got, len(rights), grant)
		}
	}
}

// half is half of a number, in digits.
func half(number string) string {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		panic(err)
	}
	return strconv.FormatInt(n/2, 10)
}

// escaped is a text as a parameter of the URL is read.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`).Replace(s)
}

// An upgrade adds tables and views: until the statements are run again, a reader has no right to them at all.
func TestWhatIsNewIsNotSeenUntilItIsGranted(t *testing.T) {
	h := newHouse(t)
	h.ask(admin, "CREATE TABLE later (account_id String) ENGINE = MergeTree ORDER BY account_id AS SELECT 'rival' AS account_id")
	h.refuses("analyst_shop", "SELECT * FROM later", "Not enough privileges")
	h.ask(admin, "CREATE VIEW later_view AS SELECT * FROM later")
	h.refuses("analyst_shop", "SELECT * FROM later_view", "Not enough privileges")
	if got := h.ask("analyst_shop", "SELECT count() FROM system.tables WHERE name LIKE 'later%'"); got != "0" {
		t.Errorf("%s of them are listed", got)
	}
}

func TestWrongPasswordsAreRefusedOverBothProtocols(t *testing.T) {
	h := newHouse(t)
	native := h.Connect(t, func(o *clickhouse.Options) {
		o.Auth = clickhouse.Auth{Database: database, Username: "analyst_shop", Password: "wrong"}
	})
	var exception *clickhouse.Exception
	if err := native.Ping(context.Background()); !errors.As(err, &exception) || exception.Code != 516 {
		t.Errorf("%v", err)
	}
	h.refuses("nobody", "SELECT 1", "AUTHENTICATION_FAILED")
}
