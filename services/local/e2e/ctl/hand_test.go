package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

// A hand does by hand what the services do to the only partition of region us: so a test can stop between any two of their steps.
type hand struct {
	t      *testing.T
	ctx    context.Context
	broker *broker.Broker
	client *kafka.Client
	op     *operator.Operator
	db     driver.Conn
}

// A sent event is a raw record and its name.
type sent struct {
	event.Raw
	log         kafka.Log
	leaderEpoch int32
}

func byHand(t *testing.T) *hand {
	t.Helper()
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	server := chdbtest.Start(t)
	region(t, "us", b.Address(), server.NativeAddr, server.Database)
	op, err := operator.New(b.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(op.Close)
	ok(t, "setup", "--replication-factor", "1", "--partitions", "1")
	return &hand{t: t, ctx: deadline(t), broker: b, client: kafkatest.Client(t, b.Address()), op: op, db: server.Open(t)}
}

func (h *hand) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// anew deletes topics and makes them again.
func (h *hand) anew(topics ...string) {
	h.t.Helper()
	h.must(h.op.DeleteTopics(h.ctx, topics...))
	for _, topic := range topics {
		h.must(h.op.CreateTopic(h.ctx, topic, 1, 1, nil))
	}
}

// log names the log that a topic's only partition has now.
func (h *hand) log(topic string) kafka.Log {
	h.t.Helper()
	var log kafka.Log
	kafkatest.Wait(h.t, func() (known bool) {
		var err error
		log, err = h.client.Log(h.ctx, topic, 0)
		return err == nil
	}, "the id of %s", topic)
	return log
}

// produce puts records on a topic's only partition and returns the offset of the first.
func (h *hand) produce(topic string, records []event.Record) int64 {
	h.t.Helper()
	producer := h.client.NewProducer(kafka.DefaultProducerConfig())
	first, err := producer.Produce(h.ctx, topic, 0, records)
	h.must(err)
	h.must(producer.Close(h.ctx))
	return first
}

// edge accepts n events of account a that were received at the given time.
func (h *hand) edge(n int, at time.Time) []sent {
	h.t.Helper()
	raw := make([]event.Raw, n)
	for i := range raw {
		raw[i] = event.Raw{
			Format: event.FormatRecorder, AccountID: "a", EventID: uuid.New(), ReceivedAt: at.UnixMilli(),
			Value: fmt.Appendf(nil, `{"time":%d,"type":"play","data":{"type":"wt","oId":1},"user":{"guid":"v"}}`, at.UnixMilli()),
		}
	}
	return h.edgeOf(raw)
}

func (h *hand) edgeOf(raw []event.Raw) []sent {
	h.t.Helper()
	topic := schemas.RawTopic("us")
	records := make([]event.Record, len(raw))
	for i := range raw {
		records[i] = raw[i].Record(event.Key(raw[i].AccountID, "v"))
	}
	first := h.produce(topic, records)
	batch, err := h.client.Fetch(h.ctx, h.log(topic), first, kafka.DefaultFetchOptions)
	h.must(err)
	if len(batch.Records) != len(raw) {
		h.t.Fatalf("%d records, want %d", len(batch.Records), len(raw))
	}
	out := make([]sent, len(raw))
	for i := range raw {
		raw[i].Offset = batch.Records[i].Offset
		out[i] = sent{raw[i], h.log(topic), batch.Records[i].LeaderEpoch}
	}
	return out
}

func (s *sent) enriched() *event.Enriched {
	return &event.Enriched{
		EventId: s.EventID[:], AccountId: s.AccountID, Region: "us", Event: "play", Time: s.ReceivedAt, ReceivedAt: s.ReceivedAt,
		RawTopicId: s.log.ID[:], RawPartition: 0, RawLeaderEpoch: s.leaderEpoch, RawOffset: s.Offset,
	}
}

// enrich puts enriched records of events on their topic.
func (h *hand) enrich(events []sent) {
	h.t.Helper()
	records := make([]event.Record, len(events))
	for i := range events {
		value, err := events[i].enriched().MarshalVT()
		h.must(err)
		records[i] = event.Record{Timestamp: time.Now().UnixMilli(), Value: value}
	}
	h.produce(schemas.EnrichedTopic("us"), records)
}

// store makes rows of events.
func (h *hand) store(events []sent) {
	h.t.Helper()
	for _, s := range events {
		h.row(s, s.EventID, "received_at + 0", 0)
	}
}

// row makes one row of an event, under an id, at a corrected time and under an epoch.
func (h *hand) row(s sent, id uuid.UUID, corrected string, epoch int) {
	h.t.Helper()
	h.exec(fmt.Sprintf(`INSERT INTO events (event_id, account_id, region, event, item_type, item_id, received_at, time, client_time,
			raw_topic_id, raw_partition, raw_leader_epoch, raw_offset, epoch)
		SELECT '%s', '%s', 'us', 'play', 'walkthru', '1', fromUnixTimestamp64Milli(%d, 'UTC') AS received_at, %s, received_at, '%s', 0, %d, %d, %d`,
		id, s.AccountID, s.ReceivedAt, corrected, s.log.ID, s.leaderEpoch, s.Offset, epoch))
}

// bury puts a dead letter of an event on the dead topic, as the enricher does, and returns where.
func (h *hand) bury(s sent) int64 {
	h.t.Helper()
	d := event.Dead{
		Reason: "unknown_account", Stage: event.StageEnrich, Region: "us", AccountId: s.AccountID, EventId: s.EventID[:], FailedAt: time.Now().UnixMilli(),
		Topic: s.log.Topic, TopicId: s.log.ID[:], LeaderEpoch: s.leaderEpoch, Offset: s.Offset, ReceivedAt: s.ReceivedAt, Value: s.Value,
	}
	rec := s.Record(nil)
	for _, header := range rec.Headers {
		d.Headers = append(d.Headers, &event.DeadHeader{Key: header.Key, Value: header.Value})
	}
	return h.buryAs(&d)
}

func (h *hand) buryAs(d *event.Dead) int64 {
	h.t.Helper()
	value, err := d.MarshalVT()
	h.must(err)
	return h.produce(schemas.DeadTopic("us"), []event.Record{{Timestamp: time.Now().UnixMilli(), Value: value}})
}

// file makes the row of a dead letter that lies at an offset of the dead topic's partition 0.
func (h *hand) file(s sent, stage string, at int64) {
	h.t.Helper()
	h.exec(fmt.Sprintf(`INSERT INTO dead_events (failed_at, region, account_id, stage, reason, event_id, received_at,
			topic, topic_id, partition, leader_epoch, offset, dead_topic_id, dead_partition, dead_offset)
		SELECT now64(3), 'us', '%s', '%s', 'unknown_account', '%s', now64(3), '%s', '%s', 0, %d, %d, '%s', 0, %d`,
		s.AccountID, stage, s.EventID, s.log.Topic, s.log.ID, s.leaderEpoch, s.Offset, h.log(schemas.DeadTopic("us")).ID, at))
}

func (h *hand) exec(statement string) {
	h.t.Helper()
	h.must(h.db.Exec(h.ctx, statement))
}

func (h *hand) end(topic string) int64 {
	h.t.Helper()
	bounds, err := h.client.Offsets(h.ctx, topic)
	h.must(err)
	return bounds[0].End
}

func (h *hand) commit(group, topic string, offset int64, metadata string) {
	h.t.Helper()
	h.must(admin.ResetGroup(h.ctx, h.client, group, topic, []kafka.Commitment{{Offset: offset, Metadata: metadata}}))
}

// enricherAt commits as the enricher does when it has enriched everything before offset and wrote the enriched topic up to its end.
func (h *hand) enricherAt(offset int64) {
	h.t.Helper()
	state := checkpoint.NewEnricher(0)
	state.Log, state.Enriched, state.Written = h.log(schemas.RawTopic("us")).ID, h.log(schemas.EnrichedTopic("us")).ID, h.end(schemas.EnrichedTopic("us"))
	h.commit(schemas.EnricherGroup("us"), schemas.RawTopic("us"), offset, state.String())
}

// sinkAt commits as the sink does when it has stored the enriched topic before offset, and the raw log up to last.
func (h *hand) sinkAt(offset, last int64) {
	h.t.Helper()
	state := checkpoint.NewSink(h.log(schemas.EnrichedTopic("us")).ID)
	raw := h.log(schemas.RawTopic("us")).ID
	mark := checkpoint.NewMark(raw)
	if last >= 0 {
		mark.Source = checkpoint.Source{Topic: raw, Offset: last}
	}
	state.Marks = state.Marks.With(mark)
	h.commit(schemas.SinkGroup("us"), schemas.EnrichedTopic("us"), offset, state.String())
}

// passed has all of events enriched, and the first stored of them inserted and acknowledged by the sink; of none it has committed nothing.
func (h *hand) passed(events []sent, stored int) {
	h.t.Helper()
	h.enrich(events)
	h.enricherAt(int64(len(events)))
	if stored > 0 {
		h.store(events[:stored])
		h.sinkAt(int64(stored), int64(stored-1))
	}
}

// lost has the services pass all of events, though the first makes no row.
func (h *hand) lost(events []sent) {
	h.t.Helper()
	h.passed(events, 0)
	h.sinkAt(int64(len(events)), int64(len(events)-1))
	h.store(events[1:])
}

// died has the enricher bury the first of events, and all others stored: the sink has yet to read the dead letter.
func (h *hand) died(events []sent) {
	h.t.Helper()
	h.enrich(events[1:])
	h.bury(events[0])
	h.enricherAt(int64(len(events)))
	h.store(events[1:])
	h.sinkAt(int64(len(events)-1), int64(len(events)-1))
}

// A found is what an audit of some days says.
type found struct {
	Records, Stored, Dead, NotCollected, Repeated, UnderWay, AgedOut, MayBe, Missing, Twice, Expired, Holes int
	Predecessors, Doubled                                                                                   int
}

// audited runs an audit of the last days; said are its reasons and notes.
func audited(t *testing.T) (status int, counts found, said string) {
	t.Helper()
	status, out, stderr := run(t, "audit", "--json", "--from", "2020-01-01", "--to", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	if status > 1 || status == 1 && !strings.Contains(stderr, "is not complete") {
		t.Fatalf("status %d, %s", status, stderr)
	}
	var report struct {
		Partitions []struct {
			Records, Stored, Dead, Repeated, Missing, Twice, Expired, Holes int
			NotCollected                                                    int `json:"not_collected"`
			UnderWay                                                        int `json:"under_way"`
			AgedOut                                                         int `json:"aged_out"`
			MayBe                                                           int `json:"may_be_aged_out"`
		}
		Gaps         []struct{ Reason string }
		Doubled      []string
		Predecessors int
		Notes        []string
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	counts = found{Predecessors: report.Predecessors, Doubled: len(report.Doubled)}
	for _, p := range report.Partitions {
		counts.Records += p.Records
		counts.Stored += p.Stored
		counts.Dead += p.Dead
		counts.NotCollected += p.NotCollected
		counts.Repeated += p.Repeated
		counts.UnderWay += p.UnderWay
		counts.AgedOut += p.AgedOut
		counts.MayBe += p.MayBe
		counts.Missing += p.Missing
		counts.Twice += p.Twice
		counts.Expired += p.Expired
		counts.Holes += p.Holes
	}
	for _, gap := range report.Gaps {
		said += gap.Reason + "\n"
	}
	return status, counts, said + strings.Join(report.Notes, "\n")
}

// finds audits and compares; says are parts of the reasons and notes.
func finds(t *testing.T, status int, want found, says ...string) {
	t.Helper()
	code, got, said := audited(t)
	if code != status || got != want {
		t.Errorf("status %d, %+v\nwant   %d, %+v\n%s", code, got, status, want, said)
	}
	for _, words := range says {
		if !strings.Contains(said, words) {
			t.Errorf("%q does not say %q", said, words)
		}
	}
}
