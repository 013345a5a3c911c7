// Package native reads and writes ClickHouse's native TCP protocol as a server does.
//
// A block is never decoded into values: Tape walks over it to find where it ends and where its columns begin, and the bytes go
// on as they came. So a block costs little more than its copy, any column type that can be walked can be carried, and a hostile
// client can make the server allocate no more than it has sent.
package native

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Limits of one message; each is far above what a client in good faith sends.
const (
	MaxString  = 1 << 30 // bytes of one string, a query among them (ClickHouse: DEFAULT_MAX_STRING_SIZE)
	MaxBlock   = 1 << 30 // bytes of one block
	MaxColumns = 100_000
	MaxRows    = 1 << 31

	fillStep = 64 << 10 // bytes read ahead at a time
	keepCap  = 4 << 20  // a larger buffer is given back after its block
)

// ErrMalformed marks input that breaks the protocol: the connection cannot be used further.
var ErrMalformed = errors.New("malformed native protocol data")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// source appends at least one byte to buf; want is a hint of how many are needed.
type source interface {
	fill(buf []byte, want int) ([]byte, error)
}

// Tape is a read position over bytes that arrive. What was passed stays available from the last Start on.
type Tape struct {
	src   source
	buf   []byte
	start int // of what is kept
	pos   int
}

// NewTape reads r, ahead of the position.
func NewTape(r io.Reader) *Tape { return &Tape{src: streamSource{r}} }

type streamSource struct{ r io.Reader }

// fill grows with what has arrived, not with what was announced.
func (s streamSource) fill(buf []byte, want int) ([]byte, error) {
	buf = slices.Grow(buf, min(max(want, fillStep), max(len(buf), fillStep)))
	n, err := s.r.Read(buf[len(buf):cap(buf)])
	if n > 0 {
		return buf[:len(buf)+n], nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return buf, err
}

// BytesTape walks over b, which is complete.
func BytesTape(b []byte) *Tape { return &Tape{src: emptySource{}, buf: b} }

type emptySource struct{}

func (emptySource) fill(buf []byte, _ int) ([]byte, error) { return buf, io.ErrUnexpectedEOF }

// Start forgets what lies behind the position and keeps from here on.
func (t *Tape) Start() {
	if t.pos == len(t.buf) {
		t.buf, t.pos = t.buf[:0], 0
		if cap(t.buf) > keepCap {
			t.buf = nil
		}
	}
	t.start = t.pos
}

// Kept is everything between Start and the position; valid until the next read.
func (t *Tape) Kept() []byte { return t.buf[t.start:t.pos] }

// Offset is the position, counted from Start.
func (t *Tape) Offset() int { return t.pos - t.start }

// Buffered is the number of bytes that have arrived and are not passed.
func (t *Tape) Buffered() int { return len(t.buf) - t.pos }

// need waits until n bytes lie ahead.
func (t *Tape) need(n int) error {
	if n < 0 || n > MaxBlock {
		return malformed("%d bytes announced", n)
	}
	for len(t.buf)-t.pos < n {
		if t.start > 0 {
			t.buf = t.buf[:copy(t.buf, t.buf[t.start:])]
			t.pos -= t.start
			t.start = 0
		}
		if len(t.buf) > MaxBlock {
			return malformed("a message of more than %d bytes", MaxBlock)
		}
		var err error
		if t.buf, err = t.src.fill(t.buf, n-(len(t.buf)-t.pos)); err != nil {
			if errors.Is(err, io.EOF) && len(t.buf) > t.start {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// Await waits until at least one byte lies ahead, and passes none. Interrupting it loses nothing.
func (t *Tape) Await() error { return t.need(1) }

// Advance passes n bytes.
func (t *Tape) Advance(n int) error {
	if err := t.need(n); err != nil {
		return err
	}
	t.pos += n
	return nil
}

// items passes count values of width bytes.
func (t *Tape) items(count uint64, width int) error {
	if count > MaxBlock/uint64(max(width, 1)) {
		return malformed("%d values of %d bytes announced", count, width)
	}
	return t.Advance(int(count) * width)
}

// Byte reads one byte.
func (t *Tape) Byte() (byte, error) {
	if err := t.need(1); err != nil {
		return 0, err
	}
	b := t.buf[t.pos]
	t.pos++
	return b, nil
}

// Uint64 reads 8 bytes, little-endian.
func (t *Tape) Uint64() (uint64, error) {
	if err := t.need(8); err != nil {
		return 0, err
	}
	v := binary.LittleEndian.Uint64(t.buf[t.pos:])
	t.pos += 8
	return v, nil
}

// Uvarint reads a variable-length number (LEB128, at most 10 bytes).
func (t *Tape) Uvarint() (uint64, error) {
	if v, n := binary.Uvarint(t.buf[t.pos:]); n > 0 {
		t.pos += n
		return v, nil
	}
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		b, err := t.Byte()
		if err != nil {
			return 0, err
		}
		if shift == 63 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, malformed("a number of more than 64 bits")
}

// String reads a length and as many bytes, and copies them.
func (t *Tape) String() (string, error) { return t.shortString(MaxString) }

// shortString is String for one of at most limit bytes.
func (t *Tape) shortString(limit uint64) (string, error) {
	n, err := t.Uvarint()
	if err != nil {
		return "", err
	}
	if n > limit {
		return "", malformed("a string of %d bytes announced", n)
	}
	if err := t.need(int(n)); err != nil {
		return "", err
	}
	s := string(t.buf[t.pos : t.pos+int(n)])
	t.pos += int(n)
	return s, nil
}

// strings passes count strings.
func (t *Tape) strings(count uint64) error {
	for range count {
		n, err := t.Uvarint()
		if err != nil {
			return err
		}
		if n > MaxString {
			return malformed("a string of %d bytes announced", n)
		}
		if err := t.Advance(int(n)); err != nil {
			return err
		}
	}
	return nil
}

// Next is the byte that Await waited for; it is not passed.
func (t *Tape) Next() byte { return t.buf[t.pos] }
