package wire

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/waymark-events/waymark/pkg/event"
)

// ErrCorrupt means that a batch fails its checksum or cannot be decoded.
var ErrCorrupt = errors.New("kafka: corrupt record batch")

// Attributes of a batch (KIP-98).
const (
	attributeLogAppendTime = 1 << 3
	attributeTransactional = 1 << 4
	attributeControl       = 1 << 5
)

// An abortedTransaction tells that what producerID wrote from firstOffset on, to its next control record, was taken back.
type abortedTransaction struct {
	producerID  int64
	firstOffset int64
}

// decodeBatches reads the record batches in data, as a fetch answers them, into out.Records: those at from or above it,
// without control records and without those of aborted transactions. A batch cut off at the end, which Kafka allows, is
// left for the next fetch. out.Next becomes the offset after the last batch read: it stops early when limit bytes are
// decompressed, since a small answer may hold a hundred times its size.
//
// Records alias data, or out's own memory for compressed batches. aborted is sorted here: brokers list transactions as they
// ended, not as they began.
func decodeBatches(data []byte, partition int32, from int64, aborted []abortedTransaction, limit int, out *Batch) error {
	slices.SortFunc(aborted, func(a, b abortedTransaction) int { return cmp.Compare(a.firstOffset, b.firstOffset) })
	open := make(map[int64]bool)
	for len(data) >= batchHeaderSize && out.decompressed < limit {
		length := int(int32(binary.BigEndian.Uint32(data[atLength:])))
		if length < batchHeaderSize-atLeaderEpoch {
			return fmt.Errorf("%w: a batch of %d bytes", ErrCorrupt, length)
		}
		if len(data) < atLeaderEpoch+length {
			break
		}
		batch := data[:atLeaderEpoch+length]
		data = data[len(batch):]
		out.taken += len(batch)
		if batch[atMagic] != 2 {
			return fmt.Errorf("%w: message format %d, want 2", ErrCorrupt, batch[atMagic])
		}
		if crc32.Checksum(batch[atAttributes:], castagnoli) != binary.BigEndian.Uint32(batch[atCRC:]) {
			return fmt.Errorf("%w: checksum", ErrCorrupt)
		}
		base := int64(binary.BigEndian.Uint64(batch[atBaseOffset:]))
		next := base + int64(int32(binary.BigEndian.Uint32(batch[atLastOffsetDelta:]))) + 1
		attributes := binary.BigEndian.Uint16(batch[atAttributes:])
		producer := int64(binary.BigEndian.Uint64(batch[atProducerID:]))

		for len(aborted) > 0 && aborted[0].firstOffset < next {
			open[aborted[0].producerID] = true
			aborted = aborted[1:]
		}
		switch {
		case attributes&attributeControl != 0:
			delete(open, producer)
		case attributes&attributeTransactional != 0 && open[producer]:
		case next > from:
			if err := decodeRecords(batch, partition, from, out); err != nil {
				return fmt.Errorf("%w: batch at offset %d: %w", ErrCorrupt, base, err)
			}
		}
		if next > out.Next {
			// Control records and what was aborted count as explained; a record that a batch lacks inside is counted by decodeRecords.
			out.Holes += max(0, base-out.Next)
			out.Next, out.LeaderEpoch = next, int32(binary.BigEndian.Uint32(batch[atLeaderEpoch:]))
		}
	}
	return nil
}

// decodeRecords reads the records of one batch.
func decodeRecords(batch []byte, partition int32, from int64, out *Batch) error {
	attributes := binary.BigEndian.Uint16(batch[atAttributes:])
	r := Reader{data: batch[batchHeaderSize:]}
	if c := Codec(attributes & codecMask); c != codecNone {
		var err error
		if r.data, err = decompressTo(out.room(decompressedSize(r.data, c)), r.data, c); err != nil {
			return err
		}
		out.use(r.data)
	}
	base := int64(binary.BigEndian.Uint64(batch[atBaseOffset:]))
	baseTime := int64(binary.BigEndian.Uint64(batch[atBaseTimestamp:]))
	epoch := int32(binary.BigEndian.Uint32(batch[atLeaderEpoch:]))
	count := int(int32(binary.BigEndian.Uint32(batch[atRecordCount:])))
	before := max(base, from) - 1 // the last offset accounted for
	for i := range count {
		rec, err := r.record(base, baseTime, out)
		if err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		if rec.Offset < from {
			continue
		}
		if attributes&attributeLogAppendTime != 0 {
			rec.Timestamp = int64(binary.BigEndian.Uint64(batch[atMaxTimestamp:]))
		}
		out.Holes += max(0, rec.Offset-before-1)
		before = rec.Offset
		rec.Partition, rec.LeaderEpoch = partition, epoch
		out.Records = append(out.Records, rec)
	}
	last := base + int64(int32(binary.BigEndian.Uint32(batch[atLastOffsetDelta:])))
	out.Holes += max(0, last-before)
	return nil
}

// record reads one record; its headers are kept in out.headers.
func (r *Reader) record(base, baseTime int64, out *Batch) (event.Record, error) {
	size := r.varint()
	if r.err == nil && (size < 0 || size > int64(len(r.data))) {
		r.fail("length %d with %d bytes left", size, len(r.data))
	}
	if r.err != nil {
		return event.Record{}, r.err
	}
	one := Reader{data: r.data[:size]}
	r.data = r.data[size:]

	one.Take(1) // attributes
	rec := event.Record{Timestamp: baseTime + one.varint(), Offset: base + one.varint(), Key: one.bytes(), Value: one.bytes()}
	count := one.varint()
	if count < 0 || count > int64(len(one.data)) { // a header takes two bytes at least
		one.fail("%d headers", count)
	}
	if one.err == nil && count > 0 {
		start := len(out.headers)
		for range count {
			out.headers = append(out.headers, event.Header{Key: out.name(one.bytes()), Value: one.bytes()})
		}
		rec.Headers = out.headers[start:len(out.headers):len(out.headers)]
	}
	r.err = one.err
	return rec, one.err
}
