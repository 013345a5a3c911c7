package sink

import (
	"testing"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// Parts of one insert are one block under one token: one part of the table, which is there once.
func TestPartsOfAnInsertAreOneBlock(t *testing.T) {
	h := newHouse(t, 1)
	h.exec("CREATE TABLE parted (n Int64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 10")
	part := func(values ...int64) []clickhouse.Column { return []clickhouse.Column{{Name: "n", Values: values}} }
	for range 2 {
		if err := h.conn.Insert(deadline(t), "INSERT INTO parted (n)", "token", part(1, 2), part(4), part(8, 16)); err != nil {
			t.Fatal(err)
		}
	}
	if rows, sum := h.count("SELECT count() FROM parted"), h.count("SELECT toUInt64(sum(n)) FROM parted"); rows != 5 || sum != 31 {
		t.Errorf("%d rows with the sum %d, want 5 and 31", rows, sum)
	}
	if parts := h.count("SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'parted'"); parts != 1 {
		t.Errorf("%d parts, want 1", parts)
	}
}
