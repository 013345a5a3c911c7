package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

var errShort = errors.New("the broker's answer is cut off")

// A Reader takes an answer, or a record batch, apart from the front. After an error everything is zero.
type Reader struct {
	data []byte
	err  error
}

// NewReader reads data; what it returns of bytes aliases it.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Err is the first thing that was wrong.
func (r *Reader) Err() error { return r.err }

func (r *Reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.data = nil
}

func (r *Reader) short() {
	if r.err == nil {
		r.err = errShort
	}
	r.data = nil
}

var zeros [16]byte

// fixed takes n bytes, 16 at most.
func (r *Reader) fixed(n int) []byte {
	if n > len(r.data) {
		r.short()
		return zeros[:n]
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// Take takes n bytes.
func (r *Reader) Take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.short()
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// Int16 reads a number of two bytes, Int32 and Int64 of four and eight.
func (r *Reader) Int16() int16 { return int16(binary.BigEndian.Uint16(r.fixed(2))) }
func (r *Reader) Int32() int32 { return int32(binary.BigEndian.Uint32(r.fixed(4))) }
func (r *Reader) Int64() int64 { return int64(binary.BigEndian.Uint64(r.fixed(8))) }

// String reads a string; a null one is empty.
func (r *Reader) String() string { return string(r.Take(max(0, int(r.Int16())))) }

// Count reads an array's length; a null array has none.
func (r *Reader) Count() int {
	n := int(r.Int32())
	if n > len(r.data) {
		r.short()
		return 0
	}
	return max(n, 0)
}

func (r *Reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.short()
		return 0
	}
	r.data = r.data[n:]
	return v
}

// varint reads a signed number of variable length, as records have them.
func (r *Reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.short()
		return 0
	}
	r.data = r.data[n:]
	return v
}

// bytes reads a byte string as records have them; null is nil.
func (r *Reader) bytes() []byte {
	n := r.varint()
	if n == -1 || r.err != nil {
		return nil
	}
	if n < 0 || n > int64(len(r.data)) {
		r.fail("%d bytes with %d left", n, len(r.data))
		return nil
	}
	return r.Take(int(n))
}

// compact reads the length of a compact array, string or byte string (KIP-482); a null one has none.
func (r *Reader) compact() int {
	n := r.uvarint()
	if n > uint64(len(r.data))+1 {
		r.short()
		return 0
	}
	return max(int(n)-1, 0)
}

func (r *Reader) compactString() string { return string(r.Take(r.compact())) }

func (r *Reader) uuid() (id uuid.UUID) {
	copy(id[:], r.fixed(len(id)))
	return id
}

// tags passes over a section of tagged fields.
func (r *Reader) tags() {
	for range r.uvarint() {
		r.uvarint()
		r.Take(int(min(r.uvarint(), 1<<31-1)))
		if r.err != nil {
			return
		}
	}
}
