package identity

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// Each event is a batch of its own, so that the new topics' batches have the bounds of the old ones': a token made of names and offsets would
// have ClickHouse drop every one of them.
func TestBothTopicsMadeAnewUnderLittleTraffic(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 4)
	p.trickle("old", 20)
	p.settled()
	p.stop("sink", "enricher", "edge")
	p.anew(p.raw, p.enriched)
	p.start("edge", "enricher", "sink")
	p.trickle("new", 20)
	p.settled()
	p.holds("old", 20)
	p.holds("new", 20)
	p.audit(0, complete, "20 rows come from earlier logs of this topic")
	p.getsReady("edge", "enricher", "sink")
}

// Topics are deleted and made anew while their consumers run and while they stand still, and come back shorter or longer than they were.
func TestTopicsMadeAnew(t *testing.T) {
	for _, c := range []struct {
		name   string
		topics func(p *plant) []string
	}{
		{"raw", func(p *plant) []string { return []string{p.raw} }},
		{"enriched", func(p *plant) []string { return []string{p.enriched} }},
		{"raw and enriched", func(p *plant) []string { return []string{p.raw, p.enriched} }},
		{"dead", func(p *plant) []string { return []string{p.dead} }},
	} {
		for _, running := range []bool{true, false} {
			for _, n := range []int{14, 70} { // after 35
				t.Run(fmt.Sprintf("%s, consumers run %v, %d after 35", c.name, running, n), func(t *testing.T) {
					t.Parallel()
					p := newPlant(t, 2)
					p.burst("old", 35)
					p.bury(35)
					p.wantOnce("old", 35)
					p.wantDead(35)
					p.settled()
					if !running {
						p.stop("enricher", "sink")
					}
					p.anew(c.topics(p)...)
					if !running {
						p.burst("new", n)
						p.bury(n)
						p.start("enricher", "sink")
					} else {
						p.burst("new", n)
						p.bury(n)
					}
					p.has("new", n)
					p.wantDead(35 + n)
					if c.name == "enriched" {
						p.enrichedAgain()
					}
					p.settled()
					p.comesTo("old", 35)
					p.comesTo("new", n)
					p.wantDead(35 + n)
					p.audit(0, complete)
					p.getsReady("edge", "enricher", "sink")
				})
			}
		}
	}
}

// What lay on the enriched topic, and the sink had not read, is enriched again from the raw one.
func TestTheEnrichedTopicIsDeletedBeforeTheSinkHasReadIt(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 2)
	p.burst("stored", 30)
	p.wantOnce("stored", 30)
	p.settled()
	p.stop("sink")
	p.burst("unread", 40)
	p.enrichedAll()
	p.anew(p.enriched)
	p.start("sink")
	p.has("unread", 40)
	p.enrichedAgain()
	p.settled()
	p.comesTo("stored", 30)
	p.comesTo("unread", 40)
	p.audit(0, complete)
}

// enrichedAgain waits until every partition has noticed that the enriched topic was made anew. What is stored under the epoch before is
// replaced from then on.
func (p *plant) enrichedAgain() {
	p.t.Helper()
	const words = "the enriched topic was made anew: what was on it and not stored yet is enriched again, under a higher epoch"
	p.says("enricher", words)
	kafkatest.Wait(p.t, func() bool { return len(p.warned("enricher", words)) >= p.partitions }, "every partition begins again")
}

// comesTo waits until the table has exactly n events of a name: a replaced batch is missing for a moment.
func (p *plant) comesTo(name string, n int) {
	p.t.Helper()
	kafkatest.Wait(p.t, func() bool {
		return p.count("SELECT count() FROM events WHERE item_name = '"+name+"'") == n && p.count("SELECT uniqExact(event_id) FROM events WHERE item_name = '"+name+"'") == n
	}, "%d rows of %s, each of another event", n, name)
}

// enrichedAll waits until the enrichers have committed all of the raw topic.
func (p *plant) enrichedAll() {
	p.t.Helper()
	kafkatest.Wait(p.t, func() bool {
		lag, err := admin.Lag(p.deadline(), p.client, schemas.EnricherGroup(p.region), p.raw)
		if err != nil {
			return false
		}
		for _, l := range lag {
			if l.Lag > 0 {
				return false
			}
		}
		return true
	}, "everything is enriched")
}

// The topic stays away for longer than any look at it takes. The enricher is not ready, makes few generations, and serves the topic once it
// is there again, without a restart.
func TestTheRawTopicIsAwayForALongTime(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 4)
	p.burst("old", 20)
	p.wantOnce("old", 20)
	p.settled()
	joined := func() int { return p.services["enricher"].Logs.FilterMessage("joined").Len() }
	before := joined()
	p.must(p.op.DeleteTopics(p.deadline(), p.raw))
	<-time.After(25 * time.Second) // what is asserted is that nothing happens in this time
	for _, name := range []string{"enricher", "edge"} {
		p.notReady(name, p.raw)
	}
	if n := joined() - before; n > 3 {
		t.Errorf("%d generations without a topic", n)
	}
	p.create(p.raw)
	p.burst("new", 40)
	p.wantOnce("new", 40)
	p.settled()
	p.holds("old", 20)
	p.holds("new", 40)
	p.audit(0, complete)
	p.getsReady("edge", "enricher", "sink")
}

// Partitions are added to both topics, raw first, under events that go on. The edge soon uses them all. What clients repeat from before is known, wherever
// it comes now: a multiple of the former number leaves no key to go from one of the old partitions to another.
func TestPartitionsAreAddedToBothTopics(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 2)
	p.must(p.conn.Exec(p.deadline(), "SYSTEM STOP MERGES events")) // which would hide a double
	var before []string
	for i := range 35 {
		before = append(before, event("before", "wt", fmt.Sprint("v", i)))
	}
	p.post(before...)
	p.wantOnce("before", 35)
	p.must(p.op.AddPartitions(p.deadline(), p.raw, 4))
	p.notReady("enricher", "waymarkctl topics apply fixes it")
	p.burst("between", 35)
	p.must(p.op.AddPartitions(p.deadline(), p.enriched, 4))
	sent := 0
	kafkatest.Wait(t, func() bool {
		var events []string
		for i := range 50 {
			events = append(events, event("after", "wt", fmt.Sprint("v", i)))
		}
		p.post(events...)
		sent += len(events)
		logs, err := p.client.Offsets(p.deadline(), p.raw)
		p.must(err)
		return !slices.ContainsFunc(logs, func(l kafka.PartitionOffsets) bool { return l.End == 0 })
	}, "records on every partition")
	p.wantOnce("between", 35)
	p.post(before...) // most of them go to another partition than the first time
	p.wantOnce("after", sent)
	p.settled()
	p.holds("before", 35)
	p.holds("between", 35)
	p.holds("after", sent)
	if n := p.count("SELECT uniqExact(raw_partition) FROM events"); n != 4 {
		t.Errorf("rows of %d partitions", n)
	}
	p.audit(0, complete)
	p.getsReady("edge", "enricher", "sink")
}
