package event

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

func fullRaw() Raw {
	return Raw{
		Format: FormatRecorder, AccountID: "demo-us", EventID: uuid.MustParse("0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"),
		ReceivedAt: 1_700_000_000_123, SentAt: 1_700_000_000_100, Context: []byte(`{"library":{}}`), ClientIP: netip.MustParseAddr("2001:db8::7"),
		UserAgent: "Mozilla/5.0", DNT: true, GPC: true,
		Hints: Hints{
			UA: `"Chromium";v="120"`, FullVersionList: `"Chromium";v="120.0.6099.109"`, FullVersion: "120.0.6099.109", Mobile: "?1",
			Model: `"Pixel 8"`, Platform: `"Android"`, PlatformVersion: `"14"`, FormFactors: `"Mobile"`, RequestedWith: "com.example.app",
		},
		Value: []byte(`{"type":"play"}`),
	}
}

var compareRaw = []cmp.Option{cmpopts.EquateComparable(netip.Addr{}, uuid.UUID{})}

func TestRawSurvivesTheRecord(t *testing.T) {
	for name, raw := range map[string]Raw{
		"every header":  fullRaw(),
		"required only": {Format: FormatRecorder, AccountID: "a", EventID: uuid.Max, ReceivedAt: 1, Value: []byte(`{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			rec := raw.Record(Key(raw.AccountID, "visitor"))
			if rec.Timestamp != raw.ReceivedAt || string(rec.Key) != raw.AccountID+"|visitor" {
				t.Errorf("timestamp %d, key %q", rec.Timestamp, rec.Key)
			}
			rec.Partition, rec.Offset = 3, 42
			raw.Partition, raw.Offset = 3, 42
			var got Raw
			if err := ParseRaw(&rec, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(raw, got, compareRaw...); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRawRefusesWhatNoEdgeWrote(t *testing.T) {
	for name, change := range map[string]Header{
		"no format":               {HeaderFormat, nil},
		"event id no UUID":        {HeaderEventID, []byte("42")},
		"received_at no number":   {HeaderReceivedAt, []byte("now")},
		"received_at not in time": {HeaderReceivedAt, []byte("0")},
		"sent_at no number":       {HeaderSentAt, []byte("1e9")},
		"ip no address":           {HeaderClientIP, []byte("localhost")},
		"account empty":           {HeaderAccount, nil},
	} {
		t.Run(name, func(t *testing.T) {
			raw := fullRaw()
			rec := raw.Record(nil)
			for i := range rec.Headers {
				if rec.Headers[i].Key == change.Key {
					rec.Headers[i] = change
				}
			}
			rejection := AsRejection(ParseRaw(&rec, new(Raw)))
			if rejection == nil || rejection.Reason != ReasonBadHeaders {
				t.Errorf("got %v, want %s", rejection, ReasonBadHeaders)
			}
		})
	}
	if AsRejection(ParseRaw(&Record{Value: []byte(`{}`)}, new(Raw))) == nil {
		t.Error("a record without headers was accepted")
	}
}

func TestParseRawTakesNothingFromTheEventBefore(t *testing.T) {
	full := fullRaw()
	other := full
	other.AccountID, other.UserAgent, other.ClientIP = "another", "Mozilla/5.0", netip.MustParseAddr("2001:db8::1")
	other.Context, other.Hints.Model, other.Hints.Mobile = []byte(`{"a":1}`), "", "?1"
	bare := Raw{Format: FormatRecorder, AccountID: "demo", EventID: full.EventID, ReceivedAt: 1, Value: []byte("{}")}
	var again Raw
	for i, raw := range []Raw{full, full, other, bare, other, full, bare} {
		rec := raw.Record(nil)
		want := new(Raw)
		if err := errors.Join(ParseRaw(&rec, want), ParseRaw(&rec, &again)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, &again, compareRaw...); diff != "" {
			t.Errorf("event %d: %s", i, diff)
		}
	}
}

func TestParseRawAllocatesNothingForTheNextEventOfARequest(t *testing.T) {
	raw := fullRaw()
	rec := raw.Record(nil)
	var out Raw
	if n := testing.AllocsPerRun(100, func() { _ = ParseRaw(&rec, &out) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseRaw(f *testing.F) {
	raw := fullRaw()
	for _, h := range raw.Record(nil).Headers {
		f.Add(h.Key, h.Value)
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		raw := fullRaw()
		rec := raw.Record(nil)
		rec.Headers = append(rec.Headers, Header{key, value})
		if err := ParseRaw(&rec, new(Raw)); err != nil && AsRejection(err) == nil {
			t.Errorf("error is no rejection: %v", err)
		}
	})
}

func BenchmarkParseRaw(b *testing.B) {
	raw := fullRaw()
	rec := raw.Record(nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := ParseRaw(&rec, &raw); err != nil {
			b.Fatal(err)
		}
	}
}
