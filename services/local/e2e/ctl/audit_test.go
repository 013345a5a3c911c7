package ctl

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/schemas"
)

// Rows of a topic's predecessor have the offsets of the new topic's records: they prove nothing of these.
func TestAuditTellsARecordFromOneOfTheTopicsPredecessor(t *testing.T) {
	for name, n := range map[string]int{"as many": 30, "fewer": 10, "more": 50} {
		t.Run(name, func(t *testing.T) {
			h := byHand(t)
			old := h.edge(30, time.Now())
			h.passed(old, 30)
			finds(t, 0, found{Records: 30, Stored: 30})

			h.anew(schemas.RawTopic("us"), schemas.EnrichedTopic("us"))
			fresh := h.edge(n, time.Now())
			finds(t, 0, found{Records: n, UnderWay: n, Predecessors: 30})
			h.enrich(fresh)
			h.enricherAt(int64(n))
			finds(t, 0, found{Records: n, UnderWay: n, Predecessors: 30})
			// The sink took them for the predecessor's, and left them out.
			h.sinkAt(int64(n), int64(n-1))
			finds(t, 1, found{Records: n, Missing: n, Predecessors: 30}, "the sink is past them")
			h.store(fresh)
			finds(t, 0, found{Records: n, Stored: n, Predecessors: 30})
		})
	}
}

// What the enrichers' position on the predecessor says is not of this topic: its first records are not enriched.
func TestAuditReadsNoPositionOfAPredecessor(t *testing.T) {
	h := byHand(t)
	old := h.edge(20, time.Now())
	h.passed(old, 20)
	state := checkpoint.NewEnricher(0)
	state.Log = old[0].log.ID
	h.anew(schemas.RawTopic("us"))
	h.edge(50, time.Now())
	// Kafka forgets the offsets of a deleted topic; one that was committed late is there all the same.
	h.commit(schemas.EnricherGroup("us"), schemas.RawTopic("us"), 20, state.String())
	finds(t, 0, found{Records: 50, UnderWay: 50, Predecessors: 20}, "the enricher has not begun with")
	// An enricher that goes on there all the same has skipped what lies before.
	h.enricherAt(50)
	finds(t, 1, found{Records: 50, Missing: 50, Predecessors: 20})
}

// Enriched records of the predecessor, which the sink has not read yet, have the new records' offsets: they are not these.
func TestAuditTakesNoEnrichedRecordOfAPredecessorForOne(t *testing.T) {
	h := byHand(t)
	h.enrich(h.edge(10, time.Now()))
	h.anew(schemas.RawTopic("us"))
	h.edge(10, time.Now())
	h.enricherAt(10)
	finds(t, 1, found{Records: 10, Missing: 10})
}

// More records than one statement can name (ClickHouse parses 256 KiB of it) are under way, or lost, as well.
func TestAuditOfALargeBacklog(t *testing.T) {
	h := byHand(t)
	events := h.edge(9000, time.Now())
	h.enrich(events[:8000])
	h.enricherAt(9000)
	finds(t, 1, found{Records: 9000, UnderWay: 8000, Missing: 1000})
}

