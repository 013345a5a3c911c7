package enricher

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// The records that anybody can use and those that nobody can travel in one partition; each ends where it belongs, whole.
func TestGoodPoisonAndUnknownEvents(t *testing.T) {
	w := newWorld(t, 3)
	s := start(t, w.config())
	const poison = `{"time": "yesterday", "type": "play", "data": {"type": "wt"}}`
	alien := event.Record{Key: []byte("k"), Value: []byte{0xff, 0}, Headers: []event.Header{{Key: "x", Value: []byte("y")}}}
	sent := []event.Record{
		recordOf("demo", example(t, "published")),
		recordOf("demo", poison),
		recordOf("demo", `{"time": 1, "type": "play", "data": {"type": "hologram"}}`),
		alien,
		recordOf("nobody", example(t, "published")),
		recordOf("foreigner", example(t, "published")),
		recordOf("demo", `{"time": 1, "type": "pl`),
		recordOf("demo", example(t, "survey-submit")),
	}
	w.send(t, 1, sent...)

	enriched := w.read(t, w.enriched, 1, 2)
	published := decodeEnriched(t, enriched[0])
	if published.EnrichedAt == 0 {
		t.Error("enriched_at is not set")
	}
	enrichedAt := published.EnrichedAt
	published.EnrichedAt = 0
	log, err := w.client.Log(t.Context(), w.raw, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := &event.Enriched{
		EventId: published.EventId, AccountId: "demo", Region: w.region, Event: "play", ItemType: "walkthru", ItemId: "124909", ItemName: "Log in",
		InteractionId: "1551784021000-124909-6f1c2b9e-8d34-4a57-b0c1-2f7e9a5d3c18", StepIndex: -1,
		Time: 1_551_784_021_500, ClientTime: 1_551_784_021_000, ReceivedAt: receivedAt, TimeFlag: event.TimeFlag_TIME_CORRECTED,
		PageTitle: "Pink Alligator - ShopMe", Environment: "production", Trigger: "launcher",
		Browser: "Chrome", BrowserVersion: "72.0.3626.121", Os: "Windows", OsVersion: published.OsVersion, DeviceType: "desktop",
		IpMasked: "203.0.113.0", Detail: []byte("{\"init\":{\n      \"type\": \"launcher\"\n    }}"), RawPartition: 1, RawOffset: 0,
		RawTopicId: log.ID[:], RawLeaderEpoch: published.RawLeaderEpoch, Expires: 1_551_784_021_500 + 365*24*3600*1000,
	}
	if id := string(sent[0].Header(event.HeaderEventID)); uuid.UUID(published.EventId).String() != id {
		t.Errorf("event id %x, want %s", published.EventId, id)
	}
	want.VisitorId, want.UserId = published.VisitorId, published.VisitorId // derived; TestDerivedIDsNeverChange holds them
	if diff := cmp.Diff(want, published, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if rec := enriched[0]; rec.Timestamp != enrichedAt || string(rec.Key) != "demo|visitor-1" || string(rec.Header(event.HeaderSchema)) != event.SchemaEnriched {
		t.Errorf("record: %+v", rec)
	}
	if survey := decodeEnriched(t, enriched[1]); survey.RawOffset != 7 || survey.ItemType != "survey" || survey.Event != "submit" {
		t.Errorf("the neighbour of dead events: %v", survey)
	}

	kafkatest.Wait(t, func() bool { return s.metric(t, "waymark_enricher_events_total", "dead") == 6 }, "six dead letters")
	dead := map[int64]*event.Dead{}
	for partition := range int32(2) {
		offsets, err := w.client.Offsets(t.Context(), w.dead)
		if err != nil {
			t.Fatal(err)
		}
		if end := offsets[partition].End; end > 0 {
			for _, rec := range w.read(t, w.dead, partition, int(end)) {
				d := decodeDead(t, rec)
				dead[d.Offset] = d
			}
		}
	}
	for offset, want := range map[int64]struct{ reason, stage, account string }{
		1: {"wrong_type", "decode", "demo"},
		2: {"unknown_item_type", "enrich", "demo"},
		3: {"bad_headers", "decode", ""},
		4: {"unknown_account", "enrich", "nobody"},
		5: {"wrong_region", "enrich", "foreigner"},
		6: {"malformed_json", "decode", "demo"},
	} {
		got := dead[offset]
		if got == nil || got.Reason != want.reason || got.Stage != want.stage || got.AccountId != want.account {
			t.Errorf("offset %d: %v, want %v", offset, got, want)
		}
	}
	if len(dead) != 6 {
		t.Errorf("%d dead records, want 6", len(dead))
	}
	// Byte for byte what lay on the raw topic, so that it can be put back there.
	if d := dead[1]; d != nil && (string(d.Value) != poison || string(d.Key) != "demo|visitor-1" || len(d.Headers) != 7 || d.Topic != w.raw || d.Partition != 1 || d.Region != w.region || d.ReceivedAt != receivedAt || d.FailedAt == 0 || uuid.UUID(d.TopicId) != log.ID) {
		t.Errorf("dead record: %v", d)
	}
	if d := dead[3]; d != nil && (string(d.Value) != "\xff\x00" || len(d.Headers) != 1 || d.Headers[0].Key != "x") {
		t.Errorf("dead record without our headers: %v", d)
	}

	if err := s.stop(t); err != nil {
		t.Fatal(err)
	}
	if enriched, dead := s.metric(t, "waymark_enricher_events_total", "enriched"), s.metric(t, "waymark_enricher_events_total", "dead"); enriched != 2 || dead != 6 {
		t.Errorf("metrics count %v enriched and %v dead", enriched, dead)
	}
}

func TestAnAccountOfAChangedFileIsServedWithoutARestart(t *testing.T) {
	w := newWorld(t, 1)
	s := start(t, w.config())
	value := example(t, "page-view")
	w.send(t, 0, recordOf("newcomer", value))
	kafkatest.Wait(t, func() bool { return s.metric(t, "waymark_enricher_events_total", "unknown_account") == 1 }, "the unknown account's dead letter")

	w.writeAccounts(t, accounts+"  - {id: newcomer, region: REGION, policy: {level: 2}}\n")
	kafkatest.Wait(t, func() bool { return s.metric(t, "waymark_accounts_reloads_total", "ok") == 1 }, "the new accounts file")
	w.send(t, 0, recordOf("newcomer", value))
	got := decodeEnriched(t, w.read(t, w.enriched, 0, 1)[0])
	if got.RawOffset != 1 || got.AccountId != "newcomer" || got.Url+got.PageTitle+got.UserId != "" {
		t.Errorf("%v", got)
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}
