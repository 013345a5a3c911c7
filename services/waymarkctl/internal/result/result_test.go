package result

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// byAddress writes itself as JSON by its address only, as clickhouse-go's JSON value does.
type byAddress struct{ text string }

func (b *byAddress) MarshalJSON() ([]byte, error) { return []byte(b.text), nil }

func pointer[T any](v T) *T { return &v }

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{uint64(math.MaxUint64), `18446744073709551615`},
		{float32(0.1), `0.1`},
		{math.NaN(), `null`},
		{math.Inf(-1), `null`},
		{true, `true`},
		{"<a>\t\"b\"", `"<a>\t\"b\""`},
		{"\xff", `"\ufffd"`},
		{pointer(float32(0)), `0`},
		{(*float32)(nil), `null`},
		{pointer(pointer("x")), `"x"`},
		{uuid.MustParse("0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"), `"0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"`},
		{(*uuid.UUID)(nil), `null`},
		{time.UnixMilli(1_700_000_000_120).UTC(), `"2023-11-14T22:13:20.12Z"`},
		{*big.NewInt(7), `7`},
		{big.NewInt(8), `8`},
		{[]uint8{1, 255}, `[1,255]`},
		{[]string{}, `[]`},
		{map[string]uint64{"a": 1}, `{"a":1}`},
		{byAddress{`{"plan":"pro"}`}, `{"plan":"pro"}`},
		{[]byAddress{{`{}`}}, `[{}]`},
	} {
		got, err := encode(c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%T %v: got %s, %v; want %s", c.value, c.value, got, err, c.want)
		}
	}
	if _, err := encode(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}

func TestPrinters(t *testing.T) {
	names := []string{"name", "n", "props"}
	rows := [][]any{
		{"tab\there", pointer(int32(5)), byAddress{`{"a":"x\ny"}`}},
		{`back\slash`, (*int32)(nil), byAddress{`{}`}},
	}
	for format, want := range map[string]string{
		"tsv": "name\tn\tprops\n" + `tab\there` + "\t5\t" + `{"a":"x\\ny"}` + "\n" + `back\\slash` + "\t" + `\N` + "\t{}\n",
		"json": `{"name":"tab\there","n":5,"props":{"a":"x\ny"}}` + "\n" +
			`{"name":"back\\slash","n":null,"props":{}}` + "\n",
		"table": "name         n     props\n" + `tab\there    5     {"a":"x\\ny"}` + "\n" + `back\\slash  NULL  {}` + "\n",
	} {
		var out strings.Builder
		printer, err := New(format, &out)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if err := printer.Row(names, row); err != nil {
				t.Fatal(err)
			}
		}
		if err := printer.Flush(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
	if _, err := New("xml", nil); err == nil {
		t.Error("format xml was taken")
	}
}

// What a client wrote reaches people's terminals as text, and ClickHouse, when it reads the lines again, as it was.
func TestNoCellCommandsATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[2J\x07":         `\x1b[2J\x07`,
		"\u009b31m\x7f\u202e": `\xc2\x9b31m\x7f\xe2\x80\xae`,
		"=cmd|' /C calc'!A0":  "=cmd|' /C calc'!A0", // there is no CSV: a tab-separated value says what it is
		"'; DROP TABLE x; --": "'; DROP TABLE x; --",
		"line\r\nline":        `line\r\nline`,
	} {
		for _, format := range []string{"tsv", "table"} {
			var out strings.Builder
			printer, err := New(format, &out)
			if err != nil {
				t.Fatal(err)
			}
			if err := printer.Row([]string{"a"}, []any{in}); err != nil {
				t.Fatal(err)
			}
			if err := printer.Flush(); err != nil || out.String() != "a\n"+want+"\n" {
				t.Errorf("%s of %q: %q, %v", format, in, out.String(), err)
			}
		}
	}
}
