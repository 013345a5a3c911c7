package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/console"
)

// hostile statements try to see another account's rows, to change something, or to reach beyond the database.
var hostile = []string{
	"SELECT account_id FROM events UNION ALL SELECT account_id FROM dead_events",
	"SELECT account_id FROM events UNION DISTINCT SELECT account_id FROM events SETTINGS max_rows_to_read = 0",
	"SELECT account_id FROM events FINAL",
	"SELECT DISTINCT account_id FROM events_live",
	"SELECT DISTINCT account_id FROM " + database + ".events",
	"SELECT * FROM (SELECT account_id FROM events SETTINGS additional_table_filters = {})",
	"SELECT account_id FROM events SETTINGS readonly = 0",
	"SELECT account_id FROM item_activity SETTINGS optimize_move_to_prewhere = 0, apply_row_policy_after_final = 0",
	"SELECT account_id FROM merge('" + database + "', '.*')",
	"SELECT account_id FROM merge('.*', 'events')",
	"SELECT a.account_id, b.account_id FROM events AS a, events AS b LIMIT 1000",
	"WITH (SELECT groupUniqArray(account_id) FROM events) AS all SELECT all",
	"SELECT * FROM interactions(account = 'rival', from = '2020-01-01', to = today(), audience = 'all', item = '')",
	"SELECT * FROM sessions(account = 'rival', from = '2026-01-01', to = today(), audience = 'all')",
	"SELECT * FROM item_activity_feed",
	"SELECT * FROM visitor_activity_feed",
	"SELECT * FROM view(SELECT * FROM events)",
	"SELECT * FROM remote('127.0.0.1', '" + database + "', 'events')",
	"SELECT * FROM remote('127.0.0.1', '" + database + "', 'events', 'default', '')",
	"SELECT * FROM cluster('default', '" + database + "', 'events')",
	"SELECT * FROM clusterAllReplicas('default', '" + database + "', 'events')",
	"SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')",
	"SELECT * FROM file('/etc/passwd', LineAsString, 'line String')",
	"SELECT * FROM file('waymark-users.xml', LineAsString, 'line String')",
	"SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV', 'a String')",
	"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
	"SELECT * FROM executable('id', TSV, 'x String')",
	"SELECT * FROM input('x String') FORMAT CSV",
	"SELECT * FROM system.query_log",
	"SELECT * FROM system.users",
	"SELECT * FROM system.processes",
	"SELECT * FROM system.row_policies",
	"SELECT partition, min_time FROM system.parts",
	"SHOW ROW POLICIES",
	"SHOW CREATE USER default",
	"EXPLAIN ESTIMATE SELECT * FROM events WHERE account_id != 'shop'",
	"EXPLAIN indexes = 1 SELECT * FROM events WHERE account_id != 'shop'",
	"DESCRIBE TABLE (SELECT * FROM events)",
	"SELECT dictGet('rival', 'x', 1)",
	"SELECT throwIf(account_id = 'rival') FROM events",
	"INSERT INTO events (account_id) VALUES ('shop')",
	"INSERT INTO events SELECT * FROM events",
	"INSERT INTO FUNCTION file('/tmp/waymark-console-test', CSV) SELECT 1",
	"CREATE TABLE x (a Int8) ENGINE = Memory",
	"CREATE TEMPORARY TABLE x AS SELECT * FROM events",
	"CREATE VIEW x AS SELECT * FROM events",
	"CREATE FUNCTION x AS () -> 1",
	"ALTER TABLE events DELETE WHERE 1",
	"DROP TABLE events",
	"TRUNCATE TABLE events",
	"OPTIMIZE TABLE events FINAL",
	"DELETE FROM events WHERE 1",
	"UPDATE events SET account_id = 'rival' WHERE 1",
	"RENAME TABLE events TO x",
	"SYSTEM STOP MERGES",
	"SYSTEM SHUTDOWN",
	"KILL QUERY WHERE 1 SYNC",
	"GRANT SELECT ON *.* TO analyst_shop",
	"SET readonly = 0",
	"SET max_execution_time = 0; SELECT account_id FROM events",
	"SELECT 1; SELECT account_id FROM events",
	"SELECT 1; DROP TABLE events",
	"SELECT 1 -- ;\n; DROP TABLE events",
	"/* */ DROP TABLE events /* SELECT */",
	"SELECT 1 INTO OUTFILE '/tmp/waymark-console-test'",
	"SELECT account_id FROM events INTO OUTFILE '/tmp/waymark-console-test' TRUNCATE",
	"SELECT account_id FROM events FORMAT JSONEachRow",
	"EXECUTE AS default SELECT account_id FROM events",
	"USE system",
	"BACKUP TABLE events TO Disk('default', 'x')",
}

