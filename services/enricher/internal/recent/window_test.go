package recent

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

func id(n int) (id ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

var alice, bob = []byte("demo|alice"), []byte("demo|bob")

func TestAnEventIsARepetitionOnlyAfterItself(t *testing.T) {
	w := New(time.Minute, 10)
	w.Add(id(1), alice, 5, 0)
	for name, c := range map[string]struct {
		id     ID
		key    []byte
		offset int64
		want   bool
	}{
		"later":                       {id(1), alice, 6, true},
		"the same record, read again": {id(1), alice, 5, false},
		"earlier":                     {id(1), alice, 4, false},
		"another id":                  {id(2), alice, 6, false},
		"another visitor's":           {id(1), bob, 6, false},
	} {
		if got := w.Repeats(c.id, c.key, c.offset); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	w.Add(id(1), alice, 3, 0)
	if !w.Repeats(id(1), alice, 5) {
		t.Error("the lower offset was not remembered")
	}
	if w.Len() != 1 {
		t.Errorf("one event is remembered %d times", w.Len())
	}
}

func TestEveryBitOfAnIDCounts(t *testing.T) {
	w := New(time.Minute, 10)
	w.Add(id(1), alice, 0, 0)
	for bit := range 128 {
		other := id(1)
		other[bit/8] ^= 1 << (bit % 8)
		if w.Repeats(other, alice, 1) {
			t.Errorf("an id that differs in bit %d is taken for a repetition", bit)
		}
	}
}

func TestTheWindowForgetsByCountAndByTheRecordsOwnTime(t *testing.T) {
	w := New(time.Minute, 3)
	for i := range 4 {
		w.Add(id(i), alice, int64(i), 0)
	}
	if w.Repeats(id(0), alice, 9) || !w.Repeats(id(1), alice, 9) || w.Len() != 3 {
		t.Errorf("of four events a window of three remembers %d, or the wrong ones", w.Len())
	}
	w.Add(id(4), alice, 4, 60_999)
	if !w.Repeats(id(3), alice, 9) {
		t.Error("an event is forgotten within the span")
	}
	w.Add(id(5), alice, 5, 61_000)
	if w.Repeats(id(3), alice, 9) || w.Len() != 2 {
		t.Errorf("events are remembered beyond the span: %d", w.Len())
	}
	// What an edge sends late from its spool makes nothing forgotten, and neither does a time beyond all others.
	w.Add(id(6), alice, 6, -1)
	w.Add(id(7), alice, 7, 0)
	if !w.Repeats(id(5), alice, 9) || !w.Repeats(id(6), alice, 9) {
		t.Error("an old time made events forgotten")
	}
	w.Add(id(8), alice, 8, 1<<62)
	if !w.Repeats(id(8), alice, 9) || w.Len() != 1 {
		t.Error("a time out of range is not bounded")
	}
}

func TestAWindowOfNoEventsRemembersNothing(t *testing.T) {
	w := New(time.Minute, 0)
	w.Add(id(1), alice, 0, 0)
	if w.Repeats(id(1), alice, 1) || w.Len() != 0 || w.Bytes() != 0 {
		t.Error("something is remembered")
	}
}

func TestMemoryGrowsWithTheTrafficUpToItsBound(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); size != 32 {
		t.Errorf("an entry takes %d bytes, the documentation says 32", size)
	}
	for _, limit := range []int{1, 2, 3, 1000, 1025, 98_305, 250_000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			w := New(time.Hour, limit)
			for i := range 2*limit + 10 {
				w.Add(id(i), alice, int64(i), 0)
				if most := 64*min(2*(i+1), limit)*4/3 + 64*initial; w.Bytes() > most {
					t.Fatalf("%d bytes for %d events", w.Bytes(), i+1)
				}
			}
			if each := float64(w.Bytes()) / float64(limit); limit >= 1000 && each > 43 {
				t.Errorf("%.1f bytes an event", each)
			}
			if w.Len() != limit {
				t.Errorf("%d events in a window of %d", w.Len(), limit)
			}
		})
	}
}

// A model is a window as one would write it down.
type model struct {
	span, limit int
	passed      []struct {
		id, key  int
		offset   int64
		received int64
	}
}

func (m *model) find(id, key int) int {
	for i, e := range m.passed {
		if e.id == id && e.key == key {
			return i
		}
	}
	return -1
}

func (m *model) repeats(id, key int, offset int64) bool {
	i := m.find(id, key)
	return i >= 0 && m.passed[i].offset < offset
}

func (m *model) add(id, key int, offset, receivedAt int64) {
	second := receivedAt / 1000
	for len(m.passed) > 0 && m.passed[0].received < second-int64(m.span) {
		m.passed = m.passed[1:]
	}
	if i := m.find(id, key); i >= 0 {
		m.passed[i].offset = min(m.passed[i].offset, offset)
		return
	}
	if len(m.passed) == m.limit {
		m.passed = m.passed[1:]
	}
	m.passed = append(m.passed, struct {
		id, key  int
		offset   int64
		received int64
	}{id, key, offset, second})
}

func TestTheWindowIsItsModel(t *testing.T) {
	keys := [][]byte{alice, bob}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{span: rapid.IntRange(1, 20).Draw(t, "span"), limit: rapid.IntRange(1, 40).Draw(t, "limit")}
		w := New(time.Duration(m.span)*time.Second, m.limit)
		w.ring, w.slots = nil, nil
		w.resize(1) // so that it grows on the way
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			n, key := rapid.IntRange(0, 60).Draw(t, "id"), rapid.IntRange(0, 1).Draw(t, "key")
			offset, received := rapid.Int64Range(0, 1000).Draw(t, "offset"), rapid.Int64Range(0, 60_000).Draw(t, "received")
			if got, want := w.Repeats(id(n), keys[key], offset), m.repeats(n, key, offset); got != want {
				t.Fatalf("id %d of %s at %d: %v, want %v", n, keys[key], offset, got, want)
			}
			if rapid.Bool().Draw(t, "add") {
				w.Add(id(n), keys[key], offset, received)
				m.add(n, key, offset, received)
			}
			if w.Len() != len(m.passed) {
				t.Fatalf("%d remembered, want %d", w.Len(), len(m.passed))
			}
		}
	})
}

func BenchmarkWindow(b *testing.B) {
	for _, events := range []int{10_000, 250_000, 2_000_000} {
		b.Run(fmt.Sprint(events), func(b *testing.B) {
			w := New(time.Hour, events)
			for i := range events {
				w.Add(id(i), alice, int64(i), 0)
			}
			b.ReportAllocs()
			i := events
			for b.Loop() { // one event: looked up, found new, the oldest forgotten for it
				if w.Repeats(id(i), alice, int64(i)) {
					b.Fatal("a new event is taken for a repetition")
				}
				w.Add(id(i), alice, int64(i), 0)
				i++
			}
			b.ReportMetric(float64(w.Bytes())/float64(w.Len()), "bytes/event")
		})
	}
}
