package native

import (
	"bytes"
	"math/big"
	"testing"
	"time"

	chgo "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/chcol"
	chcolumn "github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/google/uuid"
	"github.com/paulmach/orb"
)

// samples are column types and values that clickhouse-go encodes for them.
var samples = []struct {
	name   string
	values []any
}{
	{"UInt8", []any{uint8(1), uint8(2)}},
	{"Int128", []any{big.NewInt(1), big.NewInt(-2)}},
	{"Float64", []any{1.5}},
	{"Bool", []any{true, false}},
	{"String", []any{"", "a", string(make([]byte, 300))}},
	{"FixedString(5)", []any{"abcde"}},
	{"UUID", []any{uuid.New()}},
	{"Date", []any{time.Now()}},
	{"DateTime64(3, 'UTC')", []any{time.Now()}},
	{"DateTime('Europe/Berlin')", []any{time.Now()}},
	{"Decimal(18, 3)", []any{}},
	{"IPv6", []any{"::1"}},
	{"Enum8('a' = 1, 'b, (c)' = 2)", []any{"b, (c)"}},
	{"Nullable(String)", []any{"x", nil}},
	{"Array(Array(Nullable(UInt32)))", []any{[][]*uint32{{}, nil}, [][]*uint32{}}},
	{"Array(LowCardinality(String))", []any{[]string{"a"}, []string{}}},
	{"LowCardinality(Nullable(String))", []any{"x", nil, "x"}},
	{"LowCardinality(FixedString(2))", []any{"xy"}},
	{"Map(LowCardinality(String), Array(UInt8))", []any{map[string][]uint8{"a": {1}, "b": {}}}},
	{"Tuple(a String, b Nullable(UInt8))", []any{[]any{"x", uint8(1)}}},
	{"Array(Tuple(a String, b UInt8))", []any{[]map[string]any{{"a": "x", "b": uint8(1)}}}},
	{"Point", []any{orb.Point{1, 2}}},
	{"MultiPolygon", []any{orb.MultiPolygon{{{{1, 2}, {3, 4}}}}}},
	{"SimpleAggregateFunction(sum, UInt64)", []any{uint64(1)}},
	{"Variant(String, UInt64)", []any{"s", uint64(1), nil, "t"}},
	{"Dynamic", []any{chcol.NewDynamic(int64(1)), chcol.NewDynamic("text"), chcol.NewDynamic([]string{"a"})}},
	{"JSON", []any{`{"a":1}`, `{}`}},
	{"JSON(typed UInt32, SKIP x, max_dynamic_paths=4)", []any{jsonObject("typed", uint32(1), "b", "x"), jsonObject("typed", uint32(2), "c.d", int64(2))}},
}

func jsonObject(pairs ...any) *chcol.JSON {
	j := chcol.NewJSON()
	for i := 0; i < len(pairs); i += 2 {
		j.SetValueAtPath(pairs[i].(string), pairs[i+1])
	}
	return j
}

// encode puts values into one block as clickhouse-go sends it.
func encode(t testing.TB, name string, values []any) []byte {
	t.Helper()
	b := proto.Block{ServerContext: &chcolumn.ServerContext{Revision: Revision, VersionMajor: 26, VersionMinor: 7, Timezone: time.UTC}}
	if err := b.AddColumn("c", chcolumn.Type(name)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, v := range values {
		if err := b.Append(v); err != nil {
			t.Fatalf("%s: append %v: %v", name, v, err)
		}
	}
	var buf chgo.Buffer
	if err := b.Encode(&buf, Revision); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return buf.Buf
}

func TestReadBlockEndsWhereTheClientsBlockEnds(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			wire := encode(t, s.name, s.values)
			tape := NewTape(bytes.NewReader(append(bytes.Clone(wire), "next"...)))
			b, err := ReadBlock(tape, Revision)
			if err != nil {
				t.Fatal(err)
			}
			if tape.Offset() != len(wire) || b.Rows != uint64(len(s.values)) || b.Columns[0].Type != s.name {
				t.Errorf("block of %d bytes, %d rows, type %q; want %d, %d, %q", tape.Offset(), b.Rows, b.Columns[0].Type, len(wire), len(s.values), s.name)
			}
			if again := b.AppendWire(nil, Revision); !bytes.Equal(again, wire) {
				t.Errorf("written again it is\n%x, was\n%x", again, wire)
			}
		})
	}
}

func TestCopyBlockGivesTheFormOfFormatNative(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			wire := encode(t, s.name, s.values)
			var body []byte
			columns, rows, failed, err := CopyBlock(NewTape(bytes.NewReader(wire)), Revision, func(b []byte) error {
				body = append(body, b...)
				return nil
			})
			if err != nil || failed != nil || columns != 1 || rows != uint64(len(s.values)) {
				t.Fatalf("%d columns, %d rows, %v, %v", columns, rows, failed, err)
			}
			if rows == 0 {
				if len(body) > 0 {
					t.Errorf("a block without rows is passed on as %x", body)
				}
				return
			}
			b, err := ReadBlock(BytesTape(body), 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.AppendWire(nil, Revision); !bytes.Equal(got, wire) {
				t.Errorf("in the protocol's form again it is\n%x, was\n%x", got, wire)
			}
		})
	}
}