func TestHostileSQLSeesAndChangesNothingOfAnothers(t *testing.T) {
	h := newHouse(t)
	h.as = ops // who may see all accounts, in the box of one: what is tested is what ClickHouse keeps apart
	before := h.clickhouse("SELECT count(), sum(cityHash64(*)) FROM events FORMAT TSV")
	tables := h.clickhouse("SELECT name FROM system.tables WHERE database IN ('" + database + "', 'default') ORDER BY name")
	beginnings := 0
	for _, statement := range hostile {
		a := h.sql("shop", statement)
		switch {
		case a.status == http.StatusOK:
			beginnings++
			if rows := fmt.Sprint(a.Rows); strings.Contains(rows, "rival") || strings.Contains(rows, "root:") {
				t.Errorf("%s shows %.300s", statement, rows)
			}
		case a.status == http.StatusBadRequest && a.Error.Code == "sql" && a.Error.Message != "":
			// A sentence may name what the statement does, not what is in a table.
			if strings.Contains(a.text, "rival-") {
				t.Errorf("%s says %s", statement, a.text)
			}
		default:
			t.Errorf("%s: %d %s", statement, a.status, a.text)
		}
	}
	if beginnings < 8 {
		t.Errorf("only %d statements were run at all", beginnings)
	}
	if after := h.clickhouse("SELECT count(), sum(cityHash64(*)) FROM events FORMAT TSV"); after != before {
		t.Errorf("events were %s, and are %s", before, after)
	}
	if after := h.clickhouse("SELECT name FROM system.tables WHERE database IN ('" + database + "', 'default') ORDER BY name"); after != tables {
		t.Errorf("tables were\n%s\nand are\n%s", tables, after)
	}
	if _, err := os.Stat("/tmp/waymark-console-test"); err == nil {
		t.Error("a file was written")
		_ = os.Remove("/tmp/waymark-console-test")
	}
	// What one statement leaves in its session is not there for the next.
	h.sql("shop", "SET max_result_rows = 1")
	h.sql("shop", "USE system")
	if a := h.sql("shop", "SELECT count() FROM (SELECT DISTINCT user_id FROM events)"); a.status != http.StatusOK || fmt.Sprint(a.Rows) != "[[10]]" {
		t.Errorf("the next statement: %d %s", a.status, a.text)
	}
}

// The box is open to who sees one account only where ClickHouse keeps accounts apart, and closed, with the reason, where it does not.
func TestTheBoxIsClosedWhereAccountsAreNotKeptApart(t *testing.T) {
	h := newHouse(t)
	leaks := h.clickhouse("SELECT arrayMap(x -> toUInt32OrZero(x), splitByChar('.', version())) < [26, 7, 6, 49]") == "1"
	a := h.sql("shop", "SELECT uniqExact(account_id) FROM events")
	switch {
	case leaks:
		h.refused("an old ClickHouse", a, http.StatusForbidden, "no_sql")
		if !strings.Contains(a.Error.Message, "26.7.6.49") {
			t.Errorf("it says %s", a.text)
		}
	case a.status != http.StatusOK || fmt.Sprint(a.Rows) != "[[1]]":
		t.Errorf("%d %s", a.status, a.text)
	}
	h.as = eve
	h.refused("an account without a ClickHouse user", h.sql("rival", "SELECT 1"), http.StatusForbidden, "no_sql")
	if me := h.get("/api/me").text; !strings.Contains(me, `"sql":false`) {
		t.Errorf("me says %s", me)
	}
}

// A view that reads with another's rights shows what the account's user must not see.
func TestTheBoxIsClosedForAUserWhoSeesOthersRows(t *testing.T) {
	h := newHouse(t)
	h.clickhouse("CREATE OR REPLACE VIEW events_live SQL SECURITY NONE AS SELECT * FROM events")
	a := h.sql("shop", "SELECT 1")
	h.refused("a view without its reader's rights", a, http.StatusForbidden, "no_sql")
	if !strings.Contains(a.Error.Message, database+".events_live") {
		t.Errorf("it says %s", a.text)
	}
	h.as = ops
	if a := h.sql("shop", "SELECT 1"); a.status != http.StatusOK {
		t.Errorf("who may see all accounts: %d %s", a.status, a.text)
	}
}

