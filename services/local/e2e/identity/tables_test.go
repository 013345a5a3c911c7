package identity

import (
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

// sinkEnds waits until the sink has ended, and wants these words of its error and of its readiness. It leaves no dead letter.
func (p *plant) sinkEnds(words ...string) {
	p.t.Helper()
	s := p.services["sink"]
	kafkatest.Wait(p.t, s.HasEnded, "the sink ends (%s)", p.ready("sink"))
	err := s.Stop()
	if err == nil {
		p.t.Fatal("the sink ended well")
	}
	p.t.Logf("the sink ended: %v", err)
	for _, word := range words {
		if !strings.Contains(err.Error(), word) || !strings.Contains(p.ready("sink"), word) {
			p.t.Errorf("the sink ended with %v, and is not ready for %q: neither may lack %q", err, p.ready("sink"), word)
		}
	}
	p.wantDead(0)
}

// A view that refuses rows is an operator's: the table has stored the block before the view sees it. Nothing is buried, nothing stored twice,
// and once it is dropped or fixed all goes on.
func TestAViewRefusesRows(t *testing.T) {
	for name, c := range map[string]struct{ where, fixed string }{
		"one of 400":            {"WHERE item_name LIKE 'P%'", ""},
		"every one":             {"", ""},
		"one of 400, fixed":     {"WHERE item_name LIKE 'P%'", "toInt32OrZero(item_name)"},
		"every one, then fixed": {"", "toInt32OrZero(item_name)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t, 1)
			p.exec("CREATE TABLE mv_t (d Date, n Int32) ENGINE = MergeTree ORDER BY d SETTINGS non_replicated_deduplication_window = 1000")
			p.exec("CREATE MATERIALIZED VIEW mv TO mv_t AS SELECT toDate(time) d, toInt32(item_name) n FROM events " + c.where)
			var events []string
			for i := range 400 {
				kind := "Fine"
				if i == 170 {
					kind = "Poison"
				}
				events = append(events, event(kind, "wt", "v"))
			}
			p.post(events...)
			p.sinkEnds("the materialized view", "mv", "fix the view with ALTER TABLE … MODIFY QUERY, or drop it", "nothing is lost, a restart goes on from here")
			p.exec("DROP VIEW mv SYNC")
			if c.fixed != "" {
				p.exec("CREATE MATERIALIZED VIEW mv TO mv_t AS SELECT toDate(time) d, " + c.fixed + " n FROM events " + c.where)
			}
			p.start("sink")
			p.wantOnce("Fine", 399)
			p.wantOnce("Poison", 1)
			p.settled()
			p.wantDead(0)
			p.audit(0, complete)
			p.getsReady("sink")
			if want := map[string]int{"WHERE item_name LIKE 'P%'": 1, "": 400}[c.where]; c.fixed != "" && p.count("SELECT count() FROM mv_t") != want {
				t.Errorf("the view was given %d rows, want %d", p.count("SELECT count() FROM mv_t"), want)
			}
		})
	}
}

// A view that throws what passes elsewhere is tried again until it is fixed: then it is given what it lacks.
func TestAFixedViewIsGivenWhatItLacks(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 1)
	p.exec("CREATE TABLE mv_t (id UUID) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
	p.exec("CREATE MATERIALIZED VIEW mv TO mv_t AS SELECT event_id id FROM events WHERE item_name = 'e3' AND throwIf(1) = 0")
	p.burst("e3", 100)
	p.says("sink", "cannot insert; trying again")
	p.has("e3", 100)
	// Not dropped and made anew: a try between the two would find no view that lacks anything.
	p.exec("ALTER TABLE mv MODIFY QUERY SELECT event_id id FROM events WHERE item_name IN ('e3', 'e3b')")
	p.burst("e3b", 50)
	p.wantOnce("e3b", 50)
	p.settled()
	p.holds("e3", 100)
	p.wantDead(0)
	if rows, events := p.count("SELECT count() FROM mv_t"), p.count("SELECT uniqExact(id) FROM mv_t"); rows != 150 || events != 150 {
		t.Errorf("the view was given %d rows of %d events, want 150", rows, events)
	}
	p.audit(0, complete)
	p.getsReady("sink")
}

// What an operator has done to the table stops the sink with a sentence; what the sentence says fixes it; nothing is lost or buried.
func TestAnOperatorChangesTheTable(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		says   []string
		// again is what a sink says that is started without anything being fixed.
		again string
		cure  string
	}{
		"a new column's default throws": {
			"ALTER TABLE events ADD COLUMN zz_n Int32 DEFAULT toInt32(item_name)",
			[]string{"table events refuses rows though nothing is wrong with their values", "look at its constraints, and at the defaults"},
			"table events refuses rows though nothing is wrong with their values",
			"ALTER TABLE events DROP COLUMN zz_n",
		},
		"a column takes no values": {
			"ALTER TABLE events MODIFY COLUMN bot_name LowCardinality(String) MATERIALIZED ''",
			[]string{"bot_name, because it is MATERIALIZED column"},
			"ALTER TABLE events MODIFY COLUMN bot_name REMOVE MATERIALIZED",
			"ALTER TABLE events MODIFY COLUMN bot_name REMOVE MATERIALIZED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t, 1)
			p.burst("before", 60)
			p.wantOnce("before", 60)
			p.settled()
			p.exec(c.change)
			p.burst("after", 60)
			p.sinkEnds(c.says...)
			p.start("sink")
			p.sinkEnds(c.again)
			p.holds("after", 0)
			p.exec(c.cure)
			p.start("sink")
			p.wantOnce("after", 60)
			p.settled()
			p.holds("before", 60)
			p.wantDead(0)
			p.audit(0, complete)
			p.getsReady("sink")
		})
	}
}

// ClickHouse is far away, and the search for the refused rows takes longer than a look at the table holds: a sink that is started on such a
// batch must come to its end all the same.
func TestATableThatTakesNothingIsFoundOutFromFarAway(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 1)
	p.exec("ALTER TABLE events ADD COLUMN zz_n Int32 DEFAULT toInt32(item_name)")
	p.burst("far", 60)
	p.sinkEnds("table events refuses rows")
	proxy, err := faultproxy.Listen(p.tables.Addresses[0])
	p.must(err)
	t.Cleanup(func() { proxy.Close() })
	proxy.Delay(10 * time.Millisecond)
	p.tables.Addresses = []string{proxy.Addr()}
	p.start("sink")
	p.sinkEnds("table events refuses rows")
	if n := len(p.warned("sink", "cannot insert; trying again")); n > 0 {
		t.Errorf("%d warnings of something that did not fail", n)
	}
	proxy.Heal()
	p.exec("ALTER TABLE events DROP COLUMN zz_n")
	p.start("sink")
	p.wantOnce("far", 60)
	p.settled()
	p.wantDead(0)
	p.audit(0, complete)
}

// A table that lost its deduplication window still takes every event once; the sink that starts on it refuses it, with the cure.
func TestTheDeduplicationWindowIsTakenAway(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 1)
	p.burst("before", 60)
	p.wantOnce("before", 60)
	p.exec("ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 0")
	p.burst("running", 60)
	p.wantOnce("running", 60)
	p.settled()
	p.stop("sink")
	p.burst("stopped", 60)
	p.start("sink")
	cure := "ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 10000"
	p.sinkEnds("table events has no deduplication window", cure)
	p.holds("stopped", 0)
	p.exec(cure)
	p.start("sink")
	p.wantOnce("stopped", 60)
	p.settled()
	p.holds("running", 60)
	p.audit(0, complete)
	p.getsReady("sink")
}
