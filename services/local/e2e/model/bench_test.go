package model

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// mostRows bounds the events of one round, and mostBlocks the blocks that they come in.
const (
	mostRows   = 120_000
	mostBlocks = 120
)

// BenchmarkFeeds stores the same events as blocks of the sink's size where little comes, under load and when it catches up, in turn with the feeds of the model and
// without them, and reports the engine's CPU time of both, the merges that follow among it, and the ratio of the medians.
func BenchmarkFeeds(b *testing.B) {
	for _, size := range []int{100, 1_500, 20_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			server := chdbtest.Start(b)
			with := newHouseIn(b, server)
			without := newHouseIn(b, chdbtest.Start(b))
			for _, feed := range []string{"item_activity_feed", "visitor_activity_feed", "end_user_activity_feed"} {
				without.exec("DROP VIEW " + feed + " SYNC")
			}
			rows := min(mostRows, mostBlocks*size)
			blocks := busyDay(rows, size)
			var fed, bare []float64
			for round := 0; b.Loop(); round++ {
				for i := range 2 {
					if (round+i)%2 == 0 { // each is first as often as the other
						fed = append(fed, with.spends(server.Pid, blocks))
					} else {
						bare = append(bare, without.spends(server.Pid, blocks))
					}
				}
			}
			b.ReportMetric(median(fed)/float64(rows)*1e6, "CPU-s/Mrows-fed")
			b.ReportMetric(median(bare)/float64(rows)*1e6, "CPU-s/Mrows-bare")
			b.ReportMetric(median(fed)/float64(len(blocks))*1e3, "CPU-ms/block-fed")
			b.ReportMetric(median(bare)/float64(len(blocks))*1e3, "CPU-ms/block-bare")
			b.ReportMetric(median(fed)/median(bare), "ratio")
		})
	}
}

func median(of []float64) float64 {
	slices.SortFunc(of, cmp.Compare[float64])
	return of[len(of)/2]
}

// busyDay is what 6,000 visitors of ten accounts do within some hours, most of it with forty items, in the order in which it happens: so many rows, in
// blocks of size.
func busyDay(rows, size int) (blocks [][]clickhouse.Column) {
	r := rand.New(rand.NewPCG(1, 2))
	kinds := []string{"walkthru", "walkthru", "walkthru", "launcher", "smarttip", "page", "page", "custom"}
	of := map[string][]string{"walkthru": {"play", "step", "step", "step", "complete"}, "launcher": {"show", "click"}, "smarttip": {"show", "interact"}, "page": {"view"}, "custom": {"track"}}
	events := make([]event, rows)
	start := time.Now().UTC().Truncate(24 * time.Hour)
	for i := range events {
		visitor, kind := r.IntN(6_000), pick(r, kinds...)
		events[i] = event{
			id: uuid.New(), at: start.Add(time.Duration(i) * 100 * time.Millisecond), account: fmt.Sprint("account-", visitor%10),
			visitor: fmt.Sprintf("7f000000-0000-4000-8000-%012d", visitor), user: fmt.Sprintf("user-%d@customer.example", visitor), company: fmt.Sprint("company-", visitor%300), environment: "production",
			itemType: kind, item: fmt.Sprint(124_000 + r.IntN(40)), name: fmt.Sprint("Item ", r.IntN(40)), event: pick(r, of[kind]...),
			interaction: fmt.Sprintf("%d-124909-%08d", start.UnixMilli(), visitor*7+i/40_000), step: int32(r.IntN(8)), stepName: pick(r, "Open", "Fill in", "Send"), stepCount: 8, iteration: 1,
			trigger: "launcher", country: pick(r, "DE", "US", "FR"), city: pick(r, "Kiel", "Lyon", "Austin"), browser: pick(r, "Chrome", "Firefox", "Safari"), os: pick(r, "Windows", "Mac OS X"),
			device: "desktop", language: pick(r, "de", "en", "fr"), source: "direct", path: fmt.Sprint("/projects/", r.IntN(2000)),
			props: fmt.Sprintf(`{"plan":"gold","cart":{"total":%d.5},"tags":["a","b"]}`, r.IntN(1000)),
		}
	}
	for part := range slices.Chunk(events, size) {
		columns := columnsOf(part)
		text := func(name string, of func(e *event) string) { columns = append(columns, column(name, part, of)) }
		text("props", func(e *event) string { return e.props })
		text("detail", func(*event) string { return `{"init":{"type":"launcher","id":7}}` })
		text("detail_text", func(*event) string { return `{"init":{"type":"launcher","id":7}}` })
		text("url", func(e *event) string { return "https://app.customer.example" + e.path + "?utm_source=mail" })
		text("url_host", func(*event) string { return "app.customer.example" })
		text("page_title", func(e *event) string { return "Project " + e.path })
		text("session_id", func(e *event) string { return "s-" + e.visitor })
		text("region", func(*event) string { return "eu" })
		text("ip_masked", func(*event) string { return "203.0.113.0" })
		blocks = append(blocks, columns)
	}
	return blocks
}

// spends stores blocks in empty tables, lets what the server merges by itself be merged, and returns the seconds of CPU that it took.
func (h *house) spends(pid int, blocks [][]clickhouse.Column) float64 {
	h.t.Helper()
	h.truncate()
	before, err := child.CPU(pid)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, columns := range blocks {
		h.tokens++
		if err := h.conn.Insert(deadline(h.t), statementOf(columns), fmt.Sprint("block ", h.tokens), columns); err != nil {
			h.t.Fatal(err)
		}
	}
	until := time.Now().Add(time.Minute)
	for quiet := 0; quiet < 5 && time.Now().Before(until); {
		if quiet++; h.ask("SELECT count() FROM system.merges WHERE database = currentDatabase()") != "0" {
			quiet = 0
		}
		time.Sleep(200 * time.Millisecond)
	}
	after, err := child.CPU(pid)
	if err != nil {
		h.t.Fatal(err)
	}
	return (after - before).Seconds()
}