// A record counts as under way only where it is seen to wait.
func TestAuditCallsUnderWayOnlyWhatItSees(t *testing.T) {
	raw, enriched, dead := schemas.RawTopic("us"), schemas.EnrichedTopic("us"), schemas.DeadTopic("us")
	for name, c := range map[string]struct {
		do     func(h *hand, events []sent)
		status int
		want   found
		says   string
	}{
		"no enricher has begun":  {func(*hand, []sent) {}, 0, found{Records: 10, UnderWay: 10}, "the enricher has committed nothing"},
		"the sink has not begun": {func(h *hand, events []sent) { h.passed(events, 0) }, 0, found{Records: 10, UnderWay: 10}, "the sink has committed nothing"},
		"the sink is half way":   {func(h *hand, events []sent) { h.passed(events, 4) }, 0, found{Records: 10, Stored: 4, UnderWay: 6}, ""},
		"the sink's group is gone, its rows are not": {func(h *hand, events []sent) {
			h.passed(events, 4)
			h.must(h.op.DeleteGroup(h.ctx, schemas.SinkGroup("us")))
		}, 0, found{Records: 10, Stored: 4, UnderWay: 6}, "the sink has committed nothing"},
		"a tool set the enricher forward": {func(h *hand, events []sent) {
			h.must(h.op.SetOffset(h.ctx, schemas.EnricherGroup("us"), raw, 0, 7))
		}, 1, found{Records: 10, Missing: 7, UnderWay: 3}, "not enriched: the enricher's offset was set to 7 by another tool"},
		"a tool set the enricher beyond the end": {func(h *hand, events []sent) {
			h.must(h.op.SetOffset(h.ctx, schemas.EnricherGroup("us"), raw, 0, 70))
		}, 0, found{Records: 10, UnderWay: 10}, "the offset of the enricher on events.raw.us/0 is 70, beyond the log's end 10"},
		"a tool set the sink forward": {func(h *hand, events []sent) {
			h.passed(events, 0)
			h.must(h.op.SetOffset(h.ctx, schemas.SinkGroup("us"), enriched, 0, 6))
		}, 1, found{Records: 10, Missing: 6, UnderWay: 4}, "the sink's offset on events.enriched.us/0 was set to 6 by another tool"},
		"the enriched topic is deleted": {func(h *hand, events []sent) {
			h.passed(events, 4)
			h.must(h.op.DeleteTopics(h.ctx, enriched))
		}, 1, found{Records: 10, Stored: 4, Missing: 6}, "there is no topic events.enriched.us"},
		"the enriched topic is made anew": {func(h *hand, events []sent) {
			h.passed(events, 4)
			h.anew(enriched)
		}, 1, found{Records: 10, Stored: 4, Missing: 6}, "the enriched topic that they were written to is deleted"},
		"retention was faster than the sink": {func(h *hand, events []sent) {
			h.passed(events, 4)
			h.must(h.op.Trim(h.ctx, enriched, 0, 8))
		}, 1, found{Records: 10, Stored: 4, Missing: 4, UnderWay: 2}, "retention deleted offsets 4 to 7 of events.enriched.us/0"},
		"a dead letter is not stored yet": {(*hand).died, 0, found{Records: 10, Stored: 9, UnderWay: 1}, ""},
		"a dead letter's row is deleted": {func(h *hand, events []sent) {
			h.died(events)
			h.commit(schemas.SinkGroup("us"), dead, 1, checkpoint.NewSink(h.log(dead).ID).String())
		}, 1, found{Records: 10, Stored: 9, Missing: 1}, "the sink is past them"},
		"a dead letter of the predecessor is at its offset": {func(h *hand, events []sent) {
			h.lost(events)
			foreign := events[0]
			foreign.log.ID, foreign.EventID = uuid.New(), uuid.New()
			h.file(foreign, event.StageEnrich, 0)
		}, 1, found{Records: 10, Stored: 9, Missing: 1}, ""},
		"a row has the place of a record, for another event": {func(h *hand, events []sent) {
			h.lost(events)
			h.row(events[0], uuid.New(), "received_at + 0", 0)
		}, 1, found{Records: 10, Stored: 9, Missing: 1}, "for another event"},
		"a row is of the record that was cut off": {func(h *hand, events []sent) {
			h.lost(events)
			cut := events[0]
			cut.leaderEpoch, cut.EventID = cut.leaderEpoch-1, uuid.New()
			h.store([]sent{cut})
		}, 1, found{Records: 10, Stored: 9, Missing: 1}, ""},
		"ClickHouse refused the event": {func(h *hand, events []sent) {
			h.lost(events)
			refused := events[0]
			refused.log = h.log(enriched)
			h.file(refused, event.StageInsert, 0)
		}, 0, found{Records: 10, Stored: 9, Dead: 1}, ""},
		"a client's repetition is left out": {func(h *hand, events []sent) {
			h.edgeOf([]event.Raw{events[3].Raw})
			h.enrich(events)
			h.enricherAt(11)
			h.sinkAt(10, 9)
			h.store(events)
		}, 0, found{Records: 11, Stored: 10, Repeated: 1}, ""},
		"retention took raw records": {func(h *hand, events []sent) {
			h.store(append(events[:3:3], events[7:]...)) // three repetitions, one dead
			h.file(events[4], event.StageEnrich, 0)
			h.enricherAt(10)
			h.must(h.op.Trim(h.ctx, raw, 0, 8))
		}, 0, found{Records: 2, Stored: 2, Expired: 3}, ""},
		"a row is there twice": {func(h *hand, events []sent) {
			h.exec("SYSTEM STOP MERGES events")
			h.store(events)
			h.store(events[6:7])
			h.row(events[7], events[7].EventID, "received_at + 0", 1) // its successor of a re-enrichment, before it was merged
			h.enricherAt(10)
		}, 1, found{Records: 10, Stored: 10, Twice: 1, Doubled: 2}, ""},
		"another account's row has the event's id": {func(h *hand, events []sent) {
			h.lost(events)
			other := events[0]
			other.AccountID, other.log.ID = "b", uuid.New()
			h.store([]sent{other})
		}, 1, found{Records: 10, Stored: 9, Missing: 1, Predecessors: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := byHand(t)
			c.do(h, h.edge(10, time.Now()))
			finds(t, c.status, c.want, c.says)
		})
	}
}

