package erasure

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-events/waymark/schemas"
)

// The enriched topic still has what was stored: a sink that loses its memory reads it all again.
func TestNobodyComesBackFromTheEnrichedTopic(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v", user: "ann", company: "c", n: 5}, visit{visitor: "v", n: 2}, visit{visitor: "w", user: "bob", company: "d", n: 5}, visit{visitor: "v", user: "ann", broken: true, n: 2}, visit{visitor: "w", broken: true, n: 1})
	p.holds(12, "1")
	p.eventually("dead letters", func() bool { return p.count("SELECT count() FROM dead_events") == 3 })
	p.erase("--user", "ann")
	p.holds(5, "1")
	p.reload()
	p.holds(5, "1")
	p.holds(5, "visitor_id = 'w'")
	p.eventually("the other's letter", func() bool { return p.count("SELECT count() FROM dead_events") == 1 })
	p.audit("Complete")
	p.erase("--company", "d", "--anonymise")
	p.holds(5, "visitor_id = toString(event_id)")
	p.reload()
	p.holds(5, "visitor_id = toString(event_id) AND company_id = '' AND props_text = '' AND url = ''")
	p.holds(5, "1")
}

func TestADeadLetterThatIsReplayedIsErased(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	ids := p.send(visit{account: "late", visitor: "v", user: "ann", n: 2}, visit{account: "late", visitor: "w", user: "bob", n: 2})
	p.eventually("dead letters", func() bool { return p.count("SELECT count() FROM dead_events WHERE reason = 'unknown_account'") == 4 })
	p.ctl("erase", "--yes", "--account", "late", "--visitor", "v", "--margin", "0s")
	p.write(p.enricherAccounts, accounts+late)
	if n := p.count("SELECT count() FROM dead_events"); n != 2 {
		t.Errorf("%d dead letters are left", n)
	}
	p.eventually("the account", func() bool {
		p.send(visit{account: "late", visitor: "probe", n: 1})
		return p.count("SELECT count() FROM events WHERE visitor_id = 'probe'") > 0
	})
	p.ctl("dead", "replay", "--yes", "--reason", "unknown_account", "--account", "late", "--wait", "20s")
	p.holds(2, "visitor_id = 'w'")
	p.holds(0, "visitor_id = 'v'")
	// Even the letters themselves, put on the raw topic by hand: Kafka has them still.
	for _, letter := range p.letters(ids[:2]) {
		p.produce(schemas.RawTopic(region), letter)
	}
	p.send(visit{visitor: "last", n: 1})
	p.holds(1, "visitor_id = 'last'")
	p.audit("Complete")
	p.holds(0, "visitor_id = 'v'")
}

func TestNobodyComesBackByEnrichingAgain(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v", user: "ann", n: 5}, visit{visitor: "w", user: "bob", n: 5})
	p.holds(10, "1")
	p.erase("--user", "ann")
	p.stop("enricher")
	from := time.Now().Add(-time.Hour)
	out := p.ctl("reenrich", "--region", region, "--from", from.Format(time.RFC3339), "--yes")
	_, command, found := strings.Cut(out, "once the lag is 0: waymarkctl ")
	command, _, _ = strings.Cut(command, ",")
	if want := "model rebuild --region eu --from " + from.UTC().AddDate(0, 0, -7).Format(time.DateOnly); !found || command != want {
		t.Errorf("it names %q, want %q", command, want)
	}
	p.start("enricher")
	p.holds(5, "epoch > 0")
	p.holds(5, "1")
	p.holds(5, "visitor_id = 'w'")
	p.ctl(strings.Fields(command)...)
	p.computes("enriched again", "1", "5 events, 5 plays, 1 end users")
	p.agrees("enriched again")
}

// What an edge has on its disk was received before the erasure, and comes after it.
func TestASpoolThatIsSentLateIsErased(t *testing.T) {
	t.Parallel()
	p := build(t, "enricher", "sink")
	p.spool = t.TempDir()
	p.cut(true)
	p.start("edge")
	p.send(visit{visitor: "v", user: "ann", n: 3}, visit{visitor: "w", user: "bob", n: 3})
	p.erase("--visitor", "v")
	p.cut(false)
	p.holds(3, "visitor_id = 'w'")
	p.holds(3, "1")
	p.audit("Complete")
}

// People go on sending while they are erased. What was received before is gone, what comes after stays, and everybody else's is whole.
func TestErasingUnderLoad(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	var mu sync.Mutex
	others := 0
	stop := make(chan struct{})
	var sending sync.WaitGroup
	for i := range 3 {
		sending.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				p.send(visit{visitor: "v", user: "ann", n: 3}, visit{visitor: fmt.Sprintf("w%d", i), user: "bob", n: 3})
				mu.Lock()
				others += 3
				mu.Unlock()
			}
		})
	}
	p.eventually("some rows", func() bool { return p.count("SELECT count() FROM events WHERE visitor_id = 'v'") > 100 })
	began := time.Now()
	p.erase("--user", "ann")
	ended := time.Now()
	close(stop)
	sending.Wait()
	p.audit("Complete")
	mu.Lock()
	defer mu.Unlock()
	p.holds(others, "user_id = 'bob'")
	before := fmt.Sprintf("visitor_id = 'v' AND received_at < fromUnixTimestamp64Milli(toInt64(%d))", began.UnixMilli())
	if n := p.count("SELECT count() FROM events WHERE " + before); n != 0 {
		t.Errorf("%d rows from before the erasure are left", n)
	}
	after := p.count(fmt.Sprintf("SELECT count() FROM events WHERE visitor_id = 'v' AND received_at BETWEEN fromUnixTimestamp64Milli(toInt64(%d)) AND fromUnixTimestamp64Milli(toInt64(%d))", began.Add(time.Second).UnixMilli(), ended.UnixMilli()))
	if after == 0 {
		t.Error("what came after the erasure is gone, too")
	}
	p.reload()
	p.holds(others, "user_id = 'bob'")
	if n := p.count("SELECT count() FROM events WHERE " + before); n != 0 {
		t.Errorf("%d rows from before the erasure came back", n)
	}
}

// While nobody can say who was erased, nothing is stored; it is afterwards, whole.
func TestNothingIsStoredWhileTheErasuresAreMissing(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v", n: 2})
	p.holds(2, "1")
	if err := p.operator().DeleteTopics(t.Context(), schemas.ErasuresTopic(region)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"enricher", "sink"} {
		p.eventually(name+" says so", func() bool {
			err := p.services[name].health.Ready(t.Context())
			return err != nil && strings.Contains(err.Error(), "erasures.eu is missing")
		})
	}
	p.send(visit{visitor: "v", n: 2})
	p.ctl("topics", "apply", "--replication-factor", "1", "--partitions", "2")
	p.holds(4, "1")
}
