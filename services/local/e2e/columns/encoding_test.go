package columns

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// kinds is a table of every type that has an encoder of its own, and of some that the driver encodes.
const kinds = `CREATE TABLE %s (part UInt32, n Int64, id UUID, text String, word LowCardinality(String), plain String, few LowCardinality(String),
	lists Array(LowCardinality(String)), strings Array(String), json JSON(max_dynamic_paths = 0), at DateTime64(3, 'UTC'), micros DateTime64(6, 'UTC'),
	seconds DateTime('UTC'), yes Bool, flag Enum8('a' = 0, 'b' = 1, 'c' = -7), small Int32, degrees Nullable(Float32)) ENGINE = MergeTree ORDER BY n`

// drawn are columns of random values, some of them changed afterwards.
func drawn(rng *rand.Rand, part uint32, rows int) []clickhouse.Column {
	var (
		parts, n                   = make([]uint32, rows), make([]int64, rows)
		ids, times, micros         = make([]uuid.UUID, rows), make([]int64, rows), make([]int64, rows)
		seconds, yes, flags, small = make(clickhouse.Seconds, rows), make([]bool, rows), make([]int8, rows), make([]int32, rows)
		text, few, json            clickhouse.Texts
		word, plain                clickhouse.Words
		lists, others              clickhouse.Lists
		degrees                    clickhouse.Floats
		distinct                   = 1 << rng.IntN(14)
		some                       = func(most int) string { return bytesOf(rng, most) }
	)
	for i := range rows {
		parts[i], n[i] = part, int64(i)
		for b := range ids[i] {
			ids[i][b] = byte(rng.Uint32())
		}
		times[i], micros[i] = rng.Int64N(math.MaxInt64/1_000_000), rng.Int64N(4e12)
		seconds[i], yes[i], flags[i], small[i] = rng.Uint32(), rng.IntN(2) == 0, []int8{0, 1, -7}[rng.IntN(3)], int32(rng.Uint32())
		text.Append(some(300))
		few.Append(some(3))
		json.Append(fmt.Sprintf(`{"a":%d,"b":{"c":"%d"}}`, rng.IntN(100), rng.IntN(100)))
		word.Append(fmt.Sprint(rng.IntN(distinct)))
		plain.Append([]string{"", "a", "b"}[rng.IntN(3)])
		for range 2 {
			list := make([]string, rng.IntN(4))
			for j := range list {
				list[j] = some(2)
			}
			if lists.Len() == i {
				lists.Append(list)
			} else {
				others.Append(list)
			}
		}
		if rng.IntN(3) == 0 {
			degrees.AppendNull()
		} else {
			degrees.Append(rng.Float32())
		}
	}
	for range rng.IntN(1 + rows/10) {
		i := rng.IntN(rows)
		text.Set(i, "changed")
		word.Set(i, "changed")
		lists.Empty(i)
		degrees.SetNull(i)
	}
	return []clickhouse.Column{
		{Name: "part", Values: parts}, {Name: "n", Values: n}, {Name: "id", Values: ids}, {Name: "text", Values: &text}, {Name: "word", Values: &word},
		{Name: "plain", Values: &plain}, {Name: "few", Values: &few}, {Name: "lists", Values: &lists}, {Name: "strings", Values: &others}, {Name: "json", Values: &json},
		{Name: "at", Values: times}, {Name: "micros", Values: micros}, {Name: "seconds", Values: seconds}, {Name: "yes", Values: yes}, {Name: "flag", Values: flags},
		{Name: "small", Values: small}, {Name: "degrees", Values: &degrees},
	}
}

// bytesOf is a string of at most so many bytes, of any kind.
func bytesOf(rng *rand.Rand, most int) string {
	b := make([]byte, rng.IntN(most+1))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// What is written past the driver is what the driver writes, row for row, for one part and for several, of any size.
func TestABlockOfOurOwnIsTheDriversBlock(t *testing.T) {
	server := chdbtest.Start(t)
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{server.NativeAddr}, server.Database
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	plain, err := ch.Open(&ch.Options{Addr: cfg.Addresses, Auth: ch.Auth{Database: server.Database, Username: "default"}, Compression: &ch.Compression{Method: ch.CompressionLZ4}})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	for round, sizes := range [][]int{{1}, {3, 0, 2}, {700}, {300, 700, 1}, {9_000, 3_000}} {
		var parts [][]clickhouse.Column
		for part, rows := range sizes {
			parts = append(parts, drawn(rng, uint32(part), rows))
		}
		for _, by := range []string{"own", "drivers"} {
			if err := conn.Exec(t.Context(), fmt.Sprintf("CREATE OR REPLACE "+strings.TrimPrefix(kinds, "CREATE "), by)); err != nil {
				t.Fatal(err)
			}
		}
		names := make([]string, len(parts[0]))
		for i, column := range parts[0] {
			names[i] = column.Name
		}
		into := func(table string) string { return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ")" }
		if err := conn.Insert(t.Context(), into("own"), "", parts...); err != nil {
			t.Fatalf("%v: %v", sizes, err)
		}
		asTheDriver(t, plain, into("drivers"), parts)
		own, drivers := dump(t, conn, "own"), dump(t, conn, "drivers")
		if want := sum(sizes); len(own) != want || len(drivers) != want {
			t.Fatalf("%v: %d and %d rows, want %d", sizes, len(own), len(drivers), want)
		}
		for i := range own {
			if diff := cmp.Diff(drivers[i], own[i]); diff != "" {
				t.Fatalf("round %d, %v: row %d is not the driver's (-driver +own):\n%s", round, sizes, i, diff)
			}
		}
	}
}

// asTheDriver inserts parts by the driver's own columns.
func asTheDriver(t *testing.T, conn driver.Conn, statement string, parts [][]clickhouse.Column) {
	t.Helper()
	batch, err := conn.PrepareBatch(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		for i, column := range part {
			if err := batch.Column(i).Append(column.Plain()); err != nil {
				t.Fatalf("%s: %v", column.Name, err)
			}
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// dump returns the rows of a table, in order.
func dump(t *testing.T, conn *clickhouse.Conn, table string) (rows []string) {
	t.Helper()
	err := conn.Query(t.Context(), "SELECT formatRow('JSONCompactEachRow', *) FROM "+table+" ORDER BY part, n", func(_ []string, v []any) error {
		rows = append(rows, fmt.Sprint(v[0]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func sum(sizes []int) (n int) {
	for _, size := range sizes {
		n += size
	}
	return n
}
