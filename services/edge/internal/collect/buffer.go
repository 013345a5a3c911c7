package collect

import (
	"errors"
	"io"
	"math/bits"
	"sync"
)

// A buffer grows as bytes come. Its room is charged with its capacity, before the memory is taken.
type buffer struct {
	bytes []byte
	room  *room
}

// errBeyond means that there was more to read than a buffer may hold.
var errBeyond = errors.New("more bytes than accepted")

// fill reads r to its end. Errors: errBeyond after more than limit bytes; the room's; r's.
func (b *buffer) fill(r io.Reader, limit int64) error {
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(limit + 1); err != nil {
				return err
			}
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case int64(len(b.bytes)) > limit:
			return errBeyond
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// grow doubles the capacity, to no more than most beyond the smallest slab.
func (b *buffer) grow(most int64) error {
	size := max(smallest, min(2*cap(b.bytes), int(most)))
	if err := b.room.take(int64(size)); err != nil {
		return err
	}
	grown := append(takeSlab(size), b.bytes...)
	b.free()
	b.bytes = grown
	return nil
}

// hold makes the buffer one of memory that is there already. The room may refuse it.
func (b *buffer) hold(data []byte) error {
	if err := b.room.take(int64(cap(data))); err != nil {
		return err
	}
	b.bytes = data
	return nil
}

// free gives memory and room back; nothing may alias the bytes any more.
func (b *buffer) free() {
	b.room.give(int64(cap(b.bytes)))
	giveSlab(b.bytes)
	b.bytes = nil
}

// Slabs are memory of buffers, used again: 4 KiB, 8 KiB … 1 MiB.
const (
	smallest    = 4 << 10
	slabClasses = 9
)

var slabs [slabClasses]sync.Pool

// slabClass is which pool memory of a size belongs to, false for none.
func slabClass(size int) (int, bool) {
	class := bits.Len(uint(size)) - bits.Len(smallest)
	return class, class >= 0 && class < slabClasses && size == smallest<<class
}

func takeSlab(size int) []byte {
	if class, ok := slabClass(size); ok {
		if slab, ok := slabs[class].Get().(*[]byte); ok {
			return (*slab)[:0]
		}
	}
	return make([]byte, 0, size)
}

func giveSlab(slab []byte) {
	if class, ok := slabClass(cap(slab)); ok {
		slabs[class].Put(&slab)
	}
}
