package wire

import (
	"crypto/rand"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
)

// examples is a batch of so many raw events, of the published examples, four from one visitor after the other.
func examples(b *testing.B, events int) *Builder {
	files, err := filepath.Glob("../../../../schemas/events/examples/*.json")
	if err != nil || len(files) == 0 {
		b.Fatalf("no examples: %v", err)
	}
	var batch Builder
	var visitor string
	for i := range events {
		if i%4 == 0 {
			visitor = rand.Text()
		}
		value, err := os.ReadFile(files[i%len(files)])
		if err != nil {
			b.Fatal(err)
		}
		raw := event.Raw{
			Format: event.FormatRecorder, AccountID: "account", EventID: uuid.New(), ReceivedAt: 1_700_000_000_000 + int64(i), ClientIP: netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}),
			UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", Value: value,
		}
		rec := raw.Record(event.Key(raw.AccountID, visitor))
		batch.Add(&rec)
	}
	return &batch
}

// BenchmarkCompress is the size of events in a batch, and what it takes to make it so.
func BenchmarkCompress(b *testing.B) {
	const events = 72
	batch := examples(b, events)
	for _, name := range slices.Sorted(maps.Keys(Codecs)) {
		b.Run(name, func(b *testing.B) {
			var out []byte
			var err error
			for b.Loop() {
				if out, err = compressTo(out[:0], batch.records, Codecs[name]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
			b.ReportMetric(float64(len(batch.records))/events, "bytes-in/event")
			b.ReportMetric(float64(len(out))/events, "bytes-out/event")
		})
	}
}
