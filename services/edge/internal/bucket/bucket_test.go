package bucket

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

func TestABucketLetsItsRateAndABurstPass(t *testing.T) {
	table, rate := NewTable[string](10), PerSecond(10)
	for i, c := range []struct {
		after time.Duration // since the start
		n     int
		want  time.Duration
	}{
		{0, 15, 0}, {0, 5, 0}, {0, 1, 100 * time.Millisecond}, {50 * time.Millisecond, 1, 50 * time.Millisecond}, {100 * time.Millisecond, 1, 0},
		{time.Second, 1000, 1100 * time.Millisecond},                                 // more than it holds: when it is full
		{2100 * time.Millisecond, 1000, 0}, {time.Second, 1, 100 * time.Millisecond}, // the clock goes back
	} {
		if got := table.Take("a", c.n, rate, start.Add(c.after)); (got - c.want).Abs() > time.Microsecond {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
	}
	if wait := table.Take("b", 20, rate, start); wait != 0 {
		t.Errorf("another key waits %s", wait)
	}
}

func TestWhatIsGivenBackCanBeTakenAgain(t *testing.T) {
	table, rate := NewTable[string](10), PerSecond(10)
	if table.Take("a", 20, rate, start) != 0 {
		t.Fatal("a full bucket has too little")
	}
	table.Give("a", 20, rate, start)
	if wait := table.Take("a", 20, rate, start); wait != 0 {
		t.Errorf("it waits %s", wait)
	}
}

func TestALowerRateHoldsAtOnce(t *testing.T) {
	table := NewTable[string](10)
	table.Take("a", 1, PerSecond(1000), start)
	if table.Take("a", 2, PerSecond(1), start); table.Take("a", 1, PerSecond(1), start) != time.Second {
		t.Error("what an old rate left is taken at a new one")
	}
}

// An attacker has as many IPv6 networks as they like: the table must not grow by them (without a bound it is 50 MB here).
func TestManyAddressesTakeNoMoreMemory(t *testing.T) {
	const most = 1 << 14
	table := NewTable[netip.Addr](most)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	address := func(n int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, byte(n >> 16), byte(n >> 8), byte(n)})
	}
	for n := range most {
		table.Take(address(n), 1, PerSecond(1), start)
	}
	full := heap()
	for n := range 20 * most {
		table.Take(address(n), 1, PerSecond(1), start)
	}
	if grown := int64(heap()) - int64(full); table.Len() != most || grown > 8<<20 {
		t.Errorf("%d buckets of %d, %d bytes more than when it was full", table.Len(), most, grown)
	}
	runtime.KeepAlive(table)
}

// A limit of a busy key must not be forgotten because others come once.
func TestTheOneThatIsAskedForStays(t *testing.T) {
	table, rate := NewTable[int](4), PerSecond(1)
	for table.Take(0, 1, rate, start) == 0 {
	}
	for n := 1; n < 100; n++ {
		if table.Take(n, 1, rate, start); table.Take(0, 1, rate, start) == 0 {
			t.Fatalf("after %d others it may again", n)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	table := NewTable[int](1 << 16)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		table.Take(n&(1<<17-1), 1, PerSecond(100), start)
	}
}
