package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string, change ...func(*Options)) *Log {
	t.Helper()
	o := Options{Dir: dir, Bytes: 1 << 30}
	for _, c := range change {
		c(&o)
	}
	l, err := Open(o, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func segmentBytes(n int64) func(*Options) { return func(o *Options) { o.SegmentBytes = n } }

func shut(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// record is the one numbered n.
func record(n int) event.Record {
	return event.Record{
		Timestamp: int64(1_700_000_000_000 + n), Key: []byte("account|visitor"), Value: binary.BigEndian.AppendUint64(nil, uint64(n)),
		Headers: []event.Header{{Key: "event_id", Value: []byte{byte(n), 1}}, {Key: "sent_at", Value: []byte{1}}},
	}
}

func numberOf(rec event.Record) int { return int(binary.BigEndian.Uint64(rec.Value)) }

func add(t testing.TB, l *Log, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if err := l.Append([]event.Record{record(n)}); err != nil {
			t.Fatal(err)
		}
	}
}

// drain reads everything and says it is done; it returns the records' numbers.
func drain(t testing.TB, l *Log) (out []int) {
	t.Helper()
	for {
		chunk, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if chunk == nil {
			return out
		}
		for i := range chunk.Records {
			out = append(out, numberOf(chunk.Records[i]))
		}
		l.Done(chunk)
	}
}

func upTo(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}

func same(t testing.TB, got, want []int) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// lastSegment is the file that was written last.
func lastSegment(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil || len(names) == 0 {
		t.Fatalf("no segment in %s: %v", dir, err)
	}
	return slices.Max(names)
}

func TestRecordsSurviveTheirEncoding(t *testing.T) {
	bytesOf := rapid.SliceOfN(rapid.Byte(), 0, 40)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Record {
			rec := event.Record{Timestamp: rapid.Int64().Draw(t, "time"), Key: bytesOf.Draw(t, "key"), Value: bytesOf.Draw(t, "value")}
			for range rapid.IntRange(0, 3).Draw(t, "headers") {
				rec.Headers = append(rec.Headers, event.Header{Key: rapid.String().Draw(t, "name"), Value: bytesOf.Draw(t, "of")})
			}
			return rec
		}), 1, 5).Draw(t, "records")
		payload, length, err := checkEntry(appendEntry(nil, want))
		if err != nil || length != len(payload)+entryHeader {
			t.Fatalf("length %d, %v", length, err)
		}
		got, err := decodeEntry(nil, payload)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add(appendEntry(nil, []event.Record{record(1), record(2)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		payload, _, err := checkEntry(data)
		if err != nil {
			payload = data // a checksum is no protection of the decoder
		}
		recs, err := decodeEntry(nil, payload)
		if err == nil && len(recs) != countEntry(payload) {
			t.Errorf("%d records, counted %d", len(recs), countEntry(payload))
		}
	})
}

func TestALogIsReadInTheOrderItWasWritten(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, segmentBytes(300))
	add(t, l, upTo(20)...)
	same(t, drain(t, l), upTo(20))
	if !l.Empty() || l.bytes != 0 || l.events != 0 {
		t.Errorf("drained, but %d bytes and %d events are left", l.bytes, l.events)
	}
	add(t, l, 20, 21)
	shut(t, l)
	l = open(t, dir, segmentBytes(300))
	defer shut(t, l)
	if l.events != 2 {
		t.Errorf("%d events after the restart, want 2", l.events)
	}
	add(t, l, 22)
	same(t, drain(t, l), []int{20, 21, 22})
}

func TestWhatWasDrainedIsNotReadAgainAfterAnOrderlyEnd(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, upTo(5)...)
	// One entry a chunk: the others are too many bytes away.
	chunk, err := l.Next()
	if err != nil || len(chunk.Records) != 5 {
		t.Fatalf("%v, %v", chunk, err)
	}
	l.Done(chunk)
	add(t, l, 5)
	shut(t, l)
	l = open(t, dir)
	defer shut(t, l)
	same(t, drain(t, l), []int{5})
}

// A kill in the middle of a write leaves any part of it; a lost cursor makes everything be read again, no less.
func TestATornWriteIsCutAndEverythingBeforeItIsRead(t *testing.T) {
	origin := t.TempDir()
	l := open(t, origin)
	add(t, l, 0, 1)
	before := l.segments[0].size
	add(t, l, 2)
	shut(t, l)
	data, err := os.ReadFile(lastSegment(t, origin))
	if err != nil {
		t.Fatal(err)
	}
	for cut := int(before); cut < len(data); cut++ {
		for name, tail := range map[string][]byte{"short": nil, "zeroes": make([]byte, len(data)-cut), "garbage": bytes.Repeat([]byte{0xa5}, 30)} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, segmentName(1)), append(slices.Clone(data[:cut]), tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			l := open(t, dir)
			add(t, l, 3)
			got := drain(t, l)
			if want := []int{0, 1, 3}; !slices.Equal(got, want) {
				t.Errorf("cut at %d, then %s: read %v, want %v", cut, name, got, want)
			}
			shut(t, l)
		}
	}
}

