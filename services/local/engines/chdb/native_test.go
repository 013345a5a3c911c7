package chdb_test

import (
	"context"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// within bounds a test's queries: a hang fails the test rather than the run.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// every is one row of every column type that the project's tables use, and the nestings of them.
type every struct {
	ID     uuid.UUID         `ch:"id"`
	S      string            `ch:"s"`
	LC     string            `ch:"lc"`
	LCN    *string           `ch:"lcn"`
	T      time.Time         `ch:"t"`
	D      time.Time         `ch:"d"`
	F32    float32           `ch:"f32"`
	F64    float64           `ch:"f64"`
	U8     uint8             `ch:"u8"`
	U16    uint16            `ch:"u16"`
	U32    uint32            `ch:"u32"`
	U64    uint64            `ch:"u64"`
	I8     int8              `ch:"i8"`
	I16    int16             `ch:"i16"`
	I32    int32             `ch:"i32"`
	I64    int64             `ch:"i64"`
	B      bool              `ch:"b"`
	Arr    []string          `ch:"arr"`
	Nested [][]uint32        `ch:"nested"`
	M      map[string]string `ch:"m"`
	LCM    map[string]string `ch:"lcm"`
	NS     *string           `ch:"ns"`
	NU     *uint64           `ch:"nu"`
	E      string            `ch:"e"`
	FS     string            `ch:"fs"`
}

const everyColumns = `id UUID, s String, lc LowCardinality(String), lcn LowCardinality(Nullable(String)), t DateTime64(3,'UTC'),
	d Date, f32 Float32, f64 Float64, u8 UInt8, u16 UInt16, u32 UInt32, u64 UInt64, i8 Int8, i16 Int16, i32 Int32, i64 Int64,
	b Bool, arr Array(String), nested Array(Array(UInt32)), m Map(String,String), lcm Map(LowCardinality(String), LowCardinality(String)),
	ns Nullable(String), nu Nullable(UInt64), e Enum8('a' = 1, 'b, (c)' = 2), fs FixedString(3)`

func everyRow(i int) every {
	text, number := "näme", uint64(1)<<60
	row := every{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(i), byte(i >> 8)}), S: "text\x00\n", LC: []string{"", "one", "two"}[i%3],
		T: time.UnixMilli(1_700_000_000_123 + int64(i)).UTC(), D: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC),
		F32: 1.5, F64: -2.25, U8: 255, U16: 65535, U32: 1 << 31, U64: 1 << 63, I8: -128, I16: -32768, I32: -1 << 31, I64: -1 << 63,
		B: i%2 == 1, Arr: []string{"a", "", "c"}[:i%4], Nested: [][]uint32{{1, 2}, {}}, M: map[string]string{"k": "v", "": ""},
		LCM: map[string]string{"a": "b"}, E: "b, (c)", FS: "abc",
	}
	if i%2 == 0 {
		row.LCN, row.NS, row.NU = &text, &text, &number
	}
	return row
}

func TestNativeCarriesEveryTypeBothWaysUnderEveryCompression(t *testing.T) {
	server := chdbtest.Start(t)
	for name, method := range map[string]*clickhouse.Compression{
		"none": nil, "lz4": {Method: clickhouse.CompressionLZ4}, "lz4hc": {Method: clickhouse.CompressionLZ4HC}, "zstd": {Method: clickhouse.CompressionZSTD},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, time.Minute)
			conn := server.Open(t, func(o *clickhouse.Options) { o.Compression = method; o.MaxCompressionBuffer = 2000 })
			if err := conn.Exec(ctx, "CREATE TABLE every_"+name+" (n UInt32, "+everyColumns+") ENGINE = MergeTree ORDER BY n"); err != nil {
				t.Fatal(err)
			}
			const rows = 1000
			batch, err := conn.PrepareBatch(ctx, "INSERT INTO every_"+name)
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				row := everyRow(i)
				err := batch.Append(uint32(i), row.ID, row.S, row.LC, row.LCN, row.T, row.D, row.F32, row.F64, row.U8, row.U16, row.U32, row.U64,
					row.I8, row.I16, row.I32, row.I64, row.B, row.Arr, row.Nested, row.M, row.LCM, row.NS, row.NU, row.E, row.FS)
				if err != nil {
					t.Fatal(err)
				}
				if i%300 == 299 { // several blocks in one insert
					if err := batch.Flush(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			var got []every
			if err := conn.Select(ctx, &got, "SELECT * EXCEPT(n) FROM every_"+name+" ORDER BY n"); err != nil {
				t.Fatal(err)
			}
			if len(got) != rows {
				t.Fatalf("%d rows of %d came back", len(got), rows)
			}
			for i := range got {
				if diff := cmp.Diff(everyRow(i), got[i], cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("row %d differs (- inserted, + read):\n%s", i, diff)
				}
			}
		})
	}
}
