package audit

import (
	"iter"
	"maps"
	"math/bits"
	"slices"
)

// An offsetSet holds offsets of one log, a bit each: a million of records under way take some 125 kB.
type offsetSet map[int64]*[pageWords]uint64

const (
	pageBits  = 1 << 13
	pageWords = pageBits / 64
)

func (s offsetSet) add(offset int64) {
	page, ok := s[offset/pageBits]
	if !ok {
		page = new([pageWords]uint64)
		s[offset/pageBits] = page
	}
	page[offset%pageBits/64] |= 1 << (offset % 64)
}

func (s offsetSet) remove(offset int64) {
	if page, ok := s[offset/pageBits]; ok {
		page[offset%pageBits/64] &^= 1 << (offset % 64)
	}
}

func (s offsetSet) has(offset int64) bool {
	page, ok := s[offset/pageBits]
	return ok && page[offset%pageBits/64]&(1<<(offset%64)) != 0
}

// all yields the offsets, rising.
func (s offsetSet) all() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for _, number := range slices.Sorted(maps.Keys(s)) {
			for i, word := range s[number] {
				for ; word != 0; word &= word - 1 {
					if !yield(number*pageBits + int64(i)*64 + int64(bits.TrailingZeros64(word))) {
						return
					}
				}
			}
		}
	}
}

func (s offsetSet) empty() bool {
	for range s.all() {
		return false
	}
	return true
}
