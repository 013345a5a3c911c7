package stream

import (
	"bytes"
	"testing"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
)

func TestAnOriginIsReadWithoutTheMessage(t *testing.T) {
	id := idOf(9)
	for name, e := range map[string]*event.Enriched{
		"first of all": {EventId: id[:]},
		"whole":        {EventId: id[:], AccountId: "demo", ReceivedAt: 1, Props: []byte("{}"), StepIndex: -1, RawPartition: 3, RawOffset: 1 << 40, Epoch: 1 << 31, RawTopicId: rawID[:], RawLeaderEpoch: 5},
	} {
		value, err := e.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		want := origin{checkpoint.Source{Epoch: e.Epoch, LeaderEpoch: e.RawLeaderEpoch, Offset: e.RawOffset}, id, e.ReceivedAt}
		copy(want.Topic[:], e.RawTopicId)
		if got, err := parseOrigin(value); err != nil || got != want {
			t.Errorf("%s: %v, want %v (error %v)", name, got, want, err)
		}
		if _, err := parseOrigin(append(value, 0xff)); err == nil {
			t.Errorf("%s: accepted with rubbish behind it", name)
		}
	}
	for name, value := range map[string][]byte{"nothing": nil, "a short id": {1<<3 | 2, 1, 'x'}, "text": []byte("an alien record")} {
		if got, err := parseOrigin(value); err == nil {
			t.Errorf("%s: accepted as %v", name, got)
		}
	}
}

// Whatever the real decoder accepts is read as it reads it.
func FuzzOrigin(f *testing.F) {
	id := idOf(9)
	whole, err := (&event.Enriched{EventId: id[:], AccountId: "demo", RawOffset: 5, Epoch: 2, RawTopicId: rawID[:], RawLeaderEpoch: 5, ReceivedAt: 7}).MarshalVT()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), whole...))
	f.Add([]byte{0xb, 1, 0xc}) // a group
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := parseOrigin(value)
		var e event.Enriched
		if e.UnmarshalVT(value) != nil || len(e.EventId) != len(id) {
			return
		}
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		if !bytes.Equal(got.eventID[:], e.EventId) || got.Offset != e.RawOffset || got.Epoch != e.Epoch ||
			got.LeaderEpoch != e.RawLeaderEpoch || got.receivedAt != e.ReceivedAt || len(e.RawTopicId) == 16 && !bytes.Equal(got.Topic[:], e.RawTopicId) {
			t.Fatalf("%v, want %v", got, &e)
		}
	})
}

func BenchmarkOrigin(b *testing.B) {
	id := idOf(9)
	value, err := (&event.Enriched{
		EventId: id[:], AccountId: "demo", Region: "us", Event: "play", ItemType: "walkthru", ItemId: "124909", ItemName: "Log in", InteractionId: "1551784021000-124909-x",
		VisitorId: id.String(), UserId: id.String(), Time: 1_551_784_021_500, ClientTime: 1_551_784_021_000, ReceivedAt: 1_551_784_021_000, Browser: "Chrome", BrowserVersion: "72.0.3626.121",
		Os: "Windows", OsVersion: "10", DeviceType: "desktop", IpMasked: "203.0.113.0", Props: []byte(`{"plan":"pro"}`), RawPartition: 3, RawOffset: 1 << 30, Epoch: 1, RawTopicId: id[:], RawLeaderEpoch: 3,
	}).MarshalVT()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseOrigin(value); err != nil {
			b.Fatal(err)
		}
	}
}
