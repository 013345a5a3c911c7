package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/waymark-events/waymark/pkg/event"
)

// An entry is what one request stored, or a part of it: a header of its payload's length and CRC-32C, both 4 bytes big-endian, and the
// payload: a count of records, and of each its timestamp, key, value, and headers, lengths and counts as varints.
const (
	entryHeader = 8
	// maxEntry bounds a payload, so that a length of garbage asks for no memory. Kafka takes no record of that size.
	maxEntry = 256 << 20
	// entryBytes is where a request's next entry begins: the log is drained by whole entries, and a producer holds only so much at once.
	entryBytes = 256 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crcOf(text string) uint32 { return crc32.Checksum([]byte(text), castagnoli) }

// errTorn means that the bytes are no whole entry: they were cut off, or are not what was written.
var errTorn = errors.New("no whole entry")

// appendEntries makes entries of recs, in order.
func appendEntries(recs []event.Record) []byte {
	total := 64
	for i := range recs {
		total += recs[i].Size() + 64
	}
	out := make([]byte, 0, total)
	for len(recs) > 0 {
		n, size := 0, 0
		for n < len(recs) && (n == 0 || size+recs[n].Size() <= entryBytes) {
			size += recs[n].Size()
			n++
		}
		out = appendEntry(out, recs[:n])
		recs = recs[n:]
	}
	return out
}

// appendEntry appends recs to dst as one entry.
func appendEntry(dst []byte, recs []event.Record) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, entryHeader)...)
	dst = binary.AppendUvarint(dst, uint64(len(recs)))
	for i := range recs {
		rec := &recs[i]
		dst = binary.AppendVarint(dst, rec.Timestamp)
		dst = appendBytes(dst, rec.Key)
		dst = appendBytes(dst, rec.Value)
		dst = binary.AppendUvarint(dst, uint64(len(rec.Headers)))
		for _, h := range rec.Headers {
			dst = appendBytes(dst, []byte(h.Key))
			dst = appendBytes(dst, h.Value)
		}
	}
	payload := dst[at+entryHeader:]
	binary.BigEndian.PutUint32(dst[at:], uint32(len(payload)))
	binary.BigEndian.PutUint32(dst[at+4:], crc32.Checksum(payload, castagnoli))
	return dst
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// checkEntry returns the payload of the entry that data begins with, and the entry's whole length; errTorn when there is none.
func checkEntry(data []byte) (payload []byte, length int, err error) {
	if len(data) < entryHeader {
		return nil, 0, errTorn
	}
	size := binary.BigEndian.Uint32(data)
	if size > maxEntry || int(size) > len(data)-entryHeader {
		return nil, 0, errTorn
	}
	length = entryHeader + int(size)
	payload = data[entryHeader:length]
	if size == 0 || crc32.Checksum(payload, castagnoli) != binary.BigEndian.Uint32(data[4:]) {
		return nil, 0, errTorn
	}
	return payload, length, nil
}

// decodeEntry appends a payload's records to dst. They alias payload.
func decodeEntry(dst []event.Record, payload []byte) ([]event.Record, error) {
	d := decoder{data: payload}
	count := d.count()
	for range count {
		rec := event.Record{Timestamp: d.varint(), Key: d.bytes(), Value: d.bytes()}
		if n := d.count(); n > 0 {
			rec.Headers = make([]event.Header, 0, n)
			for range n {
				rec.Headers = append(rec.Headers, event.Header{Key: string(d.bytes()), Value: d.bytes()})
			}
		}
		if d.bad {
			return dst, errors.New("an entry with a good checksum does not decode")
		}
		dst = append(dst, rec)
	}
	if d.bad || len(d.data) > 0 {
		return dst, fmt.Errorf("an entry with a good checksum does not decode: %d bytes are left", len(d.data))
	}
	return dst, nil
}

// countEntry is how many records a payload holds.
func countEntry(payload []byte) int {
	n, size := binary.Uvarint(payload)
	if size <= 0 {
		return 0
	}
	return int(n)
}

// countEntries counts the records of the whole entries that data begins with, and those entries' bytes.
func countEntries(data []byte) (records, length int64) {
	for {
		payload, n, err := checkEntry(data[length:])
		if err != nil {
			return records, length
		}
		records += int64(countEntry(payload))
		length += int64(n)
	}
}

// A decoder reads from the front of data; bad stays set once something does not fit.
type decoder struct {
	data []byte
	bad  bool
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.data = d.data[n:]
	return v
}

// count reads a number of things that take at least a byte each.
func (d *decoder) count() int {
	v, n := binary.Uvarint(d.data)
	if n <= 0 || v > uint64(len(d.data)) {
		d.bad = true
		return 0
	}
	d.data = d.data[n:]
	return int(v)
}

func (d *decoder) bytes() []byte {
	n := d.count()
	if d.bad || n > len(d.data) {
		d.bad = true
		return nil
	}
	out := d.data[:n:n]
	d.data = d.data[n:]
	return out
}
