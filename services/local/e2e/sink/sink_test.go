// Package sink tests the sink against an embedded Kafka and ClickHouse's own engine.
package sink

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/e2e/inprocess"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/sink"
)

const region = "eu"

// house is a Kafka with the region's topics, a migrated database, and a sink's settings for them.
type house struct {
	t        *testing.T
	client   *kafka.Client
	producer *kafka.Producer
	conn     *clickhouse.Conn
	cfg      sink.Config
	raw      uuid.UUID            // id of the raw topic, which is not there
	sent     int64                // raw offset of the next event
	registry *prometheus.Registry // of the sink that was started last
	// strangers counts the rows that forget inserted.
	strangers int
}

func newHouse(t *testing.T, partitions int) *house {
	t.Helper()
	return newHouseOn(t, kafkatest.Start(t), partitions)
}

// newHouseOn is newHouse on a Kafka of the test's own.
func newHouseOn(t *testing.T, address string, partitions int) *house {
	t.Helper()
	return newHouseIn(t, address, chdbtest.Start(t), partitions)
}

// newHouseIn is newHouse on a Kafka and in a ClickHouse of the test's own.
func newHouseIn(t *testing.T, address string, server chdbtest.Server, partitions int) *house {
	t.Helper()
	h := &house{t: t, raw: uuid.New(), client: kafkatest.Client(t, address)}
	kafkatest.Topic(t, h.client, schemas.EnrichedTopic(region), partitions, nil)
	kafkatest.Topic(t, h.client, schemas.DeadTopic(region), 1, nil)
	h.producer = h.client.NewProducer(kafka.DefaultProducerConfig())

	h.cfg = sink.DefaultConfig()
	h.cfg.Batch.Joint = false // what is stored together has tests of its own: joint_test.go
	h.cfg.Region = region
	h.cfg.Kafka.Brokers = []string{address}
	h.cfg.ClickHouse.Addresses = []string{server.NativeAddr}
	h.cfg.ClickHouse.Database = server.Database
	h.cfg.Batch.Age = 50 * time.Millisecond
	h.cfg.Batch.FetchWait = 20 * time.Millisecond
	h.cfg.Group.SessionTimeout, h.cfg.Group.HeartbeatInterval = 6*time.Second, 100*time.Millisecond
	if _, err := clickhouse.Migrate(deadline(t), h.cfg.ClickHouse, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(h.cfg.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	h.conn = conn
	h.exec(chdbtest.KeepDoubles)
	return h
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// start runs a sink.
func (h *house) start() *inprocess.Service {
	h.t.Helper()
	cfg := h.cfg
	s := inprocess.Start(h.t, "sink", func(ctx context.Context, tel telemetry.Telemetry) error { return sink.Run(ctx, cfg, tel) })
	h.registry = s.Registry
	return s
}

// run runs a sink until ok, and fails the test if it does not end well.
func (h *house) run(ok func() bool, what string, args ...any) {
	h.t.Helper()
	s := h.start()
	kafkatest.Wait(h.t, ok, what, args...)
	if err := s.Stop(); err != nil {
		h.t.Error(err)
	}
}

// enriched makes the next event of the raw log.
func (h *house) enriched() *event.Enriched {
	id := uuid.New()
	e := &event.Enriched{
		EventId: id[:], AccountId: "demo", Region: region, Event: "play", ItemType: "walkthru", ItemId: fmt.Sprint(h.sent),
		StepIndex: -1, Time: time.Now().UnixMilli(), ClientTime: time.Now().UnixMilli(), ReceivedAt: time.Now().UnixMilli(),
		RawTopicId: h.raw[:], RawOffset: h.sent,
	}
	h.sent++
	return e
}

func record(t *testing.T, e *event.Enriched) event.Record {
	t.Helper()
	value, err := e.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return event.Record{Timestamp: e.ReceivedAt, Key: []byte("demo|v"), Value: value, Headers: []event.Header{{Key: event.HeaderSchema, Value: []byte(event.SchemaEnriched)}}}
}

// send writes to one partition what an enricher would have made of that raw partition.
func (h *house) send(partition int32, records ...event.Record) {
	h.t.Helper()
	for i := range records {
		var e event.Enriched
		if partition > 0 && e.UnmarshalVT(records[i].Value) == nil {
			e.RawPartition = partition
			records[i] = record(h.t, &e)
		}
	}
	if _, err := h.producer.Produce(deadline(h.t), schemas.EnrichedTopic(region), partition, records); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) some(n int) []event.Record {
	out := make([]event.Record, n)
	for i := range out {
		out[i] = record(h.t, h.enriched())
	}
	return out
}

// count asks for a number.
func (h *house) count(query string) int {
	h.t.Helper()
	var n uint64
	if err := h.conn.Scalar(deadline(h.t), query, &n); err != nil {
		h.t.Fatal(err)
	}
	return int(n)
}

// holds tells whether the table has rows rows, without FINAL, of as many events.
func (h *house) holds(rows int) func() bool {
	return func() bool {
		return h.count("SELECT count() FROM events") == rows && h.count("SELECT uniqExact(event_id) FROM events") == rows
	}
}

func (h *house) row(query string) map[string]any {
	h.t.Helper()
	var out map[string]any
	err := h.conn.Query(deadline(h.t), query, func(names []string, values []any) error {
		if out != nil {
			return errors.New("more than one row")
		}
		out = make(map[string]any)
		for i, name := range names {
			out[name] = values[i]
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestEveryColumnHoldsItsField(t *testing.T) {
	h := newHouse(t, 1)
	latitude, longitude := 52.52, -0.13
	id := uuid.MustParse("0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f")
	full := &event.Enriched{
		RawTopicId: h.raw[:], RawLeaderEpoch: 3,
		EventId: id[:], AccountId: "a1", Region: "eu", Event: "step", ItemType: "walkthru", ItemId: "124909", ItemName: "Log in",
		InteractionId: "i1", StepId: "s1", StepIndex: 3, StepName: "Name",
		Time: 1_700_000_000_001, ClientTime: 1_700_000_000_002, ReceivedAt: 1_700_000_000_003, EnrichedAt: 1_700_000_000_004, TimeFlag: event.TimeFlag_TIME_CORRECTED,
		VisitorId: "v1", UserId: "u1", SessionId: "se1",
		Url: "https://shop.example/a?b", UrlHost: "shop.example", UrlPath: "/a", PageTitle: "Pink Alligator - ShopMe", Referrer: "https://r.example",
		Browser: "Chrome", BrowserVersion: "72.0.3626.121", Os: "Windows", OsVersion: "10", DeviceType: "desktop", DeviceBrand: "b", DeviceModel: "m",
		IsBot: true, BotName: "Googlebot", ScreenWidth: 1920, ScreenHeight: 1080, Language: "en-GB", Timezone: "Europe/London",
		IpMasked: "203.0.113.0", CountryCode: "GB", Country: "United Kingdom", Subdivision: "England", City: "London",
		Latitude: &latitude, Longitude: &longitude, Asn: 64496, AsName: "Example",
		Props: []byte(`{"plan":"pro","cart":{"total":12.5}}`), Detail: []byte(`{"quiz":{"score":7,"passed":true}}`),
		Library: "waymark.js", LibraryVersion: "1.2", RawPartition: 0, RawOffset: 0, Epoch: 0,
		Flags: []string{"cut:page.title", "converted:user.id"}, Expires: 2_000_000_000_999,
	}
	empty := &event.Enriched{EventId: make([]byte, 16), StepIndex: -1, RawTopicId: h.raw[:], RawLeaderEpoch: 3, RawOffset: 1}
	h.send(0, record(t, full), record(t, empty))
	h.run(h.holds(2), "both rows")

	const columns = `event_id, account_id, region, event, item_type, item_id, item_name, interaction_id, step_id, step_index, step_name,
		toUnixTimestamp64Milli(time) AS t1, toUnixTimestamp64Milli(client_time) AS t2, toUnixTimestamp64Milli(received_at) AS t3, toUnixTimestamp64Milli(enriched_at) AS t4,
		inserted_at > now() - 3600 AS inserted, toString(time_flag) AS flag, visitor_id, user_id, session_id, url, url_host, url_path, page_title, referrer,
		browser, browser_version, os, os_version, device_type, device_brand, device_model, is_bot, bot_name, screen_width, screen_height, language, timezone,
		ip_masked, country_code, country, subdivision, city, toString(latitude) AS lat, toString(longitude) AS lon, asn, as_name,
		toString(props) AS p, toString(detail) AS d, props.plan.:String AS plan, detail.quiz.passed.:Bool AS passed, library, library_version,
		raw_topic_id, raw_partition, raw_leader_epoch, raw_offset, epoch, flags, toUnixTimestamp(expires) AS expires`
	text := func(s string) *string { return &s }
	yes := true
	want := map[string]any{
		"event_id": id, "account_id": "a1", "region": "eu", "event": "step", "item_type": "walkthru", "item_id": "124909", "item_name": "Log in",
		"interaction_id": "i1", "step_id": "s1", "step_index": int32(3), "step_name": "Name",
		"t1": int64(1_700_000_000_001), "t2": int64(1_700_000_000_002), "t3": int64(1_700_000_000_003), "t4": int64(1_700_000_000_004),
		"inserted": uint8(1), "flag": "corrected", "visitor_id": "v1", "user_id": "u1", "session_id": "se1",
		"url": "https://shop.example/a?b", "url_host": "shop.example", "url_path": "/a", "page_title": "Pink Alligator - ShopMe", "referrer": "https://r.example",
		"browser": "Chrome", "browser_version": "72.0.3626.121", "os": "Windows", "os_version": "10", "device_type": "desktop", "device_brand": "b", "device_model": "m",
		"is_bot": true, "bot_name": "Googlebot", "screen_width": uint32(1920), "screen_height": uint32(1080), "language": "en-GB", "timezone": "Europe/London",
		"ip_masked": "203.0.113.0", "country_code": "GB", "country": "United Kingdom", "subdivision": "England", "city": "London",
		"lat": text("52.52"), "lon": text("-0.13"), "asn": uint32(64496), "as_name": "Example",
		"p": `{"cart":{"total":12.5},"plan":"pro"}`, "d": `{"quiz":{"passed":true,"score":7}}`, "plan": text("pro"), "passed": &yes,
		"library": "waymark.js", "library_version": "1.2", "raw_topic_id": h.raw, "raw_partition": int32(0), "raw_leader_epoch": int32(3), "raw_offset": int64(0), "epoch": uint32(0), "flags": []string{"cut:page.title", "converted:user.id"},
		"expires": uint32(2_000_000_000),
	}
	if diff := cmp.Diff(want, h.row("SELECT "+columns+" FROM events WHERE raw_offset = 0")); diff != "" {
		t.Error(diff)
	}
	got := h.row("SELECT event_id, step_index, latitude, longitude, toString(props) AS p, toString(detail) AS d, is_bot, toUnixTimestamp(expires) AS expires FROM events WHERE raw_offset = 1")
	want = map[string]any{"event_id": uuid.Nil, "step_index": int32(-1), "latitude": (*float32)(nil), "longitude": (*float32)(nil), "p": "{}", "d": "{}", "is_bot": false, "expires": uint32(math.MaxUint32)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRestartsNeitherLoseNorDouble(t *testing.T) {
	h := newHouse(t, 3)
	total := 0
	for round := range 3 {
		for p := range int32(3) {
			h.send(p, h.some(100)...)
			total += 100
		}
		h.run(h.holds(total), "round %d", round)
	}
	lag, err := admin.Lag(deadline(t), h.client, schemas.SinkGroup(region), schemas.EnrichedTopic(region))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range lag {
		if p.Lag != 0 {
			t.Errorf("partition %d is %d behind after the sink ended", p.Partition, p.Lag)
		}
	}
}

// intend leaves the intent [from, to) open, as a sink that died would have; without marks nothing of the raw log is known to be stored.
func (h *house) intend(from, to int64, marks ...checkpoint.Mark) {
	h.t.Helper()
	h.intendOn(schemas.EnrichedTopic(region), from, to, marks...)
}

func (h *house) intendOn(topic string, from, to int64, marks ...checkpoint.Mark) {
	h.t.Helper()
	log, err := h.client.Log(deadline(h.t), topic, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	if marks == nil && topic == schemas.EnrichedTopic(region) {
		marks = []checkpoint.Mark{checkpoint.NewMark(h.raw)}
	}
	// The era is the one of what was stored before.
	lag, err := admin.Lag(deadline(h.t), h.client, schemas.SinkGroup(region), topic)
	if err != nil {
		h.t.Fatal(err)
	}
	before, err := checkpoint.ParseSink(lag[0].Metadata, lag[0].Committed)
	if err != nil && !errors.Is(err, checkpoint.ErrForeign) {
		h.t.Fatal(err)
	}
	state := checkpoint.Sink{Log: log.ID, Era: before.Era, LeaderEpoch: h.leaderEpoch(log, from-1), Next: to, NextLeaderEpoch: h.leaderEpoch(log, to-1), Marks: marks}
	h.commitOn(topic, from, state.String())
}

// leaderEpoch is that of the record at an offset, -1 before the first, and of one that retention took.
func (h *house) leaderEpoch(log kafka.Log, offset int64) int32 {
	h.t.Helper()
	if offset < 0 {
		return kafka.NoLeaderEpoch
	}
	batch, err := h.client.Fetch(deadline(h.t), log, offset, kafka.DefaultFetchOptions)
	var gone *kafka.OffsetOutOfRange
	if errors.As(err, &gone) {
		return 0
	}
	if err != nil || len(batch.Records) == 0 {
		return 0
	}
	return batch.Records[0].LeaderEpoch
}

// commit sets the group's offset as a sink that died would have left it.
func (h *house) commit(offset int64, metadata string) {
	h.t.Helper()
	h.commitOn(schemas.EnrichedTopic(region), offset, metadata)
}

func (h *house) commitOn(topic string, offset int64, metadata string) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(deadline(h.t))
	cfg := kafka.DefaultGroupConfig()
	cfg.ID, cfg.Topics = schemas.SinkGroup(region), []string{topic}
	err := h.client.RunGroup(ctx, cfg, func(ctx context.Context, claim *kafka.Claim) error {
		defer cancel()
		return claim.Commit(ctx, offset, metadata)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestOpenIntentIsCompletedOnceWhetherItsInsertHadLandedOrNot(t *testing.T) {
	for _, landed := range []bool{false, true} {
		t.Run(fmt.Sprintf("landed %v", landed), func(t *testing.T) {
			h := newHouse(t, 1)
			h.send(0, h.some(50)...)
			if landed {
				// One batch of offsets 0–50, inserted and then forgotten: as if the sink had died before the next commit.
				h.run(h.holds(50), "the first 50")
			}
			h.intend(0, 50)
			h.send(0, h.some(7)...)
			h.run(h.holds(57), "57 rows")
		})
	}
}

func TestWhatAnEnricherWroteTwiceIsStoredOnce(t *testing.T) {
	h := newHouse(t, 1)
	first := h.some(20)
	h.send(0, first...)
	h.send(0, first[10:]...) // it died before its commit, and began again
	h.send(0, h.some(5)...)
	h.run(h.holds(25), "25 rows")
	h.send(0, first[:3]...)
	h.send(0, h.some(1)...)
	h.run(h.holds(26), "26 rows")
}

func TestARefusedRowIsBuriedAloneAndAnUnreadableOneToo(t *testing.T) {
	h := newHouse(t, 1)
	var records []event.Record
	for i := range 40 {
		e := h.enriched()
		if i == 17 {
			e.Props = []byte(`{"a":`) // no stage of ours writes this
		}
		records = append(records, record(t, e))
	}
	records[23].Value = []byte{0xff, 0xff}
	h.send(0, records...)
	dead := func() bool { return h.count("SELECT count() FROM dead_events") == 2 }
	h.run(func() bool { return h.holds(38)() && dead() }, "38 rows and 2 dead")
	got := h.row("SELECT groupArray(reason) AS reasons, groupArray(offset) AS offsets, any(stage) AS stage, any(topic) AS topic FROM (SELECT * FROM dead_events ORDER BY offset)")
	want := map[string]any{"reasons": []string{"bad_row", "bad_enriched"}, "offsets": []int64{17, 23}, "stage": "insert", "topic": "events.enriched.eu"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h.send(0, h.some(1)...)
	h.run(func() bool { return h.holds(39)() && dead() }, "the partition goes on")
}

func TestDeadRecordsShowWhyInSQLAndNothingPersonal(t *testing.T) {
	h := newHouse(t, 1)
	id := uuid.New()
	message := event.Dead{
		Reason: "malformed_json", Stage: "decode", Error: "not JSON at byte 5", Region: region, AccountId: "demo", EventId: id[:],
		Topic: "events.raw.eu", Partition: 4, Offset: 99, FailedAt: 1_700_000_000_000, ReceivedAt: 1_699_999_999_000,
		Value: []byte("secret@example.com"), Headers: []*event.DeadHeader{{Key: "ip", Value: []byte("203.0.113.77")}},
	}
	value, err := message.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.producer.Produce(deadline(t), schemas.DeadTopic(region), 0, []event.Record{{Value: value}, {Value: []byte{0xff}}, {Value: value}}); err != nil {
		t.Fatal(err)
	}
	h.run(func() bool { return h.count("SELECT count() FROM dead_events") == 1 }, "one row: a repetition is one, and the unreadable one is skipped")
	got := h.row("SELECT reason, stage, error, region, account_id, event_id, topic, partition, offset, value_bytes, dead_offset FROM dead_events FINAL")
	want := map[string]any{
		"reason": "malformed_json", "stage": "decode", "error": "not JSON at byte 5", "region": "eu", "account_id": "demo", "event_id": id,
		"topic": "events.raw.eu", "partition": int32(4), "offset": int64(99), "value_bytes": uint32(18), "dead_offset": got["dead_offset"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	all := fmt.Sprint(h.row("SELECT * FROM dead_events FINAL"))
	if strings.Contains(all, "secret@") || strings.Contains(all, "203.0.113.77") {
		t.Errorf("the row holds the record: %s", all)
	}
}

func TestAnOperatorsErrorStopsLoudlyAndKeepsEverything(t *testing.T) {
	for name, c := range map[string]struct {
		breakIt func(h *house)
		says    string
	}{
		"wrong password":  {func(h *house) { h.cfg.ClickHouse.Password = "wrong" }, "516"},
		"missing table":   {func(h *house) { h.exec("DROP TABLE events SYNC") }, "waymarkctl migrate"},
		"missing column":  {func(h *house) { h.exec("ALTER TABLE events DROP COLUMN library") }, "no column library"},
		"wrong type":      {func(h *house) { h.exec("ALTER TABLE events MODIFY COLUMN asn UInt64") }, "column asn of table events has type UInt64"},
		"no dedup window": {func(h *house) { h.exec("ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 0") }, "deduplication window"},
		"newer metadata":  {func(h *house) { h.commit(0, `{"v":9}`) }, "run the newer sink"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 1)
			h.send(0, h.some(5)...)
			c.breakIt(h)
			s := h.start()
			kafkatest.Wait(t, func() bool {
				return s.Health.Ready(deadline(t)) != nil && strings.Contains(s.Health.Ready(deadline(t)).Error(), c.says)
			}, "not ready: %s", c.says)
			if err := s.Stop(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that says %q", err, c.says)
			}
			if lag, err := admin.Lag(deadline(t), h.client, schemas.SinkGroup(region), schemas.EnrichedTopic(region)); err != nil || lag[0].Lag != 5 {
				t.Errorf("lag %+v, %v: want all 5 still to come", lag, err)
			}
		})
	}
}

func (h *house) exec(statement string) {
	h.t.Helper()
	if err := h.conn.Exec(deadline(h.t), statement); err != nil {
		h.t.Fatal(err)
	}
}

func TestClickHouseAwayHoldsEverythingAndComesBack(t *testing.T) {
	h := newHouse(t, 2)
	real := h.cfg.ClickHouse.Addresses[0]
	gate := newGate(t, real)
	h.cfg.ClickHouse.Addresses = []string{gate.address}
	h.cfg.ClickHouse.DialTimeout = 200 * time.Millisecond
	h.send(0, h.some(30)...)
	s := h.start()
	kafkatest.Wait(t, h.holds(30), "30 rows")
	gate.shut()
	h.send(1, h.some(40)...)
	h.send(0, h.some(40)...)
	gate.wantTries(3)
	if !h.holds(30)() {
		t.Error("rows came through a shut gate")
	}
	gate.open()
	kafkatest.Wait(t, h.holds(110), "110 rows")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestBatchesEndAtRowsAndBytes(t *testing.T) {
	for name, change := range map[string]func(*sink.Config){
		"rows":  func(c *sink.Config) { c.Batch.Rows = 100 },
		"bytes": func(c *sink.Config) { c.Batch.Bytes = 10_000 },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 1)
			h.cfg.Batch.Age = 5 * time.Minute
			h.cfg.Batch.FetchBytes = 10_000
			change(&h.cfg)
			for range 20 {
				h.send(0, h.some(100)...)
			}
			// Without the limit the rows would wait five minutes.
			s := h.start()
			kafkatest.Wait(t, func() bool { return h.count("SELECT count() FROM events") >= 1000 }, "1000 rows")
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			h.cfg.Batch.Age = 50 * time.Millisecond
			h.run(h.holds(2000), "all rows")
		})
	}
}
