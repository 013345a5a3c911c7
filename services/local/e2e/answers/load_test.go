package answers

import (
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// What is in the tables is what the data set says: every row that was inserted and not erased.
func TestTheSetIsStored(t *testing.T) {
	h := open(t)
	const ours = " WHERE account_id IN ('acme', 'globex', 'tiny', 'fresh')" // other tests add accounts of their own
	for query, want := range map[string]int{
		"SELECT count() AS n FROM events FINAL" + ours:         len(h.final),
		"SELECT uniqExact(event_id) AS n FROM events" + ours:   unique(h.stored),
		"SELECT count() AS n FROM dead_events FINAL":           600,
		"SELECT uniqExact(account_id) AS n FROM events" + ours: 4,
	} {
		if d := differ(h.ask(t, query), []Row{{"n": want}}); d != "" {
			t.Errorf("%s: %s", query, d)
		}
	}
}

func unique(events []*dataset.Event) int {
	ids := make(map[[16]byte]bool)
	for _, e := range events {
		ids[e.ID] = true
	}
	return len(ids)
}

func TestQuantileAndDifferences(t *testing.T) {
	if got := quantile(0.9, []float64{4, 1, 2, 3}); got != 1+2.7 {
		t.Errorf("the 0.9 quantile of 1 to 4 is %v", got)
	}
	if got := differ([]Row{{"a": 0.1 + 0.2, "b": "x"}}, []Row{{"b": "x", "a": 0.3}}); got != "" {
		t.Errorf("they differ: %s", got)
	}
	for _, rows := range [][]Row{nil, {{"a": nil}}, {{"a": 1}, {"a": 1}}, {{"a": "1"}}, {{"a": "nan"}}} {
		if differ([]Row{{"a": 1}}, rows) == "" {
			t.Errorf("1 is the same as %v", rows)
		}
	}
	if got := clock(time.UnixMilli(1).UTC()); got != "1970-01-01 00:00:00.001" {
		t.Errorf("it is %s", got)
	}
}