// Damage before the last write hit something that was acknowledged: it is put aside and counted, and what can be read is read.
func TestDamageIsPutAsideAndNeverSkippedInSilence(t *testing.T) {
	origin := t.TempDir()
	l := open(t, origin)
	add(t, l, 0)
	first := l.segments[0].size
	add(t, l, 1, 2)
	shut(t, l)
	data, err := os.ReadFile(lastSegment(t, origin))
	if err != nil {
		t.Fatal(err)
	}
	for at := range first {
		for _, last := range []bool{true, false} {
			dir := t.TempDir()
			flipped := slices.Clone(data)
			flipped[at] ^= 0x10
			if err := os.WriteFile(filepath.Join(dir, segmentName(1)), flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			if !last {
				if err := os.WriteFile(filepath.Join(dir, segmentName(2)), appendEntry(nil, []event.Record{record(3)}), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			l := open(t, dir)
			add(t, l, 4)
			want := []int{4}
			if !last {
				want = []int{3, 4}
			}
			same(t, drain(t, l), want)
			if got := testutil.ToFloat64(l.metrics.corrupt); got != float64(len(data)) {
				t.Errorf("flip at %d: %v bytes counted as corrupt, want %d", at, got, len(data))
			}
			aside, err := filepath.Glob(filepath.Join(dir, "aside", "*"))
			if err != nil || len(aside) != 1 {
				t.Errorf("flip at %d: put aside: %v, %v", at, aside, err)
			}
			shut(t, l)
		}
	}
}

func TestAFullSpoolRefusesAndTakesAgainOnceDrained(t *testing.T) {
	l := open(t, t.TempDir(), func(o *Options) { o.Bytes, o.SegmentBytes = 4000, 1000 })
	defer shut(t, l)
	stored := 0
	for {
		err := l.Append([]event.Record{record(stored)})
		if errors.Is(err, intake.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		stored++
	}
	if stored < 30 || l.bytes > 4000 || !errors.Is(l.Check(), intake.ErrFull) {
		t.Errorf("stored %d in %d bytes; %v", stored, l.bytes, l.Check())
	}
	same(t, drain(t, l), upTo(stored))
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	add(t, l, 7)
	same(t, drain(t, l), []int{7})
}

func TestAfterAFailedWriteNothingOfItIsReadAndTheNextGoesElsewhere(t *testing.T) {
	l := open(t, t.TempDir())
	defer shut(t, l)
	add(t, l, 0)
	good := l.segments[0].file
	readOnly, err := os.Open(good.Name())
	if err != nil {
		t.Fatal(err)
	}
	l.segments[0].file = readOnly
	if err := l.Append([]event.Record{record(1)}); err == nil {
		t.Fatal("a disk that cannot be written took a record")
	}
	if l.Check() == nil {
		t.Error("ready though the disk refuses")
	}
	add(t, l, 2)
	if len(l.segments) != 2 || l.Check() != nil {
		t.Errorf("%d segments, want the spoilt one and another; %v", len(l.segments), l.Check())
	}
	same(t, drain(t, l), []int{0, 2})
	good.Close()
}

func TestManyAppendsShareAnFsync(t *testing.T) {
	l := open(t, t.TempDir())
	defer shut(t, l)
	const callers, each = 64, 20
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				if err := l.Append([]event.Record{record(c*each + i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := drain(t, l)
	for c := range callers { // each caller's own are in order
		last := -1
		for _, n := range got {
			if n/each == c {
				if n <= last {
					t.Fatalf("caller %d: %d after %d", c, n, last)
				}
				last = n
			}
		}
	}
	slices.Sort(got)
	same(t, got, upTo(callers*each))
	if syncs := testutil.ToFloat64(l.metrics.syncs); syncs > callers*each/4 {
		t.Errorf("%v syncs for %d appends", syncs, callers*each)
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	defer shut(t, l)
	if _, err := Open(Options{Dir: dir, Bytes: 1 << 20}, zap.NewNop(), prometheus.NewRegistry()); err == nil {
		t.Error("two processes have one spool")
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("%d callers of 30 events", callers), func(b *testing.B) {
			l := open(b, b.TempDir(), func(o *Options) { o.Bytes = 1 << 40 })
			defer shut(b, l)
			var recs []event.Record
			for n := range 30 {
				rec := record(n)
				rec.Value = make([]byte, 500)
				recs = append(recs, rec)
			}
			b.ReportAllocs()
			b.SetParallelism(callers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := l.Append(recs); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N*len(recs))/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(testutil.ToFloat64(l.metrics.syncs)/float64(b.N), "syncs/op")
		})
	}
}
