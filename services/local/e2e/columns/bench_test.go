package columns

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	childprocess "github.com/waymark-events/waymark/services/local/rigs/child"
)

const (
	blocks    = 100
	blockRows = 1_500
	rows      = blocks * blockRows

	largeBlocks = 8
	largeRows   = 20_000

	hostileRows  = 10
	hostileNames = 3_400
	broadRows    = 10_000
	broadNames   = 100
)

// BenchmarkShapes measures what each shape costs, in a table that is otherwise events: the engine's CPU for inserts of 20,000 and of 1,500
// rows, for merging a hundred of the latter, and for a query that reads one path; files and bytes of what was merged; and what is left
// of a hostile sender's names. One round (-benchtime 1x) takes two minutes. CPU seconds of single rounds differ by a tenth.
func BenchmarkShapes(b *testing.B) {
	server := chdbtest.Start(b)
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{server.NativeAddr}, server.Database
	if _, err := clickhouse.Migrate(b.Context(), cfg, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		b.Fatal(err)
	}
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	m := &meter{b, conn, server.Pid}
	m.source("trickle", blocks, blockRows)
	m.source("large", largeBlocks, largeRows)
	// Ten events of names that nobody else uses, and ten thousand of a hundred names each.
	m.exec(fmt.Sprintf(`CREATE TABLE hostile ENGINE = Memory AS SELECT number::UInt32 AS block, 'account-1' AS account_id, '1' AS item_id, '{}' AS detail,
		'{' || arrayStringConcat(arrayMap(i -> '"n' || (number * %d + i)::String || '":' || i::String, range(%[1]d)), ',') || '}' AS props FROM numbers(%[2]d)`, hostileNames, hostileRows))
	m.exec(fmt.Sprintf(`CREATE TABLE broad ENGINE = Memory AS SELECT 0::UInt32 AS block, 'account-1' AS account_id, '1' AS item_id, '{}' AS detail,
		'{"plan":"pro",' || arrayStringConcat(arrayMap(i -> '"broad_' || i::String || '":"value ' || (i * number %% 997)::String || '"', range(%d)), ',') || '}' AS props FROM numbers(%d)`, broadNames, broadRows))
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			m := &meter{b, conn, server.Pid}
			for b.Loop() {
				m.inserts(s)
				m.mergesAndQueries(s)
				m.broadNames(s)
				m.hostileNames(s)
			}
		})
	}
}

// A meter runs statements and counts the engine's CPU time.
type meter struct {
	b    *testing.B
	conn *clickhouse.Conn
	pid  int
}

func (m *meter) inserts(s shape) {
	m.table("large_of_shape", s)
	spent := m.spent(func() {
		for block := range largeBlocks {
			m.insert("large_of_shape", "large", block, s)
		}
	})
	m.report(spent/(largeBlocks*largeRows)*1e6, "insert-20000-CPU-s/Mrows")
}

func (m *meter) mergesAndQueries(s shape) {
	const table = "trickle_of_shape"
	m.table(table, s)
	spent := m.spent(func() {
		for block := range blocks {
			m.insert(table, "trickle", block, s)
		}
	})
	m.report(spent/rows*1e6, "insert-1500-CPU-s/Mrows")
	m.report(m.merged(table)/rows*1e6, "merge-CPU-s/Mrows")
	m.report(float64(m.files(table)), "files")
	m.report(m.number(`SELECT sum(column_data_compressed_bytes) / `+fmt.Sprint(rows)+` FROM system.parts_columns
		WHERE active AND database = currentDatabase() AND table = '`+table+`' AND (column LIKE 'props%' OR column LIKE 'detail%')`), "bytes/row")
	m.report(m.asked(table, s)/rows*1e6, "query-CPU-s/Mrows")
}

func (m *meter) broadNames(s shape) {
	const table = "broad_of_shape"
	m.table(table, s)
	m.report(m.spent(func() { m.insert(table, "broad", 0, s) })/broadRows*1e6, "insert-100-names-CPU-s/Mrows")
	m.merged(table)
	m.report(m.asked(table, s)/broadRows*1e6, "query-100-names-CPU-s/Mrows")
}

func (m *meter) hostileNames(s shape) {
	const table = "hostile_of_shape"
	m.table(table, s)
	m.exec("ALTER TABLE " + table + " MODIFY SETTING min_bytes_for_wide_part = 0")
	spent := m.spent(func() {
		for block := range hostileRows {
			m.insert(table, "hostile", block, s)
		}
	})
	m.report(spent+m.merged(table), "hostile-CPU-s")
	m.report(float64(m.files(table)), "hostile-files")
}

// asked is what it takes to ask every row for one property.
func (m *meter) asked(table string, s shape) float64 {
	const times = 5
	return m.spent(func() {
		for range times {
			m.number("SELECT count() FROM " + table + " WHERE " + s.plan + " = 'pro'" + literally)
		}
	}) / times
}

