package native

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/go-faster/city"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// A compressed frame is a CityHash128 of what follows it, a method byte, the frame's size with these 9 bytes, the size of its
// content, and the compressed content.
const (
	checksumSize    = 16
	frameHeaderSize = 9
	maxFrame        = 256 << 20 // bytes of content; clickhouse-go cuts frames at 10 MiB, or at a column's end

	methodNone = 0x02
	methodLZ4  = 0x82
	methodZSTD = 0x90
)

// Unframe is a tape over the content of compressed frames read from t. A block ends with its frame.
func Unframe(t *Tape) *Tape { return &Tape{src: &frameSource{tape: t}} }

// UnframeReader is the content of compressed frames read from r, to its end.
func UnframeReader(r io.Reader) io.Reader { return tapeReader{Unframe(NewTape(r))} }

type tapeReader struct{ tape *Tape }

func (r tapeReader) Read(p []byte) (int, error) {
	r.tape.Start()
	if err := r.tape.Await(); err != nil {
		return 0, err
	}
	n := min(len(p), r.tape.Buffered())
	copy(p, r.tape.buf[r.tape.pos:])
	return n, r.tape.Advance(n)
}

type frameSource struct {
	tape *Tape
	zstd *zstd.Decoder
}

func (f *frameSource) fill(buf []byte, _ int) ([]byte, error) {
	f.tape.Start()
	if err := f.tape.Advance(checksumSize + frameHeaderSize); err != nil {
		return buf, err
	}
	head := f.tape.Kept()
	method := head[checksumSize]
	size := int(binary.LittleEndian.Uint32(head[checksumSize+1:])) - frameHeaderSize
	content := int(binary.LittleEndian.Uint32(head[checksumSize+5:]))
	if size < 0 || size > maxFrame || content <= 0 || content > maxFrame {
		return buf, malformed("a compressed frame of %d bytes for %d", size, content)
	}
	if err := f.tape.Advance(size); err != nil {
		return buf, err
	}
	frame := f.tape.Kept()
	want := city.U128{Low: binary.LittleEndian.Uint64(frame), High: binary.LittleEndian.Uint64(frame[8:])}
	if city.CH128(frame[checksumSize:]) != want {
		return buf, malformed("the checksum of a compressed frame does not match")
	}
	packed := frame[checksumSize+frameHeaderSize:]
	from := len(buf)
	switch method {
	case methodNone:
		if size != content {
			return buf, malformed("an uncompressed frame of %d bytes for %d", size, content)
		}
		return append(buf, packed...), nil
	case methodLZ4:
		if content/255 > size+1 {
			return buf, malformed("a frame of %d bytes cannot hold %d", size, content)
		}
		buf = slices.Grow(buf, content)[:from+content]
		if n, err := lz4.UncompressBlock(packed, buf[from:]); err != nil || n != content {
			return buf[:from], malformed("LZ4 frame gives %d of %d bytes: %v", n, content, err)
		}
		return buf, nil
	case methodZSTD:
		if f.zstd == nil {
			var err error
			if f.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrame)); err != nil {
				return buf, fmt.Errorf("start the ZSTD decoder: %w", err)
			}
		}
		out, err := f.zstd.DecodeAll(packed, buf)
		if err != nil || len(out) != from+content {
			return buf, malformed("ZSTD frame gives %d of %d bytes: %v", len(out)-from, content, err)
		}
		return out, nil
	}
	return buf, malformed("compression method %#x", method)
}

// Framer compresses what a server sends, in the method its client asked for.
type Framer struct{ w *compress.Writer }

// NewFramer takes the names of ClickHouse's network_compression_method setting; empty and unknown ones mean LZ4.
func NewFramer(method string) *Framer {
	m := compress.LZ4
	switch method {
	case "zstd", "ZSTD":
		m = compress.ZSTD
	case "lz4hc", "LZ4HC":
		m = compress.LZ4HC
	case "none", "NONE":
		m = compress.None
	}
	return &Framer{w: compress.NewWriter(compress.LevelZero, m)}
}

// maxFrameContent is the content of a frame the server writes; ClickHouse's own default is 1 MiB.
const maxFrameContent = 1 << 20

// Append appends content to to, compressed.
func (f *Framer) Append(to, content []byte) ([]byte, error) {
	for part := range slices.Chunk(content, maxFrameContent) {
		if err := f.w.Compress(part); err != nil {
			return to, fmt.Errorf("compress a block: %w", err)
		}
		to = append(to, f.w.Data...)
	}
	return to, nil
}
