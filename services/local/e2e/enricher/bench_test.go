package enricher

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// BenchmarkRawToEnriched moves a full raw topic through the enricher: fetch, decode, enrich, produce, commit, with the embedded
// broker in the same process (about half of the CPU is its). What BenchmarkRemember measures is left out.
func BenchmarkRawToEnriched(b *testing.B) {
	const partitions, perPartition = 4, 25_000
	w := newWorld(b, partitions)
	for p := range int32(partitions) {
		w.send(b, p, mixed(b, perPartition)...)
	}
	b.ReportAllocs()
	rounds, moved := 0, int64(0)
	var spent time.Duration
	for b.Loop() {
		rounds++
		goal := int64(rounds * partitions * perPartition)
		cfg := w.config()
		if rounds > 1 {
			b.StopTimer()
			for p := range int32(partitions) {
				w.send(b, p, mixed(b, perPartition)...)
			}
			b.StartTimer()
		}
		s := start(b, cfg)
		kafkatest.Wait(b, func() bool { return s.metric(b, "waymark_enricher_step_seconds", "remember") == partitions }, "the windows are there")
		started := time.Now()
		moved += goal - w.enrichedRecords(b)
		kafkatest.Wait(b, func() bool { return w.enrichedRecords(b) >= goal }, "all events enriched")
		spent += time.Since(started)
		if err := s.stop(b); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(moved)/spent.Seconds(), "events/s")
}

// BenchmarkRemember is what a claimed partition costs before its first fetch: the join, and the full window read from the enriched topic.
// Decompressing and hashing limit it; the embedded broker's half runs in the same process.
func BenchmarkRemember(b *testing.B) {
	const events = 250_000
	w := newWorld(b, 1)
	w.send(b, 0, mixed(b, events)...)
	s := start(b, w.config())
	kafkatest.Wait(b, func() bool { return w.enrichedRecords(b) >= events }, "all events enriched")
	mustStop(b, s)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		s := start(b, w.config())
		kafkatest.Wait(b, func() bool { return s.metric(b, "waymark_enricher_step_seconds", "remember") > 0 }, "the window is there")
		b.StopTimer()
		mustStop(b, s)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}

// seeds make the events of every call new ones.
var seeds atomic.Uint64

// mixed returns events of every kind from many visitors, as varied as real ones where it matters to compression.
func mixed(b testing.TB, n int) []event.Record {
	b.Helper()
	names := []string{"walkthru-play", "walkthru-step", "walkthru-complete", "launcher-click", "page-view", "task-complete", "survey-submit", "custom-track"}
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = example(b, name)
	}
	random := rand.New(rand.NewPCG(1, seeds.Add(1)))
	var bits [16]byte
	newUUID := func() uuid.UUID {
		binary.NativeEndian.PutUint64(bits[:], random.Uint64())
		binary.NativeEndian.PutUint64(bits[8:], random.Uint64())
		return bits
	}
	visitors := make([]string, 2000)
	for i := range visitors {
		visitors[i] = newUUID().String()
	}
	out := make([]event.Record, n)
	for i := range out {
		visitor := visitors[random.IntN(len(visitors))]
		value := strings.ReplaceAll(values[random.IntN(len(values))], "6f1c2b9e-8d34-4a57-b0c1-2f7e9a5d3c18", visitor)
		value = strings.ReplaceAll(value, "15517840", strconv.Itoa(17_000_000+random.IntN(1_000_000)))
		raw := rawOf("demo", []byte(value))
		raw.EventID, raw.ReceivedAt = newUUID(), time.Now().UnixMilli()
		raw.ClientIP = netip.AddrFrom4([4]byte{byte(1 + random.IntN(220)), byte(random.IntN(256)), byte(random.IntN(256)), byte(random.IntN(256))})
		out[i] = raw.Record(event.Key("demo", visitor))
	}
	return out
}
