package identity

import (
	"testing"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
)

// ends returns where each partition of a topic ends.
func (p *plant) ends(topic string) []kafka.PartitionOffsets {
	p.t.Helper()
	out, err := p.client.Offsets(p.deadline(), topic)
	p.must(err)
	return out
}

// set sets a group's offsets on every partition of a topic to back records before their ends.
func (p *plant) set(group, topic string, back int64) {
	p.t.Helper()
	for _, of := range p.ends(topic) {
		p.must(p.op.SetOffset(p.deadline(), group, topic, of.Partition, max(of.Start, of.End-back)))
	}
}

// People delete a group as a cure, and brokers let its offsets expire: the table knows what is stored.
func TestTheGroupsAreDeleted(t *testing.T) {
	for name, services := range map[string][]string{"the sink's": {"sink"}, "the enricher's": {"enricher"}, "both": {"enricher", "sink"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t, 4)
			p.burst("old", 300)
			p.bury(10)
			p.wantOnce("old", 300)
			p.wantDead(10)
			p.settled()
			p.stop(services...)
			for _, service := range services {
				p.must(p.op.DeleteGroup(p.deadline(), "waymark-"+service+"."+p.region))
			}
			p.start(services...)
			p.burst("new", 50)
			p.bury(5)
			p.wantOnce("new", 50)
			p.settled()
			p.holds("old", 300)
			p.holds("new", 50)
			p.wantDead(15)
			p.audit(0, complete)
			p.getsReady(services...)
			if name == "the enricher's" {
				p.says("enricher", "nothing is committed for the partition, though it has been enriched")
			}
		})
	}
}

// Offsets that somebody set back double nothing. Set forward they pass over records: that is somebody's choice, and the service and the audit
// say which.
func TestOffsetsThatSomebodySet(t *testing.T) {
	for name, c := range map[string]struct {
		service string
		group   func(region string) string
		topic   func(region string) string
		forward string // what the service says of a choice to pass over records
	}{
		"the sink's":     {"sink", schemas.SinkGroup, schemas.EnrichedTopic, "to store it, stop the sinks and set the offset to"},
		"the enricher's": {"enricher", schemas.EnricherGroup, schemas.RawTopic, "the offset was set forward by another tool: records are skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t, 1)
			group, topic := c.group(p.region), c.topic(p.region)
			p.burst("old", 100)
			p.bury(10)
			p.wantOnce("old", 100)
			p.wantDead(10)
			p.settled()

			p.stop(c.service)
			p.set(group, topic, 60)
			p.start(c.service)
			p.burst("back", 20)
			p.wantOnce("back", 20)
			p.settled()
			p.holds("old", 100)
			p.wantDead(10)
			p.says(c.service, "another tool")
			p.audit(0, complete)

			p.stop(c.service)
			p.burst("passed", 40)
			if c.service == "sink" {
				p.enrichedAll()
			}
			p.set(group, topic, 15)
			p.start(c.service)
			p.wantOnce("passed", 15)
			p.settled()
			p.holds("passed", 15)
			p.says(c.service, c.forward)
			p.audit(1, "NOT complete: 25 records are missing", "missing: partition 0")

			// What the sentences tell to do.
			p.stop("sink", "enricher")
			if c.service == "sink" {
				p.set(group, topic, 1000)
			} else if status, out := p.ctl("reenrich", "--region", p.region, "--from", "-1h", "--yes"); status != 0 {
				t.Errorf("%d: %s", status, out)
			}
			p.start("sink", "enricher")
			p.has("passed", 40)
			p.settled()
			for name, n := range map[string]int{"old": 100, "back": 20, "passed": 40} {
				p.holds(name, n)
			}
			p.wantDead(10)
			p.audit(0, complete)
		})
	}
}
