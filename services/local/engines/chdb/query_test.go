package chdb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// table reads a result as text: the columns' names and types, then the rows.
func table(t *testing.T, conn driver.Conn, query string) string {
	t.Helper()
	rows, err := conn.Query(within(t, time.Minute), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var text string
	for i, c := range rows.ColumnTypes() {
		text += fmt.Sprintf("%s %s,", rows.Columns()[i], c.DatabaseTypeName())
	}
	for rows.Next() {
		values := make([]any, len(rows.ColumnTypes()))
		for i, c := range rows.ColumnTypes() {
			values[i] = newValue(c)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		text += "\n"
		for _, v := range values {
			text += valueText(v) + ","
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

func newValue(c driver.ColumnType) any {
	switch c.DatabaseTypeName() {
	case "UInt8":
		return new(uint8)
	case "UInt64":
		return new(uint64)
	}
	return new(string)
}

func valueText(v any) string {
	switch v := v.(type) {
	case *uint8:
		return fmt.Sprint(*v)
	case *uint64:
		return fmt.Sprint(*v)
	case *string:
		return *v
	}
	return fmt.Sprint(v)
}

func TestNativeStatementsOfEveryKindGiveTheirResult(t *testing.T) {
	server := chdbtest.Start(t)
	conn := server.Open(t, func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	for _, c := range []struct{ query, want string }{
		{"CREATE TABLE t (n UInt8, s LowCardinality(String)) ENGINE = MergeTree ORDER BY n", ""},
		{"INSERT INTO t VALUES (1, 'a'), (1 + 1, upper('b'))", ""},
		{"INSERT INTO t SELECT 3, 'c'", ""},
		{"SELECT n, s FROM t ORDER BY n", "n UInt8,s LowCardinality(String),\n1,a,\n2,B,\n3,c,"},
		{"SELECT n, s FROM t WHERE n > 100; -- nothing", "n UInt8,s LowCardinality(String),"},
		{"WITH 1 AS x SELECT toUInt64(x) AS y WHERE y > 1", "y UInt64,"},
		{"(SELECT 1 AS x) UNION ALL (SELECT 1)", "x UInt8,\n1,\n1,"},
		{"SELECT 1 AS x FORMAT JSON", "x UInt8,\n1,"},
		{"SHOW TABLES", "name String,\nt,"},
		{"SHOW TABLES LIKE 'none'", "name String,"},
		{"EXISTS TABLE t", "result UInt8,\n1,"},
		{"EXPLAIN SYNTAX SELECT 1", "explain String,\nSELECT 1,\nFROM system.one,"},
		{"SELECT currentDatabase() = '" + server.Database + "' AS own", "own UInt8,\n1,"},
		{"USE system", ""},
		{"SELECT currentDatabase() AS d", "d String,\nsystem,"},
		{"SET max_threads = 1", ""},
		{"SELECT toUInt8(getSetting('max_threads')) AS n", "n UInt8,\n1,"},
	} {
		t.Run(c.query, func(t *testing.T) {
			if c.want == "" {
				if err := conn.Exec(within(t, time.Minute), c.query); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got := table(t, conn, c.query); got != c.want {
				t.Errorf("result %q, want %q", got, c.want)
			}
		})
	}
}

func TestSettingsOfAQueryLastForThatQuery(t *testing.T) {
	server := chdbtest.Start(t)
	conn := server.Open(t, func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	ctx := within(t, time.Minute)
	set := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_block_size": 123, "log_comment": "it's \\ quoted"}))
	const query = "SELECT toUInt64(getSetting('max_block_size')), getSetting('log_comment') = 'it\\'s \\\\ quoted'"
	for range 2 {
		var size uint64
		var quoted bool
		if err := conn.QueryRow(set, query).Scan(&size, &quoted); err != nil || size != 123 || !quoted {
			t.Errorf("with settings: %d, %t, %v", size, quoted, err)
		}
		if err := conn.QueryRow(ctx, query).Scan(&size, &quoted); err != nil || size == 123 || quoted {
			t.Errorf("without settings: %d, %t, %v", size, quoted, err)
		}
	}
}

// A parameter is text in ClickHouse's escaped form; clickhouse.Named escapes, WithParameters takes it as it is.
func TestQueryParametersAreBoundByTheEngine(t *testing.T) {
	conn := chdbtest.Start(t).Open(t)
	const query, text = "SELECT {n:UInt64}, {s:String}, {a:Array(String)}", "it's \\ a\ttab\nline"
	escaped := clickhouse.Parameters{"n": "42", "s": `it's \\ a\ttab\nline`, "a": "['x','y']"}
	for name, row := range map[string]driver.Row{
		"named":      conn.QueryRow(within(t, time.Minute), query, clickhouse.Named("n", 42), clickhouse.Named("s", text), clickhouse.Named("a", []string{"x", "y"})),
		"parameters": conn.QueryRow(clickhouse.Context(within(t, time.Minute), clickhouse.WithParameters(escaped)), query),
	} {
		var n uint64
		var s string
		var a []string
		if err := row.Scan(&n, &s, &a); err != nil || n != 42 || s != text || fmt.Sprint(a) != "[x y]" {
			t.Errorf("%s: got %d, %q, %q, %v", name, n, s, a, err)
		}
	}
}

func TestALargeResultArrivesWhole(t *testing.T) {
	for name, method := range map[string]*clickhouse.Compression{"none": nil, "lz4": {Method: clickhouse.CompressionLZ4}} {
		t.Run(name, func(t *testing.T) {
			conn := chdbtest.Start(t).Open(t, func(o *clickhouse.Options) { o.Compression = method })
			rows, err := conn.Query(within(t, time.Minute), "SELECT number, toString(number) FROM numbers(1000000)")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var n, number uint64
			var text string
			for ; rows.Next(); n++ {
				if err := rows.Scan(&number, &text); err != nil || number != n || text != fmt.Sprint(n) {
					t.Fatalf("row %d: %d, %q, %v", n, number, text, err)
				}
			}
			if err := rows.Err(); err != nil || n != 1_000_000 {
				t.Errorf("%d rows, %v", n, err)
			}
		})
	}
}

func TestManyClientsInsertAndQueryAtOnce(t *testing.T) {
	server := chdbtest.Start(t)
	ctx := within(t, 2*time.Minute)
	admin := server.Open(t)
	if err := admin.Exec(ctx, "CREATE TABLE t (day Date, n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	const clients, inserts, rows = 6, 10, 500
	var group errgroup.Group
	for i := range clients {
		conn := server.Open(t)
		group.Go(func() error {
			for range inserts {
				if err := insertNumbers(ctx, conn, "t", "", rows); err != nil {
					return fmt.Errorf("client %d: %w", i, err)
				}
				var total, uniq uint64
				if err := conn.QueryRow(ctx, "SELECT count(), uniqExact(n) FROM t").Scan(&total, &uniq); err != nil {
					return fmt.Errorf("client %d: %w", i, err)
				}
				if total%rows != 0 || uniq != rows {
					return fmt.Errorf("client %d sees half an insert: %d rows, %d numbers", i, total, uniq)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := count(t, admin, "SELECT count() FROM t"); got != clients*inserts*rows {
		t.Errorf("%d rows, want %d", got, clients*inserts*rows)
	}
}
