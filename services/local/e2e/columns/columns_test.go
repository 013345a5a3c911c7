// Package columns tests what the table events keeps of an account's own JSON, against ClickHouse's own engine, and measures what other
// columns would cost.
package columns

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// A table is the table events of a database of the test's own.
type table struct {
	t    testing.TB
	conn *clickhouse.Conn
}

func newTable(t testing.TB) *table {
	t.Helper()
	server := chdbtest.Start(t)
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{server.NativeAddr}, server.Database
	if _, err := clickhouse.Migrate(t.Context(), cfg, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &table{t, conn}
}

// store inserts events with these props as one block, the way the sink does, and returns the id that they share.
func (t *table) store(props ...string) (uuid.UUID, error) {
	session := uuid.New()
	var ids []uuid.UUID
	var sessions, texts, objects []string
	for _, sent := range props {
		ids, sessions = append(ids, uuid.New()), append(sessions, session.String())
		texts, objects = append(texts, sent), append(objects, clickhouse.Object([]byte(sent)))
	}
	return session, t.conn.Insert(context.Background(), "INSERT INTO events (event_id, session_id, props, props_text)", "", []clickhouse.Column{
		{Name: "event_id", Values: ids}, {Name: "session_id", Values: sessions}, {Name: "props", Values: objects}, {Name: "props_text", Values: texts},
	})
}

// A kept is what a query finds of an event's props.
type kept struct{ text, json, asked string }

// find returns, by the text that was sent, what the table has of a block, and the value of expression for each.
func (t *table) find(session uuid.UUID, expression string) (map[string]kept, error) {
	out := make(map[string]kept)
	err := t.conn.Query(context.Background(), "SELECT props_text, toString(props), ifNull(toString("+expression+"), '') FROM events WHERE session_id = ? SETTINGS json_type_escape_dots_in_keys = 1",
		func(_ []string, v []any) error {
			out[v[0].(string)] = kept{v[0].(string), v[1].(string), v[2].(string)}
			return nil
		}, session.String())
	return out, err
}

// strangers are events that a block may hold beside one: the same names with values of every other kind.
var strangers = []string{
	`{"v":"2024-01-01"}`, `{"v":"2024-01-01 00:00:00.5"}`, `{"v":"12"}`, `{"v":"true"}`, `{"v":12}`, `{"v":1.5}`, `{"v":true}`, `{"v":null}`, `{"v":[]}`, `{"v":[[1]]}`,
	`{"v":[{"w":1}]}`, `{"v":[1,"x",null]}`, `{"v":{"w":"x"}}`, `{"v":{"w":{"x":[1.5]}}}`, `{"a":1}`, `{"a":{"b":"x"}}`, `{"a":[{"b":[]}]}`, `{"a.b":[true]}`, `{}`, ``,
}

// What people met in JSON columns, as their reports have it, and what a query must find. None of it may depend on the block's other rows.
func TestWhatWasSentIsWhatIsRead(t *testing.T) {
	table := newTable(t)
	for name, c := range map[string]struct{ sent, ask, want string }{
		"a date with slashes":                       {`{"v":"10/12/2024"}`, `props.v::String`, `10/12/2024`},
		"a day that is none":                        {`{"v":"2024-02-30"}`, `props.v::String`, `2024-02-30`},
		"an hour that is none":                      {`{"v":"2024-01-15T25:00:00"}`, `props.v::String`, `2024-01-15T25:00:00`},
		"a time with an offset":                     {`{"v":"2024-01-15T10:00:00+05:30"}`, `props.v::String`, `2024-01-15T10:00:00+05:30`},
		"a birthday before 1970":                    {`{"v":"1945-05-08"}`, `props.v::String`, `1945-05-08`},
		"a time beyond 2106":                        {`{"v":"2262-04-11 23:47:16.854775807"}`, `props.v::String`, `2262-04-11 23:47:16.854775807`},
		"a digit as text":                           {`{"v":"1"}`, `dynamicType(props.v) || ' ' || props.v::String`, `String 1`},
		"a fraction as text":                        {`{"v":"1.50"}`, `props.v::String`, `1.50`},
		"text in an array of dates":                 {`{"v":["2024-01-01","1"]}`, `props`, `{"v":["2024-01-01","1"]}`},
		"true beside a number":                      {`{"v":[true,1]}`, `props`, `{"v":[true,1]}`},
		"false beside text":                         {`{"v":["",false,null]}`, `props`, `{"v":["",false,null]}`},
		"true beside a fraction":                    {`{"v":[true,1.5]}`, `props`, `{"v":[true,1.5]}`},
		"a number beside the same as text":          {`{"v":["1",1]}`, `props`, `{"v":["1",1]}`},
		"objects beside scalars":                    {`{"v":[1,{"b":1},[true],"x"]}`, `props`, `{"v":[1,{"b":1},[true],"x"]}`},
		"arrays of arrays of different things":      {`{"v":[[],["x"],[[1]],[{"a":1}]]}`, `props`, `{"v":[[],["x"],[[1]],[{"a":1}]]}`},
		"objects of different shapes":               {`{"v":[{"a":1},{"a":{"b":[{}]}},{"a":"x"}]}`, `props`, `{"v":[{"a":1},{"a":{"b":[{}]}},{"a":"x"}]}`},
		"an empty array":                            {`{"v":[]}`, `props`, `{"v":[]}`},
		"an array that only other rows have":        {`{"w":1}`, `props`, `{"w":1}`},
		"an array of null":                          {`{"v":[null]}`, `props`, `{"v":[null]}`},
		"the largest UInt64, and one":               {`{"v":18446744073709551616}`, `props.v::String`, `18446744073709551616`},
		"a number of 30 digits":                     {`{"v":-123456789012345678901234567890}`, `props.v::String`, `-123456789012345678901234567890`},
		"the largest Int64":                         {`{"v":9223372036854775807}`, `props.v.:Int64 - 1`, `9223372036854775806`},
		"integers beyond 64 bits in an array":       {`{"v":[1,18446744073709551616,-9223372036854775809]}`, `props`, `{"v":[1,"18446744073709551616","-9223372036854775809"]}`},
		"a number beyond a Float64":                 {`{"v":1e400}`, `props.v::String`, `1e400`},
		"a number that a Float64 takes for 0":       {`{"v":1e-400}`, `props.v::String`, `1e-400`},
		"zero with a power that is none":            {`{"v":0e99999}`, `props.v.:Float64`, `0`},
		"a dotted name beside a nested one":         {`{"a.b":1,"a":{"b":2}}`, "props.`a%2Eb`::String || ' ' || props.a.b::String", `1 2`},
		"the same below an array":                   {`{"v":[{"a.b":1,"a":{"b":2}}]}`, `props`, `{"v":[{"a.b":1,"a":{"b":2}}]}`},
		"a scalar beside a dotted name":             {`{"a":1,"a.b":2}`, "props.a::String || ' ' || props.`a%2Eb`::String", `1 2`},
		"two names that are one path":               {`{"a.b":1,"a%2Eb":2}`, `props.v IS NULL`, `1`},
		"empty names":                               {`{"":{"":1}}`, `props`, `{"":{"":1}}`},
		"names that are syntax":                     {`{"^a":1,"a.:Int64":2,"a[]":3,"a` + "`" + `b":4}`, `props`, `{"^a":1,"a.:Int64":2,"a[]":3,"a` + "`" + `b":4}`},
		"NUL in text":                               {`{"v":"\u0000"}`, `length(props.v::String)`, `1`},
		"NUL in a name":                             {`{"\u0000":1}`, `props`, `{"\u0000":1}`},
		"text beyond the BMP":                       {`{"v":"\ud83d\ude00 é"}`, `props.v::String`, `😀 é`},
		"arrays nested as deep as the edge goes":    {`{"v":` + strings.Repeat("[", 31) + "1" + strings.Repeat("]", 31) + `}`, `length(toString(props))`, `69`},
		"arrays nested deeper than types are":       {`{"v":` + strings.Repeat("[", 900) + "1" + strings.Repeat("]", 900) + `}`, `position(toString(props), '1') > 0`, `1`},
		"objects in arrays nested 1,000 times deep": {strings.Repeat(`{"v":[`, 499) + "1" + strings.Repeat("]}", 499), `position(toString(props), '1') > 0`, `1`},
	} {
		t.Run(name, func(t *testing.T) {
			for where, block := range map[string][]string{"alone": {c.sent}, "in a block of strangers": append(append([]string{}, strangers...), c.sent), "first of it": append([]string{c.sent}, strangers...)} {
				session, err := table.store(block...)
				if err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				found, err := table.find(session, c.ask)
				if err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				// What is compared as JSON has its names in the table's order.
				got, want := found[c.sent].asked, c.want
				if strings.HasPrefix(want, "{") {
					got, want = canonical(t, got), canonical(t, want)
				}
				if got != want {
					t.Errorf("%s: %s is %s, want %s", where, c.ask, got, want)
				}
			}
		})
	}
}

// A name is no file: a part has as many streams, each a file of a wide part, whatever the names in its rows.
func TestTenThousandNamesCostNoFiles(t *testing.T) {
	table := newTable(t)
	if err := table.conn.Exec(t.Context(), "ALTER TABLE events MODIFY SETTING min_bytes_for_wide_part = 0"); err != nil {
		t.Fatal(err)
	}
	var before, after uint64
	files := "SELECT toUInt64(sum(length(substreams))) FROM system.parts_columns WHERE database = currentDatabase() AND table = 'events' AND active"
	if _, err := table.store(`{"a":1}`); err != nil {
		t.Fatal(err)
	}
	if err := table.conn.Scalar(t.Context(), files, &before); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		var members []string
		for n := range 10_000 {
			members = append(members, fmt.Sprintf(`"name_%d":%d`, i*10_000+n, n))
		}
		sent := "{" + strings.Join(members, ",") + "}"
		session, err := table.store(sent)
		if err != nil {
			t.Fatal(err)
		}
		found, err := table.find(session, "props.name_"+fmt.Sprint(i*10_000+9_999))
		if err != nil {
			t.Fatal(err)
		}
		if got := found[sent]; got.asked != "9999" || canonical(t, got.json) != canonical(t, sent) {
			t.Errorf("one of ten thousand names is %q", got.asked)
		}
	}
	if err := table.conn.Exec(t.Context(), "OPTIMIZE TABLE events FINAL"); err != nil {
		t.Fatal(err)
	}
	if err := table.conn.Scalar(t.Context(), files, &after); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("streams of a part with one name, and with thirty thousand:\n%s", diff)
	}
}
