package rows

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
)

// log is the raw topic's id.
var log = uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-5a6b7c8d9e0f")

func enriched(t testing.TB, offset int64, epoch uint32) *event.Record {
	t.Helper()
	return enrichedOf(t, checkpoint.Source{Topic: log, Epoch: epoch, Offset: offset})
}

func enrichedOf(t testing.TB, at checkpoint.Source) *event.Record {
	t.Helper()
	id, latitude, longitude := uuid.New(), 52.52, 13.4
	e := &event.Enriched{
		EventId: id[:], AccountId: "demo-eu", Region: "eu", Event: "step", ItemType: "walkthru", ItemId: "124909", ItemName: "Create an invoice",
		InteractionId: "0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f", StepId: "s3", StepIndex: 2, StepName: "Choose the customer",
		Time: 1_700_000_000_000, ClientTime: 1_700_000_000_500, ReceivedAt: 1_700_000_001_000, EnrichedAt: 1_700_000_001_040, TimeFlag: event.TimeFlag_TIME_CORRECTED,
		VisitorId: "3e2b7c1a-6f0d-4b8e-9a51-2c7d8e9f0a1b", UserId: "u-4711", SessionId: "7d8e9f0a-1b3e-4b7c-8a6f-0d4b8e9a512c",
		Url: "https://app.example/invoices/new?draft=1", UrlHost: "app.example", UrlPath: "/invoices/new", PageTitle: "New invoice", Referrer: "https://app.example/invoices",
		Browser: "Chrome", BrowserVersion: "126.0.0.0", Os: "Windows", OsVersion: "10", DeviceType: "desktop",
		ScreenWidth: 1920, ScreenHeight: 1080, Language: "de-DE", Timezone: "Europe/Berlin",
		IpMasked: "203.0.113.0", CountryCode: "DE", Country: "Germany", Subdivision: "Berlin", City: "Berlin", Latitude: &latitude, Longitude: &longitude, Asn: 64496, AsName: "Example",
		Props: []byte(`{"plan":"pro","seats":12}`), Detail: []byte(`{"init":"launcher"}`), Library: "waymark.js", LibraryVersion: "1.2.0",
		RawTopicId: at.Topic[:], RawLeaderEpoch: at.LeaderEpoch, RawOffset: at.Offset, Epoch: at.Epoch,
	}
	value, err := e.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return &event.Record{Offset: at.Offset, Value: value}
}

func TestRepetitionsOfASourceMakeNoRow(t *testing.T) {
	r := NewEvents()
	anew := uuid.New()
	var marks checkpoint.Marks
	for _, c := range []struct {
		at   checkpoint.Source
		rows int
	}{
		{checkpoint.Source{Topic: log, Offset: 0}, 1},
		{checkpoint.Source{Topic: log, Offset: 1}, 2},
		{checkpoint.Source{Topic: log, Offset: 1}, 2},
		{checkpoint.Source{Topic: log, Offset: 0}, 2},
		{checkpoint.Source{Topic: log, Offset: 2}, 3},
		{checkpoint.Source{Topic: anew, Offset: 0}, 4}, // the topic was made anew: the same offset is another record
		{checkpoint.Source{Topic: anew, Offset: 1}, 5},
		{checkpoint.Source{Topic: log, Offset: 2}, 5}, // a late writer's, of the log before
		{checkpoint.Source{Topic: log, Offset: 3}, 6},
		{checkpoint.Source{Topic: anew, Offset: 1}, 6},
		{checkpoint.Source{Topic: log, LeaderEpoch: 1, Offset: 2}, 7}, // the log was truncated at 2
		{checkpoint.Source{Topic: log, Offset: 4}, 7},
		{checkpoint.Source{Topic: log, Epoch: 1, Offset: 0}, 8}, // enriched again
		{checkpoint.Source{Topic: log, LeaderEpoch: 2, Offset: 9}, 8},
	} {
		var err error
		if marks, err = r.Add(enrichedOf(t, c.at), uuid.Nil, marks); err != nil {
			t.Fatal(err)
		}
		if r.Len() != c.rows {
			t.Fatalf("after %+v: %d rows, want %d", c.at, r.Len(), c.rows)
		}
	}
}

func TestEnrichedRecordsThatMakeNoRowAreRejected(t *testing.T) {
	for name, e := range map[string]*event.Enriched{
		"no event id":       {},
		"event id cut":      {EventId: make([]byte, 15)},
		"unknown time flag": {EventId: make([]byte, 16), RawTopicId: log[:], TimeFlag: 9},
		"no topic id":       {EventId: make([]byte, 16)},
		"topic id cut":      {EventId: make([]byte, 16), RawTopicId: log[1:]},
		"another partition": {EventId: make([]byte, 16), RawTopicId: log[:], RawPartition: 3},
	} {
		value, err := e.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		r := NewEvents()
		_, err = r.Add(&event.Record{Value: value}, uuid.Nil, nil)
		if rejection := event.AsRejection(err); rejection == nil || rejection.Reason != event.ReasonBadEnriched {
			t.Errorf("%s: got %v, want bad_enriched", name, err)
		}
		if r.Len() != 0 {
			t.Errorf("%s: made a row", name)
		}
	}
}

func FuzzEvents(f *testing.F) {
	f.Add(enriched(f, 3, 0).Value)
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, value []byte) {
		r := NewEvents()
		marks, err := r.Add(&event.Record{Value: value}, uuid.Nil, nil)
		switch {
		case err != nil && event.AsRejection(err) == nil:
			t.Fatalf("%v is not a rejection", err)
		case err != nil && r.Len() != 0:
			t.Fatal("a rejected record made a row")
		case r.Len() == 1 && (len(marks) != 1 || marks[0].Source != r.Origin(0)):
			t.Fatalf("a row of %v, marks %v", r.Origin(0), marks)
		}
		for _, c := range r.Columns(0, r.Len()) {
			if got := reflect.ValueOf(c.Plain()).Len(); got != r.Len() {
				t.Fatalf("column %s has %d values of %d", c.Name, got, r.Len())
			}
		}
	})
}

func FuzzDead(f *testing.F) {
	f.Add([]byte{0x0a, 0x01, 'x'})
	f.Fuzz(func(t *testing.T, value []byte) {
		r := NewDead()
		if _, err := r.Add(&event.Record{Value: value}, uuid.Nil, nil); err != nil && (event.AsRejection(err) == nil || r.Len() != 0) {
			t.Fatalf("%v, %d rows", err, r.Len())
		}
		for _, c := range r.Columns(0, r.Len()) {
			if got := reflect.ValueOf(c.Plain()).Len(); got != r.Len() {
				t.Fatalf("column %s has %d values of %d", c.Name, got, r.Len())
			}
		}
	})
}

// BenchmarkEvents is a record's way into the columns: limited by the decoding of its 57 fields. B/row is the memory that a row takes there, of 20,000.
func BenchmarkEvents(b *testing.B) {
	recs := make([]*event.Record, 1000)
	size := 0
	for i := range recs {
		recs[i] = enriched(b, int64(i), 0)
		size += len(recs[i].Value)
	}
	r, marks := NewEvents(), checkpoint.Marks{checkpoint.NewMark(log)}
	b.SetBytes(int64(size / len(recs)))
	b.ReportAllocs()
	perRow := 0
	for i := 0; b.Loop(); i++ {
		if r.Len() == 20_000 {
			perRow = r.Size() / r.Len()
			r.Reset()
		}
		marks[0] = checkpoint.NewMark(log) // or it were a repetition
		if _, err := r.Add(recs[i%len(recs)], uuid.Nil, marks); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(perRow), "B/row")
}
