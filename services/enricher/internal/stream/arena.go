package stream

// chunkBytes is the arena's unit: some hundred enriched events.
const chunkBytes = 128 << 10

// An arena hands out byte slices that live until reset. It keeps its memory.
type arena struct {
	chunks [][]byte
	used   int // chunks in use
}

// take returns n bytes of undefined content.
func (a *arena) take(n int) []byte {
	if n > chunkBytes {
		return make([]byte, n) // too rare to keep
	}
	if a.used > 0 {
		if chunk := &a.chunks[a.used-1]; len(*chunk)+n <= cap(*chunk) {
			return extend(chunk, n)
		}
	}
	if a.used == len(a.chunks) {
		a.chunks = append(a.chunks, make([]byte, 0, chunkBytes))
	}
	a.used++
	return extend(&a.chunks[a.used-1], n)
}

func extend(chunk *[]byte, n int) []byte {
	start := len(*chunk)
	*chunk = (*chunk)[:start+n]
	return (*chunk)[start : start+n : start+n]
}

func (a *arena) reset() {
	for i := range a.used {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.used = 0
}