func (m *meter) merged(table string) float64 {
	m.exec("SYSTEM START MERGES " + table)
	return m.spent(func() { m.exec("OPTIMIZE TABLE " + table + " FINAL") })
}

// spent is how many seconds of CPU the engine needs for something.
func (m *meter) spent(do func()) float64 {
	m.b.Helper()
	before := m.cpu()
	do()
	return (m.cpu() - before).Seconds()
}

func (m *meter) cpu() time.Duration {
	m.b.Helper()
	took, err := childprocess.CPU(m.pid)
	if err != nil {
		m.b.Fatal(err)
	}
	return took
}

// files counts those of table's largest part.
func (m *meter) files(table string) int {
	m.b.Helper()
	var part string
	if err := m.conn.Scalar(context.Background(), "SELECT path FROM system.parts WHERE database = currentDatabase() AND table = '"+table+"' AND active ORDER BY rows DESC LIMIT 1", &part); err != nil {
		m.b.Fatal(err)
	}
	files, err := os.ReadDir(part)
	if err != nil {
		m.b.Fatal(err)
	}
	return len(files)
}

func (m *meter) report(value float64, unit string) { m.b.ReportMetric(value, unit) }

func (m *meter) exec(statement string) {
	m.b.Helper()
	if err := m.conn.Exec(context.Background(), statement); err != nil {
		m.b.Fatalf("%.200s: %v", statement, err)
	}
}

func (m *meter) number(statement string) (n float64) {
	m.b.Helper()
	if err := m.conn.Scalar(context.Background(), "SELECT toFloat64(("+statement+"))", &n); err != nil {
		m.b.Fatalf("%.200s: %v", statement, err)
	}
	return n
}

// source makes a table in memory of n blocks of rows each.
func (m *meter) source(name string, n, rows int) {
	m.b.Helper()
	m.exec(`CREATE TABLE ` + name + ` (block UInt32, account_id String, props String, detail String, item_id String) ENGINE = Memory`)
	rng := rand.New(rand.NewPCG(1, 2))
	for block := range n {
		var blockOf []uint32
		var account, props, detail, item []string
		for range rows {
			a, p, d := event(rng)
			blockOf, item = append(blockOf, uint32(block)), append(item, fmt.Sprint(rng.IntN(40)))
			account, props, detail = append(account, a), append(props, p), append(detail, d)
		}
		err := m.conn.Insert(context.Background(), "INSERT INTO "+name+" (block, account_id, props, detail, item_id)", "", []clickhouse.Column{
			{Name: "block", Values: blockOf}, {Name: "account_id", Values: account}, {Name: "props", Values: props}, {Name: "detail", Values: detail}, {Name: "item_id", Values: item},
		})
		if err != nil {
			m.b.Fatal(err)
		}
	}
}

// literally is how the sink inserts.
const literally = ` SETTINGS input_format_try_infer_dates = 0, input_format_try_infer_datetimes = 0, input_format_json_read_bools_as_numbers = 0,
	input_format_json_read_bools_as_strings = 0, input_format_json_read_numbers_as_strings = 0, type_json_skip_duplicated_paths = 1, json_type_escape_dots_in_keys = 1, max_threads = 1`

// table makes the table events anew under another name, in a shape, and keeps it from merging.
func (m *meter) table(name string, s shape) {
	m.b.Helper()
	m.exec("DROP TABLE IF EXISTS " + name + " SYNC")
	m.exec("CREATE TABLE " + name + " AS events")
	m.exec("ALTER TABLE " + name + " DROP COLUMN props, DROP COLUMN props_text, DROP COLUMN detail, DROP COLUMN detail_text")
	for _, column := range s.columns {
		m.exec("ALTER TABLE " + name + " ADD COLUMN " + column)
	}
	m.exec("ALTER TABLE " + name + " MODIFY SETTING " + s.settings)
	m.exec("SYSTEM STOP MERGES " + name)
}

func (m *meter) insert(name, source string, block int, s shape) {
	m.b.Helper()
	var columns []string
	for _, column := range s.columns {
		columns = append(columns, strings.Fields(column)[0])
	}
	m.exec(fmt.Sprintf(`INSERT INTO %s (event_id, account_id, event, item_type, item_id, time, client_time, visitor_id, url, browser, os, raw_offset, %s)
		SELECT generateUUIDv4(), account_id, 'step', 'walkthru', item_id, toDateTime64('2026-11-20 00:00:00', 3) + %d * 60 + rowNumberInAllBlocks() / 30 AS at, at,
			'visitor-' || (rowNumberInAllBlocks() %% 1000)::String, 'https://app.example/invoices/new?draft=1', 'Chrome', 'Windows', rowNumberInAllBlocks(), %s
		FROM %s WHERE block = %d`, name, strings.Join(columns, ", "), block, s.values, source, block) + literally + ", max_insert_threads = 1, insert_deduplicate = 0")
}
