package chdb_test

import (
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// What the sink's fences stand on. A block under a token that the table knows, in all its months or in some, is pushed to views as a whole all the same: one that
// knows the token drops it, whatever the table took, and one that does not takes it, whatever the table dropped.
func TestWhatViewsTakeOfABlockUnderAKnownToken(t *testing.T) {
	// Row i of a block is of the day i%3. src and dst are how many rows the table and the view have afterwards.
	type block struct {
		rows     int
		src, dst uint64
	}
	for name, c := range map[string]struct {
		deduplicate int // in views
		blocks      []block
	}{
		"a fence that comes late":                         {1, []block{{30, 30, 30}, {1, 30, 30}, {3, 30, 30}}},
		"a fence that comes first, in one month":          {1, []block{{1, 1, 1}, {30, 21, 1}}},
		"a fence that comes first, in all months":         {1, []block{{3, 3, 3}, {30, 3, 3}}},
		"a fence in another month than the one before":    {1, []block{{1, 1, 1}, {2, 2, 1}, {3, 3, 1}}},
		"one that is not deduplicated in views":           {0, []block{{1, 1, 1}, {2, 2, 1 + 2}, {3, 3, 1 + 2 + 3}}},
		"one that is not deduplicated in views, and late": {0, []block{{30, 30, 30}, {1, 30, 31}}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, time.Minute)
			conn := chdbtest.Start(t).Open(t, func(o *clickhouse.Options) {
				o.Settings = clickhouse.Settings{"deduplicate_blocks_in_dependent_materialized_views": c.deduplicate}
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
			for i, b := range c.blocks {
				if err := insertNumbers(ctx, conn, "src", "token", b.rows); err != nil {
					t.Fatal(err)
				}
				if src, dst := count(t, conn, "SELECT count() FROM src"), count(t, conn, "SELECT count() FROM dst"); src != b.src || dst != b.dst {
					t.Errorf("after block %d: %d rows, want %d; the view has %d, want %d", i+1, src, b.src, dst, b.dst)
				}
			}
		})
	}
}
