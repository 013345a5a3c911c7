package event

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/uuid"
)

// Whatever differs between two events of a request, each has the record that it has alone.
func TestRecordsOfARequestAreThoseOfItsEvents(t *testing.T) {
	raw := Raw{Format: FormatRecorder, AccountID: "a", ReceivedAt: 1, UserAgent: "ua", ClientIP: netip.MustParseAddr("203.0.113.9"), Hints: Hints{UA: "brand"}}
	changes := []func(){
		func() {}, func() {}, // nothing but id and value
		func() { raw.Format = FormatSegment },
		func() { raw.AccountID = "b" },
		func() { raw.ReceivedAt = 2 },
		func() { raw.SentAt = 3 },
		func() { raw.Context = []byte("{}") },
		func() { raw.ClientIP = netip.MustParseAddr("203.0.113.10") },
		func() { raw.ClientIP = netip.Addr{} },
		func() { raw.UserAgent = "" },
		func() { raw.DNT = true },
		func() { raw.GPC = true },
		func() { raw.Hints.Model = "model" },
	}
	var records Records
	for range 2 {
		var want []Record
		for i, change := range changes {
			change()
			raw.EventID, raw.Value = uuid.New(), []byte{byte('0' + i)}
			want = append(want, raw.Record(Key(raw.AccountID, "v")))
			records.Add(&raw, raw.EventID.String(), "v")
		}
		got := records.All()
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("record %d:\n%v, want\n%v", i, got[i], want[i])
			}
		}
		records.Reset()
		raw = Raw{Format: FormatRecorder, AccountID: "c", ReceivedAt: 4}
	}
}

func BenchmarkRecords(b *testing.B) {
	raw := Raw{Format: FormatRecorder, AccountID: "a", ReceivedAt: 1, UserAgent: "ua", ClientIP: netip.MustParseAddr("203.0.113.9"), EventID: uuid.New(), Value: []byte("{}")}
	id := raw.EventID.String()
	var records Records
	b.ReportAllocs()
	for b.Loop() {
		if len(records.All()) == 18 {
			records.Reset()
		}
		records.Add(&raw, id, "visitor")
	}
}
