package chdb_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// BenchmarkInsert40Columns is the sink's shape of work: blocks of 50,000 rows of 40 columns, given by column, from clickhouse-go
// over the native protocol into a MergeTree. CPU is client's and engine's, memory the engine's. What limits it is the engine's writing
// of parts.
func BenchmarkInsert40Columns(b *testing.B) {
	const rows, columns = 50_000, 40
	for name, method := range map[string]*clickhouse.Compression{"none": nil, "lz4": {Method: clickhouse.CompressionLZ4}} {
		for _, clients := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%dclients", name, clients), func(b *testing.B) {
				server := chdbtest.Start(b)
				conn := server.Open(b, func(o *clickhouse.Options) { o.Compression = method; o.MaxOpenConns = 4 })
				ctx := context.Background()
				data := wideTable(b, ctx, conn, rows, columns)
				cpu := cpuSeconds(b, server)
				b.ResetTimer()
				for b.Loop() {
					var group sync.WaitGroup
					for range clients {
						group.Go(func() {
							if err := insertColumns(ctx, conn, data); err != nil {
								b.Error(err)
							}
						})
					}
					group.Wait()
				}
				inserted := float64(b.N * rows * clients)
				b.ReportMetric(inserted/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric((cpuSeconds(b, server)-cpu)/inserted*1e6, "CPU-s/Mrows")
				b.ReportMetric(residentMiB(b, server), "MiB-RSS")
			})
		}
	}
}

// wideTable makes a table of as many columns, in the proportions of the events table, and a block for it.
func wideTable(b *testing.B, ctx context.Context, conn driver.Conn, rows, columns int) []any {
	b.Helper()
	var ddl []string
	var data []any
	for c := range columns {
		switch c % 4 {
		case 0:
			ddl = append(ddl, fmt.Sprintf("c%d UInt64", c))
			v := make([]uint64, rows)
			for r := range v {
				v[r] = uint64(r * (c + 1))
			}
			data = append(data, v)
		case 1:
			ddl = append(ddl, fmt.Sprintf("c%d DateTime64(3, 'UTC')", c))
			v := make([]time.Time, rows)
			for r := range v {
				v[r] = time.UnixMilli(1_700_000_000_000 + int64(r))
			}
			data = append(data, v)
		case 2:
			ddl = append(ddl, fmt.Sprintf("c%d LowCardinality(String)", c))
			v := make([]string, rows)
			for r := range v {
				v[r] = fmt.Sprint("value ", r%50)
			}
			data = append(data, v)
		default:
			ddl = append(ddl, fmt.Sprintf("c%d String", c))
			v := make([]string, rows)
			for r := range v {
				v[r] = fmt.Sprintf("https://example.com/path/%d?q=%d", r%1000, r)
			}
			data = append(data, v)
		}
	}
	if err := conn.Exec(ctx, "CREATE TABLE wide ("+strings.Join(ddl, ", ")+") ENGINE = MergeTree ORDER BY c0"); err != nil {
		b.Fatal(err)
	}
	return data
}

func insertColumns(ctx context.Context, conn driver.Conn, data []any) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO wide")
	if err != nil {
		return err
	}
	for i, column := range data {
		if err := batch.Column(i).Append(column); err != nil {
			return err
		}
	}
	return batch.Send()
}

// BenchmarkSelectOne is the round trip of the smallest query.
func BenchmarkSelectOne(b *testing.B) {
	conn := chdbtest.Start(b).Open(b)
	var one uint8
	for b.Loop() {
		if err := conn.QueryRow(context.Background(), "SELECT 1").Scan(&one); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSelectRows is a large result: 1,000,000 rows of a number and a text.
func BenchmarkSelectRows(b *testing.B) {
	conn := chdbtest.Start(b).Open(b)
	for b.Loop() {
		rows, err := conn.Query(context.Background(), "SELECT number, toString(number) FROM numbers(1000000)")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
		}
		if err := rows.Err(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func cpuSeconds(b *testing.B, server chdbtest.Server) float64 {
	b.Helper()
	var total time.Duration
	for _, pid := range []int{os.Getpid(), server.Pid} {
		took, err := child.CPU(pid)
		if err != nil {
			b.Fatal(err)
		}
		total += took
	}
	return total.Seconds()
}

// residentMiB is the engine's resident memory.
func residentMiB(b *testing.B, server chdbtest.Server) float64 {
	b.Helper()
	var pages, resident int64
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", server.Pid))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Sscan(string(text), &pages, &resident); err != nil {
		b.Fatal(err)
	}
	return float64(resident*int64(os.Getpagesize())) / (1 << 20)
}