func TestTheBoxIsClosedForAUserWhoMayDoMore(t *testing.T) {
	h := newHouse(t, func(cfg *console.Config) {
		cfg.UserList.SQL["shop"] = console.Analyst{User: "default"}
		cfg.UserList.SQL["rival"] = console.Analyst{User: "operator", Password: password}
		cfg.UserList.SQL["away"] = console.Analyst{User: "analyst_shop", Password: "another"}
	})
	h.as = ops
	a := h.sql("shop", "SELECT 1")
	h.refused("a user who may do everything", a, http.StatusForbidden, "no_sql")
	if !strings.Contains(a.Error.Message, "right") {
		t.Errorf("it says %s", a.text)
	}
	// Operators may look at the server's queries, which have everybody's values.
	h.refused("a user who sees others' queries", h.sql("rival", "SELECT 1"), http.StatusForbidden, "no_sql")
	h.refused("another region's", h.sql("away", "SELECT 1"), http.StatusServiceUnavailable, "setup")
}

func TestSQLHasLimits(t *testing.T) {
	h := newHouse(t, func(cfg *console.Config) { cfg.Limits.SQLTime = time.Second })
	h.as = ops
	a := h.sql("shop", "SELECT number FROM numbers(1000000)")
	if a.status != http.StatusOK || len(a.Rows) != 10_000 || !a.Truncated {
		t.Errorf("%d, %d rows, truncated %v", a.status, len(a.Rows), a.Truncated)
	}
	if a := h.sql("shop", "SELECT number FROM numbers(10000)"); len(a.Rows) != 10_000 || a.Truncated {
		t.Errorf("%d, %d rows, truncated %v", a.status, len(a.Rows), a.Truncated)
	}
	for _, slow := range []string{endless, endless + " SETTINGS max_execution_time = 100", "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1"} {
		h.refused("a slow one", h.sql("shop", slow), http.StatusGatewayTimeout, "slow")
		h.within("ended", func() bool { return h.running("number") == "0" })
	}
	h.refused("one beyond a reader's own limits", h.sql("shop", "SELECT count() FROM numbers(10000000000000) WHERE NOT ignore(number)"), http.StatusBadRequest, "sql")
	h.refused("a large one", h.sql("shop", "SELECT "+strings.Repeat("1+", 40_000)+"1"), http.StatusRequestEntityTooLarge, "too_large")
	h.refused("a wrong one", h.sql("shop", "SELECT nothing FROM events"), http.StatusBadRequest, "sql")
	h.refused("an empty one", h.sql("shop", " \n"), http.StatusBadRequest, "bad_parameter")
	for _, body := range []string{"", "[]", `{"account": 1}`, `{"account":"shop","sql":"SELECT 1"`} {
		h.refused(body, h.do(http.MethodPost, "/api/sql", body, "X-Waymark-Console", "1", "Content-Type", "application/json"), http.StatusBadRequest, "bad_parameter")
	}
	h.refused("text", h.do(http.MethodPost, "/api/sql", "SELECT 1", "X-Waymark-Console", "1", "Content-Type", "text/plain"), http.StatusBadRequest, "bad_parameter")
}

// endless takes longer than anybody waits, within the rows that a reader may read.
const endless = "SELECT count() FROM numbers(1000000000) WHERE NOT ignore(SHA512(toString(number)))"

// running is how many of the box's queries that have a word are under way.
func (h *house) running(word string) string {
	return h.clickhouse("SELECT count() FROM system.processes WHERE user LIKE 'analyst%' AND position(query, {word:String}) > 0", "param_word", word)
}

func TestAQueryEndsWhenItsClientLeaves(t *testing.T) {
	h := newHouse(t, func(cfg *console.Config) { cfg.Limits.SQLTime = 50 * time.Second })
	body, err := json.Marshal(map[string]string{"account": "shop", "sql": endless})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/api/sql", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+ops)
	req.Header.Set("X-Waymark-Console", "1")
	req.Header.Set("Content-Type", "application/json")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	h.within("running", func() bool { return h.running("SHA512") == "1" })
	leave()
	<-ended
	h.within("ended", func() bool { return h.running("SHA512") == "0" })
}