// A dead letter that was replayed and then lost is not dead any more: its letter is of an earlier record.
func TestAuditFindsAReplayedEventThatIsLost(t *testing.T) {
	h := byHand(t)
	events := h.edge(1, time.Now())
	refused := events[0]
	refused.log = h.log(schemas.EnrichedTopic("us"))
	h.exec(fmt.Sprintf(`INSERT INTO dead_events (failed_at, region, account_id, stage, event_id, topic, topic_id, offset)
		SELECT now64(3) - INTERVAL 1 HOUR, 'us', 'a', 'insert', '%s', '%s', '%s', 0`, refused.EventID, refused.log.Topic, refused.log.ID))
	h.enricherAt(1)
	finds(t, 1, found{Records: 1, Missing: 1})
}

// Rows that are gone for whatever cause are found, and told where it can be.
func TestAuditFindsRowsThatAreGone(t *testing.T) {
	for name, c := range map[string]struct{ statement, says string }{
		"deleted by a mutation":   {"ALTER TABLE events DELETE WHERE raw_offset < 3 SETTINGS mutations_sync = 1", "their rows were deleted"},
		"deleted lightly":         {"DELETE FROM events WHERE raw_offset < 3", "their rows were deleted"},
		"in a part that detached": {"ALTER TABLE events DETACH PARTITION 202001", "table events has 1 detached parts"},
	} {
		t.Run(name, func(t *testing.T) {
			h := byHand(t)
			old := h.edge(3, time.Date(2020, 1, 15, 12, 0, 0, 0, time.UTC))
			events := append(old, h.edge(7, time.Now())...)
			h.passed(events, 10)
			h.exec("OPTIMIZE TABLE events FINAL") // one part a month
			finds(t, 0, found{Records: 10, Stored: 10})
			h.exec(c.statement)
			finds(t, 1, found{Records: 10, Stored: 7, Missing: 3}, c.says)
		})
	}
}

// What the table's own TTL deleted is not missing; what it did not is.
func TestAuditTellsWhatAgedOut(t *testing.T) {
	for name, c := range map[string]struct {
		ttl    string
		status int
		want   found
		says   string
	}{
		"none":                  {"", 1, found{Records: 6, Missing: 6}, ""},
		"by receipt":            {"toDateTime(received_at) + INTERVAL 2 DAY", 1, found{Records: 6, AgedOut: 3, Missing: 3}, ""},
		"by the corrected time": {"toDateTime(time) + INTERVAL 2 DAY DELETE", 1, found{Records: 6, AgedOut: 3, Missing: 3}, ""},
		"longer than that":      {"toDateTime(time) + INTERVAL 1 YEAR", 1, found{Records: 6, Missing: 6}, ""},
		"of one account": {"toDateTime(time) + INTERVAL 2 DAY DELETE WHERE account_id = 'b@c, d' AND event_id != toUUID('00000000-0000-0000-0000-000000000000')",
			1, found{Records: 6, AgedOut: 1, Missing: 5}, ""},
		"two conditions on one time": {"toDateTime(time) + INTERVAL 2 DAY DELETE WHERE account_id = 'a', toDateTime(time) + INTERVAL 2 DAY DELETE WHERE account_id = 'b@c, d'",
			1, found{Records: 6, AgedOut: 3, Missing: 3}, ""},
		"on what the raw record does not tell": {"toDateTime(time) + INTERVAL 2 DAY DELETE WHERE is_bot", 1, found{Records: 6, MayBe: 3, Missing: 3}, ""},
		"moved to a disk only":                 {"toDateTime(time) + INTERVAL 2 DAY TO DISK 'default'", 1, found{Records: 6, Missing: 6}, ""},
		"by a date":                            {"toDate(received_at) + INTERVAL 2 DAY", 1, found{Records: 6, AgedOut: 3, Missing: 3}, ""},
		"by nothing that can be told":          {"toDateTime(fromUnixTimestamp(screen_width)) + INTERVAL 200 YEAR", 1, found{Records: 6, Missing: 6}, "cannot be told from raw records"},
	} {
		t.Run(name, func(t *testing.T) {
			h := byHand(t)
			if c.ttl != "" {
				h.exec("ALTER TABLE events MODIFY TTL " + c.ttl)
			}
			events := append(h.edge(2, time.Now().Add(-72*time.Hour)), h.edge(2, time.Now().Add(-time.Minute))...)
			for _, at := range []time.Time{time.Now().Add(-72 * time.Hour), time.Now()} {
				raw := events[0].Raw
				raw.AccountID, raw.EventID, raw.ReceivedAt = "b@c, d", uuid.New(), at.UnixMilli()
				raw.Value = fmt.Appendf(nil, `{"time":%d,"type":"play"}`, at.UnixMilli())
				h.edgeOf([]event.Raw{raw})
			}
			h.enricherAt(6)
			finds(t, c.status, c.want, c.says)
		})
	}
}

