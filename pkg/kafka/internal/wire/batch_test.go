package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
)

// encode makes one batch of recs, based at offset.
func encode(t testing.TB, offset int64, c Codec, recs ...event.Record) []byte {
	t.Helper()
	var b Builder
	for i := range recs {
		b.Add(&recs[i])
	}
	out, err := b.appendBatch(nil, c, Unnumbered)
	if err != nil {
		t.Fatal(err)
	}
	// As the broker does; the checksum leaves both out.
	binary.BigEndian.PutUint64(out[atBaseOffset:], uint64(offset))
	binary.BigEndian.PutUint32(out[atLeaderEpoch:], 5)
	return out
}

// mark changes a batch's header, as a transactional producer would have written it, and its checksum with it.
func mark(batch []byte, attributes uint16, producer int64) []byte {
	batch = slices.Clone(batch)
	binary.BigEndian.PutUint16(batch[atAttributes:], attributes)
	binary.BigEndian.PutUint64(batch[atProducerID:], uint64(producer))
	binary.BigEndian.PutUint32(batch[atCRC:], crc32.Checksum(batch[atAttributes:], castagnoli))
	return batch
}

func decode(t testing.TB, data []byte, from int64, aborted ...abortedTransaction) *Batch {
	t.Helper()
	out := &Batch{Next: from, names: make(map[string]string)}
	if err := decodeBatches(data, 7, from, aborted, 1<<30, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func offsets(b *Batch) []int64 {
	var out []int64
	for _, rec := range b.Records {
		out = append(out, rec.Offset)
	}
	return out
}

func sample(n int) []event.Record {
	out := make([]event.Record, n)
	for i := range out {
		out[i] = event.Record{
			// Timestamps may go back.
			Timestamp: 1_700_000_000_000 - int64(i*i), Key: fmt.Append(nil, "k", i), Value: fmt.Append(nil, "value ", i),
			Headers: []event.Header{{Key: "a", Value: []byte{}}, {Key: "b"}, {Key: "", Value: []byte("x")}},
		}
	}
	out[0].Key, out[0].Value, out[0].Headers = nil, nil, nil
	return out
}

func TestEveryCodecGivesTheRecordsBack(t *testing.T) {
	for name, c := range Codecs {
		t.Run(name, func(t *testing.T) {
			want := sample(300)
			got := decode(t, encode(t, 1000, c, want...), 0)
			for i := range want {
				want[i].Partition, want[i].Offset, want[i].LeaderEpoch = 7, 1000+int64(i), 5
			}
			if diff := cmp.Diff(want, got.Records); diff != "" {
				t.Error(diff)
			}
			if got.Next != 1300 || got.LeaderEpoch != 5 {
				t.Errorf("next is %d of leader epoch %d", got.Next, got.LeaderEpoch)
			}
		})
	}
}

func TestDecodeDropsWhatIsBelowTheAskedOffset(t *testing.T) {
	data := append(encode(t, 10, codecNone, sample(3)...), encode(t, 13, codecZstd, sample(3)...)...)
	got := decode(t, data, 14)
	if diff := cmp.Diff([]int64{14, 15}, offsets(got)); diff != "" || got.Next != 16 {
		t.Errorf("next %d: %s", got.Next, diff)
	}
}

func TestDecodeLeavesABatchThatIsCutOff(t *testing.T) {
	first, second := encode(t, 0, codecNone, sample(2)...), encode(t, 2, codecNone, sample(2)...)
	data := append(slices.Clone(first), second...)
	for cut := len(first); cut < len(data); cut++ {
		got := decode(t, data[:cut], 0)
		if len(got.Records) != 2 || got.Next != 2 {
			t.Fatalf("cut at %d: %d records, next %d", cut, len(got.Records), got.Next)
		}
	}
}

func TestDecodePassesOverControlRecordsAndAbortedTransactions(t *testing.T) {
	const transactional, control = attributeTransactional, attributeTransactional | attributeControl
	data := slices.Concat(
		mark(encode(t, 0, codecNone, sample(2)...), transactional, 1), // aborted
		mark(encode(t, 2, codecNone, sample(1)...), transactional, 2), // committed, though between the aborted ones
		mark(encode(t, 3, codecNone, sample(1)...), control, 1),       // 1 aborts
		mark(encode(t, 4, codecNone, sample(2)...), transactional, 1), // the next transaction of 1 is committed
		mark(encode(t, 6, codecNone, sample(1)...), control, 1),
	)
	got := decode(t, data, 0, abortedTransaction{producerID: 1, firstOffset: 0})
	if diff := cmp.Diff([]int64{2, 4, 5}, offsets(got)); diff != "" {
		t.Error(diff)
	}
	if got.Next != 7 { // past the control record, or a fetch loop would spin there
		t.Errorf("next is %d", got.Next)
	}
}

// What compaction takes out leaves holes: whole batches, or records of one, whose last offset stays.
func TestDecodeCountsOffsetsThatNothingExplains(t *testing.T) {
	long := encode(t, 20, codecNone, sample(2)...) // 20 and 21, of once six
	binary.BigEndian.PutUint32(long[atLastOffsetDelta:], 5)
	long = mark(long, 0, -1)
	for name, c := range map[string]struct {
		data []byte
		from int64
		want int64
	}{
		"nothing is missing":                   {append(encode(t, 10, codecNone, sample(3)...), encode(t, 13, codecNone, sample(3)...)...), 10, 0},
		"asked in the middle of a batch":       {encode(t, 10, codecNone, sample(3)...), 12, 0},
		"a batch is missing before the first":  {encode(t, 10, codecNone, sample(3)...), 7, 3},
		"a batch is missing between":           {append(encode(t, 10, codecNone, sample(3)...), encode(t, 17, codecNone, sample(3)...)...), 10, 4},
		"records at a batch's end are missing": {long, 20, 4},
		"asked where they are missing":         {long, 24, 2},
		"an aborted transaction and its marker": {slices.Concat(encode(t, 0, codecNone, sample(2)...),
			mark(encode(t, 2, codecNone, sample(2)...), attributeTransactional, 1), mark(encode(t, 4, codecNone, sample(1)...), attributeTransactional|attributeControl, 1),
			encode(t, 5, codecNone, sample(1)...)), 0, 0},
	} {
		if got := decode(t, c.data, c.from, abortedTransaction{1, 2}); got.Holes != c.want {
			t.Errorf("%s: %d holes, want %d", name, got.Holes, c.want)
		}
	}
}

func TestDecodeTakesAbortedTransactionsInAnyOrder(t *testing.T) {
	data := slices.Concat(
		mark(encode(t, 0, codecNone, sample(1)...), attributeTransactional, 1),
		mark(encode(t, 1, codecNone, sample(1)...), attributeTransactional, 2),
		mark(encode(t, 2, codecNone, sample(1)...), attributeTransactional|attributeControl, 2), // 2 began later and ended first
		mark(encode(t, 3, codecNone, sample(1)...), attributeTransactional|attributeControl, 1),
	)
	if got := decode(t, data, 0, abortedTransaction{2, 1}, abortedTransaction{1, 0}); len(got.Records) != 0 {
		t.Errorf("offsets %v were taken back", offsets(got))
	}
}

func TestDecodeFindsEveryFlippedBit(t *testing.T) {
	data := encode(t, 0, codecNone, sample(2)...)
	for i := atAttributes; i < len(data); i++ {
		broken := slices.Clone(data)
		broken[i] ^= 0x10
		out := &Batch{names: make(map[string]string)}
		if err := decodeBatches(broken, 0, 0, nil, 1<<30, out); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

func TestLogAppendTimeReplacesTheProducersTime(t *testing.T) {
	batch := mark(encode(t, 0, codecNone, sample(3)...), attributeLogAppendTime, -1)
	for _, rec := range decode(t, batch, 0).Records {
		if rec.Timestamp != 1_700_000_000_000 {
			t.Errorf("record %d: %d", rec.Offset, rec.Timestamp)
		}
	}
}

func TestEncodedSizeIsNotLessThanTheRecordTakes(t *testing.T) {
	for _, rec := range append(sample(10), event.Record{Timestamp: 1 << 50, Value: make([]byte, 1<<20)}) {
		var b Builder
		b.Add(&event.Record{})
		before := len(b.records)
		b.count = 1 << 30
		b.Add(&rec)
		if took := len(b.records) - before; took > EncodedSize(&rec) {
			t.Errorf("%d bytes, said %d", took, EncodedSize(&rec))
		}
	}
}

// FuzzDecode feeds what a broker might send, its checksum fixed so that the records are reached.
func FuzzDecode(f *testing.F) {
	for _, c := range Codecs {
		f.Add(encode(f, 3, c, sample(5)...), int64(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, from int64) {
		data = slices.Clone(data)
		if len(data) >= batchHeaderSize {
			if end := atLeaderEpoch + int(int32(binary.BigEndian.Uint32(data[atLength:]))); end >= batchHeaderSize && end <= len(data) {
				binary.BigEndian.PutUint32(data[atCRC:], crc32.Checksum(data[atAttributes:end], castagnoli))
			}
		}
		out := &Batch{Next: from, names: make(map[string]string)}
		err := decodeBatches(data, 0, from, nil, 1<<20, out)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("an error of another kind: %v", err)
		}
		for _, rec := range out.Records {
			if rec.Offset < from {
				t.Errorf("offset %d below %d", rec.Offset, from)
			}
		}
	})
}

func TestOnlyWhoHasNothingToReadIsCaughtUp(t *testing.T) {
	for name, c := range map[string]struct {
		part FetchedPartition
		want bool
	}{
		"at the end":               {FetchedPartition{highWatermark: 7}, true},
		"records":                  {FetchedPartition{highWatermark: 8, records: []byte{0}}, false},
		"a batch that had no room": {FetchedPartition{highWatermark: 8}, false},
		"an error":                 {FetchedPartition{highWatermark: 7, Code: 1}, false},
	} {
		if got := c.part.CaughtUp(7); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// FuzzAnswers feeds the parsers of answers.
func FuzzAnswers(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, data []byte) {
		if res, err := parseFetchResponse(data); err == nil {
			size := 0
			for i := range res.Partitions {
				size += res.Partitions[i].Bytes()
			}
			if size > len(data) {
				t.Error("more records than answer")
			}
		}
		if res, err := parseProduceResponse(data); err == nil && res == nil {
			t.Error("neither answer nor error")
		}
		if res, err := parseProducerIDResponse(data); err == nil && res.Code == 0 && (res.ID < 0 || res.Epoch < 0) {
			t.Errorf("%+v is no identity", res)
		}
	})
}

// What encode and decode cost a record of 500 bytes; checksum and memory traffic are what is left.
func BenchmarkEncode(b *testing.B) {
	benchmark(b, func(c Codec, recs []event.Record) func() {
		var build Builder
		var out []byte
		return func() {
			build.Reset()
			for i := range recs {
				build.Add(&recs[i])
			}
			var err error
			if out, err = build.appendBatch(out[:0], c, Unnumbered); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	benchmark(b, func(c Codec, recs []event.Record) func() {
		data := encode(b, 0, c, recs...)
		out := &Batch{names: make(map[string]string)}
		return func() {
			out.Records, out.scratch, out.headers = out.Records[:0], out.scratch[:0], out.headers[:0]
			if err := decodeBatches(data, 0, 0, nil, 1<<30, out); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmark(b *testing.B, prepare func(Codec, []event.Record) func()) {
	recs := make([]event.Record, 1000)
	for i := range recs {
		recs[i] = event.Record{
			Timestamp: int64(i), Key: []byte("account|visitor"), Value: fmt.Appendf(nil, "%0500d", i*7919),
			Headers: []event.Header{{Key: "account", Value: []byte("demo")}, {Key: "event_id", Value: []byte("0123456789abcdef")}},
		}
	}
	for _, name := range []string{"none", "lz4", "zstd"} {
		b.Run(name, func(b *testing.B) {
			once := prepare(Codecs[name], recs)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(recs)), "ns/record")
		})
	}
}

// What is packed outlives the batch, and its memory, and gives the same records again: also where an answer was not read to its end, or only in part.
func TestPackedRecordsComeAgainAsTheyWere(t *testing.T) {
	for _, codec := range []Codec{codecNone, codecZstd} {
		for name, c := range map[string]struct {
			from  int64
			limit int
			want  []int64
		}{
			"all":      {10, 1 << 30, []int64{10, 11, 12, 13, 14, 15}},
			"a part":   {11, 1 << 30, []int64{11, 12, 13, 14, 15}},
			"a limit":  {10, 1, []int64{10, 11, 12}},
			"a repeat": {12, 1, []int64{12}},
		} {
			if codec == codecNone && c.limit == 1 {
				continue // what is not compressed has no limit
			}
			data := append(encode(t, 10, codec, sample(3)...), encode(t, 13, codec, sample(3)...)...)
			res := &FetchedPartition{Partition: 7, records: data}
			b := NewBatch()
			if err := res.Decode(b, c.from, c.limit); err != nil {
				t.Fatal(err)
			}
			var want []event.Record
			for i := range b.Records {
				want = append(want, *b.Records[i].Clone())
			}
			packed := b.Pack()
			b.Release()
			clear(data)
			again, err := packed.Unpack()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, again.Records); diff != "" || !slices.Equal(offsets(again), c.want) {
				t.Errorf("codec %d, %s: %v (-want +got):\n%s", codec, name, offsets(again), diff)
			}
			again.Release()
		}
	}
}
