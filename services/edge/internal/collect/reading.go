package collect

import (
	"sync"

	"github.com/waymark-events/waymark/pkg/recorder"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// A reading is what reads a request's events, and memory for them that is used again.
type reading struct {
	reader recorder.BriefReader
	pieces []intake.Piece
	briefs [][]recorder.Brief // each of briefBlock
	used   int                // of the briefs
}

const (
	briefBlock = 32
	// mostPieces bounds what is kept for the next request: a piece has 40 bytes, a brief some 200.
	mostPieces = 1024
)

var readings = sync.Pool{New: func() any { return new(reading) }}

// read reads the event that data begins with; nil when it cannot be read in brief.
func (r *reading) read(data []byte) (brief *recorder.Brief, size, depth int) {
	block := r.used / briefBlock
	if block == len(r.briefs) {
		r.briefs = append(r.briefs, make([]recorder.Brief, briefBlock))
	}
	brief = &r.briefs[block][r.used%briefBlock]
	size, depth, ok := r.reader.Read(data, brief)
	if !ok {
		return nil, 0, 0
	}
	r.used++
	return brief, size, depth
}

// release takes the memory of pieces, and of what was read of them, back.
func (r *reading) release(pieces []intake.Piece) {
	if cap(pieces) > mostPieces || r.used > mostPieces {
		return
	}
	clear(pieces)
	r.reader.Forget()
	for i := range r.used {
		r.briefs[i/briefBlock][i%briefBlock] = recorder.Brief{}
	}
	r.pieces, r.used = pieces[:0], 0
	readings.Put(r)
}
