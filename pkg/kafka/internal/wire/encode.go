package wire

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/waymark-events/waymark/pkg/event"
)

// Layout of a record batch, version 2 (KIP-98; https://kafka.apache.org/documentation/#recordbatch).
const (
	atBaseOffset      = 0
	atLength          = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21
	atLastOffsetDelta = 23
	atBaseTimestamp   = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atProducerEpoch   = 51
	atBaseSequence    = 53
	atRecordCount     = 57
	batchHeaderSize   = 61
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Builder collects the records of one batch, encoded as they come. Its zero value is empty.
type Builder struct {
	records       []byte
	count         int32
	base, maximum int64 // timestamps
}

// Add encodes rec, copying all of it.
func (b *Builder) Add(rec *event.Record) {
	if b.count == 0 {
		b.base, b.maximum = rec.Timestamp, rec.Timestamp
	}
	b.maximum = max(b.maximum, rec.Timestamp)
	delta := rec.Timestamp - b.base

	size := 1 + varintSize(delta) + varintSize(int64(b.count)) + bytesSize(rec.Key) + bytesSize(rec.Value) + varintSize(int64(len(rec.Headers)))
	for i := range rec.Headers {
		h := &rec.Headers[i]
		size += varintSize(int64(len(h.Key))) + len(h.Key) + bytesSize(h.Value)
	}

	out := binary.AppendVarint(b.records, int64(size))
	out = append(out, 0) // attributes: none are defined
	out = binary.AppendVarint(out, delta)
	out = binary.AppendVarint(out, int64(b.count))
	out = appendBytes(out, rec.Key)
	out = appendBytes(out, rec.Value)
	out = binary.AppendVarint(out, int64(len(rec.Headers)))
	for i := range rec.Headers {
		h := &rec.Headers[i]
		out = binary.AppendVarint(out, int64(len(h.Key)))
		out = append(out, h.Key...)
		out = appendBytes(out, h.Value)
	}
	b.records = out
	b.count++
}

// Count is how many records b holds.
func (b *Builder) Count() int32 { return b.count }

// Size is what the records take, uncompressed, in bytes.
func (b *Builder) Size() int { return len(b.records) }

// EncodedSize is at least what rec takes in a batch, in bytes.
func EncodedSize(rec *event.Record) int {
	return rec.Size() + 24 + 10*len(rec.Headers)
}

// Reset empties b, keeping its memory unless that is uncommonly large.
func (b *Builder) Reset() {
	const keep = 4 << 20
	if cap(b.records) > keep {
		b.records = nil
	}
	*b = Builder{records: b.records[:0]}
}

// Numbers are what a batch carries of its producer (KIP-98): id, epoch, and the sequence of its first record.
type Numbers struct {
	ProducerID int64
	Epoch      int16
	Sequence   int32
}

// Unnumbered is what batches without idempotence carry.
var Unnumbered = Numbers{ProducerID: -1, Epoch: -1, Sequence: -1}

// appendBatch appends the whole batch to dst, numbered by as.
func (b *Builder) appendBatch(dst []byte, c Codec, as Numbers) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, batchHeaderSize)...)
	dst, err := compressTo(dst, b.records, c)
	if err != nil {
		return dst[:start], err
	}
	h := dst[start:]
	binary.BigEndian.PutUint32(h[atLength:], uint32(len(h)-atLeaderEpoch))
	binary.BigEndian.PutUint32(h[atLeaderEpoch:], ^uint32(0))
	h[atMagic] = 2
	binary.BigEndian.PutUint16(h[atAttributes:], uint16(c))
	binary.BigEndian.PutUint32(h[atLastOffsetDelta:], uint32(b.count-1))
	binary.BigEndian.PutUint64(h[atBaseTimestamp:], uint64(b.base))
	binary.BigEndian.PutUint64(h[atMaxTimestamp:], uint64(b.maximum))
	binary.BigEndian.PutUint64(h[atProducerID:], uint64(as.ProducerID))
	binary.BigEndian.PutUint16(h[atProducerEpoch:], uint16(as.Epoch))
	binary.BigEndian.PutUint32(h[atBaseSequence:], uint32(as.Sequence))
	binary.BigEndian.PutUint32(h[atRecordCount:], uint32(b.count))
	binary.BigEndian.PutUint32(h[atCRC:], crc32.Checksum(h[atAttributes:], castagnoli))
	return dst, nil
}

// appendBytes writes a nullable byte string: nil is null, as Kafka has it for keys, values and header values.
func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

func bytesSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(int64(len(b))) + len(b)
}

func varintSize(v int64) int {
	u := uint64(v)<<1 ^ uint64(v>>63)
	n := 1
	for u >= 0x80 {
		u >>= 7
		n++
	}
	return n
}