// Values that JSON or JavaScript have no numbers for, and texts that spreadsheets take for formulas.
func TestValuesArriveAsTheyAre(t *testing.T) {
	h := newHouse(t)
	h.as = ops
	for expression, want := range map[string]string{
		"toUInt64(9007199254740991)":                           `9007199254740991`,
		"toUInt64(9007199254740992)":                           `"9007199254740992"`,
		"toInt64(-9007199254740993)":                           `"-9007199254740993"`,
		"toInt64(-9007199254740991)":                           `-9007199254740991`,
		"toUInt128('340282366920938463463374607431768211455')": `"340282366920938463463374607431768211455"`,
		"nan": `null`, "inf": `null`, "-inf": `null`, "NULL": `null`, "[nan, 1.5]": `[null,1.5]`,
		"toFloat32(0.1)": `0.1`, "0.1": `0.1`, "true": `true`,
		"toDate('2026-11-25')": `"2026-11-25"`, "toDateTime64('2026-11-25 10:00:00.120', 3, 'UTC')": `"2026-11-25T10:00:00.12Z"`,
		"toDateTime('2026-11-25 10:00:00', 'Asia/Tokyo')": `"2026-11-25T01:00:00Z"`, "[toDate('2026-11-25')]": `["2026-11-25"]`,
		"map('a', 1, 'b', 2)": `{"a":1,"b":2}`, "(1, 'x')": `[1,"x"]`, "toUUID('01890c3a-7b1e-7c3d-8e4f-5a6b7c8d9e0f')": `"01890c3a-7b1e-7c3d-8e4f-5a6b7c8d9e0f"`,
		"toDecimal64(1.25, 2)": `"1.25"`, "toNullable(7)": `7`, "toLowCardinality('x')": `"x"`, "CAST(1, 'Enum8(\\'a\\' = 1)')": `"a"`, "toIPv4('192.0.2.1')": `"192.0.2.1"`,
		"'</script>'": `"\u003c/script\u003e"`, "'\\xff'": `"�"`, "'💥'": `"💥"`, "CAST('{\"a\":{\"b\":1}}', 'JSON')": `{"a":{"b":1}}`,
	} {
		a := h.sql("shop", "SELECT "+expression+" AS v")
		var rows struct{ Rows [][]json.RawMessage }
		if err := json.Unmarshal([]byte(a.text), &rows); err != nil || len(rows.Rows) != 1 {
			t.Errorf("%s: %d %s", expression, a.status, a.text)
			continue
		}
		if got := string(rows.Rows[0][0]); got != want {
			t.Errorf("%s is %s, want %s", expression, got, want)
		}
	}
	a := h.sql("shop", `SELECT '=1+1' AS "=head", '+x', '-x', '@x', '\t=x', '\r=x', '＝x', 'a,"b"\nc' AS quoted, -1, -1.5, 'x', NULL, [-1], '-' AS dash`, "Accept", "text/csv")
	lines := strings.SplitN(a.text, "\r\n", 2)
	if a.status != http.StatusOK || len(lines) != 2 || !strings.HasPrefix(lines[0], "'=head,") {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if got, want := lines[1], "'=1+1,'+x,'-x,'@x,'\t=x,\"'\r=x\",'＝x,\"a,\"\"b\"\"\nc\",-1,-1.5,x,,[-1],'-\r\n"; got != want {
		t.Errorf("CSV is\n%q, want\n%q", got, want)
	}
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="sql_shop.csv"` {
		t.Errorf("Content-Disposition: %s", got)
	}
}

func TestAQuestionIsAFileForWhoWantsOne(t *testing.T) {
	h := newHouse(t)
	for _, a := range []answer{h.get("/api/ask/environments?account=shop&format=csv&from=2026-01-01&to=2026-12-31"), h.get("/api/ask/environments?account=shop&from=2026-01-01&to=2026-12-31", "Accept", "text/csv")} {
		if a.status != http.StatusOK || !strings.HasPrefix(a.text, "environment,visitors,last_seen\r\n") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") ||
			a.header.Get("Content-Disposition") != `attachment; filename="environments_shop_2026-01-01_2026-12-31.csv"` {
			t.Errorf("%d %v %s", a.status, a.header, a.text)
		}
	}
}
