package chdb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// insertNumbers inserts rows 0…n-1 in one block under a deduplication token.
func insertNumbers(ctx context.Context, conn driver.Conn, table, token string, n int) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+table+" (day, n)")
	if err != nil {
		return err
	}
	for i := range n {
		if err := batch.Append(time.Date(2026, 1, 1+i%3, 0, 0, 0, 0, time.UTC), uint64(i)); err != nil {
			return err
		}
	}
	return batch.Send()
}

func count(t *testing.T, conn driver.Conn, query string) (n uint64) {
	t.Helper()
	if err := conn.QueryRow(within(t, time.Minute), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestDeduplicationTokenDropsARepeatedInsertOfSeveralPartitions(t *testing.T) {
	ctx, conn := within(t, time.Minute), chdbtest.Start(t).Open(t)
	for _, table := range []struct {
		name, settings string
		want           uint64
	}{{"remembers", "SETTINGS non_replicated_deduplication_window = 100", 3000 + 3000}, {"forgets", "", 4*3000 + 900 + 3000}} {
		if err := conn.Exec(ctx, "CREATE TABLE "+table.name+" (day Date, n UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY n "+table.settings); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if err := insertNumbers(ctx, conn, table.name, "topic/1/0-3000", 3000); err != nil {
				t.Fatal(err)
			}
		}
		// It is the token that counts, not the rows: others under the same one are dropped, the same under another are not.
		if err := insertNumbers(ctx, conn, table.name, "topic/1/0-3000", 900); err != nil {
			t.Fatal(err)
		}
		if err := insertNumbers(ctx, conn, table.name, "topic/1/3000-6000", 3000); err != nil {
			t.Fatal(err)
		}
		if got := count(t, conn, "SELECT count() FROM "+table.name); got != table.want {
			t.Errorf("table that %s: %d rows, want %d", table.name, got, table.want)
		}
		if got := count(t, conn, "SELECT uniqExact(partition) FROM system.parts WHERE database = currentDatabase() AND active AND table = '"+table.name+"'"); got != 3 {
			t.Errorf("the insert spans %d partitions, want 3", got)
		}
	}
}

// With a materialized view a repeated insert must not be counted twice there either.
func TestDeduplicationReachesMaterializedViews(t *testing.T) {
	ctx := within(t, time.Minute)
	conn := chdbtest.Start(t).Open(t, func(o *clickhouse.Options) {
		o.Settings = clickhouse.Settings{"deduplicate_blocks_in_dependent_materialized_views": 1}
	})
	for _, ddl := range []string{
		"CREATE TABLE src (day Date, n UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY n SETTINGS non_replicated_deduplication_window = 100",
		"CREATE TABLE dst (day Date, rows UInt64) ENGINE = SummingMergeTree ORDER BY day SETTINGS non_replicated_deduplication_window = 100",
		"CREATE MATERIALIZED VIEW mv TO dst AS SELECT day, count() AS rows FROM src GROUP BY day",
	} {
		if err := conn.Exec(ctx, ddl); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := insertNumbers(ctx, conn, "src", "token", 300); err != nil {
			t.Fatal(err)
		}
	}
	if src, dst := count(t, conn, "SELECT count() FROM src"), count(t, conn, "SELECT sum(rows) FROM dst"); src != 300 || dst != 300 {
		t.Errorf("%d rows, the view counts %d; want 300 of each", src, dst)
	}
}

// What the sink's joint batches stand on: a small block under a token keeps a larger one out of the table partitions that it touches, and only out
// of them; and a view takes the first block under a token, whatever rows that has, and no other.
func TestASmallBlockUnderATokenFencesALargerOne(t *testing.T) {
	ctx := within(t, time.Minute)
	conn := chdbtest.Start(t).Open(t, func(o *clickhouse.Options) {
		o.Settings = clickhouse.Settings{"deduplicate_blocks_in_dependent_materialized_views": 1}
	})
	for _, ddl := range []string{
		"CREATE TABLE src (day Date, n UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY n SETTINGS non_replicated_deduplication_window = 100",
		"CREATE TABLE dst (day Date, n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100",
		"CREATE MATERIALIZED VIEW mv TO dst AS SELECT day, n FROM src",
	} {
		if err := conn.Exec(ctx, ddl); err != nil {
			t.Fatal(err)
		}
	}
	// Rows 0 to 2 are of three days, row 0 of the first.
	for _, step := range []struct{ rows, src, dst uint64 }{{1, 1, 1}, {30, 1 + 20, 1}, {30, 1 + 20, 1}} {
		if err := insertNumbers(ctx, conn, "src", "token", int(step.rows)); err != nil {
			t.Fatal(err)
		}
		if src, dst := count(t, conn, "SELECT count() FROM src"), count(t, conn, "SELECT count() FROM dst"); src != step.src || dst != step.dst {
			t.Errorf("after a block of %d: %d rows, want %d; the view has %d, want %d", step.rows, src, step.src, dst, step.dst)
		}
	}
}

// A block of the client must stay one block: a token is checked per block, so a split one would lose its second half on retry.
func TestABlockOfManyRowsStaysOnePart(t *testing.T) {
	ctx, conn := within(t, time.Minute), chdbtest.Start(t).Open(t)
	if err := conn.Exec(ctx, "CREATE TABLE one (day Date, n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100"); err != nil {
		t.Fatal(err)
	}
	const rows = 300_000
	for range 2 {
		if err := insertNumbers(ctx, conn, "one", "token", rows); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(t, conn, "SELECT count() FROM one"); got != rows {
		t.Errorf("%d rows, want %d", got, rows)
	}
	if got := count(t, conn, "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'one' AND level = 0"); got != 1 {
		t.Errorf("%d parts, want 1", got)
	}
}

func TestReplacingMergeTreeKeepsTheLastVersion(t *testing.T) {
	ctx, conn := within(t, time.Minute), chdbtest.Start(t).Open(t)
	if err := conn.Exec(ctx, "CREATE TABLE r (day Date, n UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	for v := range 3 {
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO r")
		if err != nil {
			t.Fatal(err)
		}
		for n := range 10 {
			if err := batch.Append(time.Now(), uint64(n), uint64(v)); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(t, conn, "SELECT sum(v) FROM r FINAL"); got != 20 {
		t.Errorf("sum of the last versions is %d, want 20", got)
	}
	if err := conn.Exec(ctx, "OPTIMIZE TABLE r FINAL"); err != nil {
		t.Fatal(err)
	}
	if got := count(t, conn, "SELECT count() FROM r"); got != 10 {
		t.Errorf("%d rows after a merge, want 10", got)
	}
}

func TestInsertFillsDefaultsAndFeedsMaterializedViews(t *testing.T) {
	ctx, conn := within(t, time.Minute), chdbtest.Start(t).Open(t)
	for _, ddl := range []string{
		"CREATE TABLE src (a UInt32, `b c` String DEFAULT 'none', m UInt32 MATERIALIZED a * 2, al String ALIAS upper(`b c`)) ENGINE = MergeTree ORDER BY a",
		"CREATE TABLE dst (s UInt64) ENGINE = SummingMergeTree ORDER BY tuple()",
		"CREATE MATERIALIZED VIEW mv TO dst AS SELECT sum(m) AS s FROM src",
	} {
		if err := conn.Exec(ctx, ddl); err != nil {
			t.Fatal(err)
		}
	}
	for query, row := range map[string][]any{
		"INSERT INTO src":                              {uint32(1), "x"},
		"INSERT INTO src (a)":                          {uint32(2)},
		"INSERT INTO src (`b c`, a)":                   {"y", uint32(3)},
		"INSERT INTO src (a) SETTINGS max_threads = 1": {uint32(4)},
	} {
		batch, err := conn.PrepareBatch(ctx, query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if err := batch.Append(row...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if err := batch.Send(); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	var got []string
	if err := conn.QueryRow(ctx, "SELECT groupArray(concat(toString(a), al, toString(m))) FROM (SELECT *, al, m FROM src ORDER BY a)").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if want := "[1X2 2NONE4 3Y6 4NONE8]"; fmt.Sprint(got) != want {
		t.Errorf("rows %v, want %s", got, want)
	}
	if got := count(t, conn, "SELECT sum(s) FROM dst"); got != 20 {
		t.Errorf("the view's sum is %d, want 20", got)
	}
}

// JSON goes both ways as text and as objects, with typed and dynamic paths; so do Variant and Dynamic.
func TestNativeCarriesSemistructuredTypes(t *testing.T) {
	ctx, conn := within(t, time.Minute), chdbtest.Start(t).Open(t)
	if err := conn.Exec(ctx, "CREATE TABLE j (n UInt8, j JSON(typed UInt32), d Dynamic, v Variant(UInt64, String)) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	object := clickhouse.NewJSON()
	object.SetValueAtPath("typed", uint32(7))
	object.SetValueAtPath("a.b", "object")
	for i, doc := range []any{`{"typed":5,"a":{"b":"text"},"list":[1,2]}`, object} {
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO j")
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Append(uint8(i), doc, clickhouse.NewDynamic(int64(i)), clickhouse.NewVariant(uint64(9))); err != nil {
			t.Fatal(err)
		}
		if err := batch.Append(uint8(i+10), doc, clickhouse.NewDynamic("text"), clickhouse.NewVariant("s")); err != nil {
			t.Fatal(err)
		}
		if err := batch.Send(); err != nil {
			t.Fatalf("send %T: %v", doc, err)
		}
	}
	if got := count(t, conn, "SELECT sum(j.typed) FROM j"); got != 24 {
		t.Errorf("sum of the typed path is %d, want 24", got)
	}
	rows, err := conn.Query(ctx, "SELECT j, d, v FROM j ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var j clickhouse.JSON
		var d clickhouse.Dynamic
		var v clickhouse.Variant
		if err := rows.Scan(&j, &d, &v); err != nil {
			t.Fatal(err)
		}
		b, _ := j.ValueAtPath("a.b")
		typed, _ := j.ValueAtPath("typed")
		if s, ok := b.(clickhouse.Dynamic); ok {
			b = s.Any()
		}
		got = append(got, fmt.Sprint(b, typed, d.Any(), v.Any()))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"text5 0 9", "object7 1 9", "text5texts", "object7texts"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	asText := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"output_format_native_write_json_as_string": 1}))
	var text string
	if err := conn.QueryRow(asText, "SELECT j FROM j WHERE n = 0").Scan(&text); err != nil {
		t.Fatal(err)
	}
	if !json.Valid([]byte(text)) {
		t.Errorf("JSON as text is %q", text)
	}
}
