package answers

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

var dataQuality = question{
	view: "data_quality", everyone: true, askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		type check struct{ check, detail string }
		n := map[check]int{
			{"events", ""}: 0, {"clamped_time", "clamped_future"}: 0, {"clamped_time", "clamped_past"}: 0, {"preview", ""}: 0, {"late", ""}: 0, {"double", ""}: 0,
		}
		seen := make(map[[16]byte]bool)
		for _, e := range h.final {
			if e.Account != a.account || !a.in(e.Time) {
				continue
			}
			count := func(c check, when bool) {
				if when {
					n[c]++
				}
			}
			count(check{"events", ""}, true)
			count(check{"clamped_time", "clamped_future"}, e.TimeFlag == dataset.ClampedFuture)
			count(check{"clamped_time", "clamped_past"}, e.TimeFlag == dataset.ClampedPast)
			count(check{"preview", ""}, e.Preview)
			count(check{"late", ""}, e.ReceivedAt.Sub(e.Time) > time.Hour)
			count(check{"double", ""}, seen[e.ID])
			count(check{"bot", ""}, e.IsBot)
			for _, code := range slices.Compact(slices.Sorted(slices.Values(e.Flags))) {
				count(check{"flag", code}, true)
			}
			seen[e.ID] = true
		}
		places := make(map[string]bool)
		for _, d := range h.set.Dead {
			place := fmt.Sprint(d.TopicID, d.Partition, d.Offset)
			if d.Account == a.account && a.in(d.FailedAt) && !places[place] {
				places[place] = true
				n[check{"dead_letter", d.Reason}]++
			}
		}
		var rows []Row
		for c, events := range n {
			rows = append(rows, Row{"check": c.check, "detail": c.detail, "events": events})
		}
		return rows
	},
	mutations: []mutation{
		{"FROM events FINAL", "FROM events"},
		{"toIntervalHour(1)", "toIntervalHour(2)"},
		{"toString(reason) AS detail", "toString(stage) AS detail"},
		{"count() - uniqExact(cityHash64(event_id))", "0"},
		{"countIf(preview)", "countIf(preview OR is_bot)"},
	},
}

var freshness = question{
	view: "freshness", everyone: true,
	askedWith: []asked{
		{account: dataset.Fresh, from: day(3, 9), to: day(3, 9)}, {account: dataset.Fresh, from: day(3, 10), to: day(3, 13)},
		{account: dataset.Fresh, from: day(2, 1), to: day(3, 8)}, {account: "nobody", from: day(3, 9), to: day(3, 10)},
	},
	answer: func(h *house, a asked) []Row {
		type minute struct {
			enrich, store []float64
			oldest        time.Time
		}
		minutes := groups[time.Time, minute]{}
		for _, e := range h.stored {
			if e.Account != a.account || !a.in(e.InsertedAt) {
				continue
			}
			m := minutes.of(e.InsertedAt.Truncate(time.Minute))
			m.enrich = append(m.enrich, e.EnrichedAt.Sub(e.ReceivedAt).Seconds())
			m.store = append(m.store, e.InsertedAt.Sub(e.ReceivedAt).Seconds())
			if m.oldest.IsZero() || e.ReceivedAt.Before(m.oldest) {
				m.oldest = e.ReceivedAt
			}
		}
		var rows []Row
		for at, m := range minutes {
			rows = append(rows, Row{
				"minute": at.Format(time.DateTime), "events": len(m.store), "oldest_received_at": clock(m.oldest),
				"seconds_to_enrich_p50": quantile(0.5, m.enrich), "seconds_to_enrich_p99": quantile(0.99, m.enrich),
				"seconds_to_store_p50": quantile(0.5, m.store), "seconds_to_store_p99": quantile(0.99, m.store),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"dateDiff('millisecond', e.received_at, inserted_at)", "dateDiff('millisecond', e.enriched_at, inserted_at)"},
		{"toStartOfMinute(inserted_at)", "toStartOfMinute(received_at)"},
		{"time < toDateTime64('{to}' + 2, 3, 'UTC')", "time < toDateTime64('{to}' - 2, 3, 'UTC')"},
		{"min(e.received_at)", "max(e.received_at)"},
		{"(0.5, 0.99)", "(0.5, 0.9)"},
	},
}

// A record that was given up again, after a crash, is one dead letter before its rows are merged, too.
func TestDeadLettersOfOnePlaceCountOnce(t *testing.T) {
	h := open(t)
	h.exec(t, "SYSTEM STOP MERGES dead_events")
	defer h.exec(t, "SYSTEM START MERGES dead_events")
	if err := h.insert(t.Context(), "dead_events", "dead again", dataset.Columns(h.set.Dead[:200])); err != nil {
		t.Fatal(err)
	}
	if d := differ(h.ask(t, "SELECT count() > uniqExact(topic_id, partition, offset) AS doubled FROM dead_events"), []Row{{"doubled": 1}}); d != "" {
		t.Errorf("nothing is there twice: %s", d)
	}
	if d := h.compare(t, dataQuality, dataQuality.view); d != "" {
		t.Error(d)
	}
}