// An event may be as old as its receipt, or much older: where only the corrected time can tell, the audit says so.
func TestAuditSaysWhatMayHaveAgedOut(t *testing.T) {
	h := byHand(t)
	h.exec("ALTER TABLE events MODIFY TTL toDateTime(time) + INTERVAL 2 DAY")
	now := time.Now()
	raw := event.Raw{Format: event.FormatRecorder, AccountID: "a", EventID: uuid.New(), ReceivedAt: now.UnixMilli(),
		Value: fmt.Appendf(nil, `{"time":%d,"type":"play","data":{"type":"wt","oId":1},"user":{"guid":"v"}}`, now.Add(-5*24*time.Hour).UnixMilli())}
	h.edgeOf([]event.Raw{raw})
	h.enricherAt(1)
	finds(t, 0, found{Records: 1, MayBe: 1})
}

// Offsets without a record are told, unless a transaction explains them.
func TestAuditTellsHolesFromTransactions(t *testing.T) {
	h := byHand(t)
	raw := schemas.RawTopic("us")
	h.transaction(raw, time.Now(), false)
	stored := h.edge(1, time.Now())
	h.transaction(raw, time.Now(), true)
	h.store(stored)
	h.enricherAt(h.end(raw))
	_, counts, _ := audited(t)
	if counts.Holes != 0 || counts.Stored != 1 {
		t.Errorf("with transactions: %+v", counts)
	}
	h.anew(raw)
	h.must(h.op.Configure(h.ctx, raw, "cleanup.policy", "compact"))
	h.must(h.op.Configure(h.ctx, raw, "segment.bytes", "100"))
	other := stored[0].Raw
	other.AccountID, other.EventID = "z", uuid.New()
	events := h.edgeOf([]event.Raw{other})
	events = append(events, h.edge(10, time.Now())...) // of one visitor, and so of one key
	events = append(events, h.edge(10, time.Now())...)
	events = append(events, h.edge(1, time.Now())...)
	h.store(events[:6])
	h.enricherAt(22)
	h.broker.Compact()
	status, counts, _ := audited(t)
	if status != 1 || counts.Holes == 0 || counts.Holes != 22-counts.Records-5 {
		t.Errorf("compacted: status %d, %+v, want holes where 22 records were but for those left and 5 rows", status, counts)
	}
}

// transaction puts a record on a topic under a transaction, and ends it.
func (h *hand) transaction(topic string, at time.Time, commit bool) {
	h.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(h.broker.Address()), kgo.TransactionalID(uuid.NewString()))
	h.must(err)
	defer client.Close()
	h.must(client.BeginTransaction())
	h.must(client.ProduceSync(h.ctx, &kgo.Record{Topic: topic, Timestamp: at, Value: []byte("{}")}).FirstErr())
	h.must(client.EndTransaction(h.ctx, kgo.TransactionEndTry(commit)))
}
