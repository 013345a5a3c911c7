package wire

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// A Codec is a record batch's compression: the low three bits of its attributes (KIP-98, KIP-110).
type Codec int8

const (
	codecNone Codec = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd

	codecMask = 0x07
)

// Codecs by the names that settings have for them.
var Codecs = map[string]Codec{"none": codecNone, "gzip": codecGzip, "snappy": codecSnappy, "lz4": codecLZ4, "zstd": codecZstd}

// maxDecompressed bounds what one batch may grow to, so that a forged one cannot take the process's memory.
const maxDecompressed = 256 << 20

// idleEncoders wait to be used again. They are not a sync.Pool's, since each takes more than a megabyte, which the garbage collector would have
// us make anew after every cycle.
var idleEncoders = make(chan *zstd.Encoder, 4)

func takeEncoder() (*zstd.Encoder, error) {
	select {
	case e := <-idleEncoders:
		return e, nil
	default:
		// SpeedFastest weighs a batch of events 3 % more than SpeedDefault, in half its time.
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20))
	}
}

func giveEncoder(e *zstd.Encoder) {
	select {
	case idleEncoders <- e:
	default:
	}
}

var (
	zstdDecoders = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDecompressed))
		if err != nil {
			return err
		}
		return d
	}}
)

// compressTo appends src, compressed, to dst.
func compressTo(dst, src []byte, c Codec) ([]byte, error) {
	switch c {
	case codecNone:
		return append(dst, src...), nil
	case codecZstd:
		e, err := takeEncoder()
		if err != nil {
			return dst, fmt.Errorf("make a zstd encoder: %w", err)
		}
		defer giveEncoder(e)
		return e.EncodeAll(src, dst), nil
	}
	out := bytes.NewBuffer(dst)
	w := compress.Compression(c).Codec().NewWriter(out)
	if _, err := w.Write(src); err != nil {
		return dst, fmt.Errorf("compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return dst, fmt.Errorf("compress: %w", err)
	}
	return out.Bytes(), nil
}

// decompressedSize guesses what src decompresses to, in bytes; zstd frames mostly say.
func decompressedSize(src []byte, c Codec) int {
	var h zstd.Header
	if c == codecZstd && h.Decode(src) == nil && h.HasFCS {
		return int(min(h.FrameContentSize, maxDecompressed))
	}
	return 6 * len(src)
}

// decompressTo appends src, decompressed, to dst. It refuses more than maxDecompressed bytes.
func decompressTo(dst, src []byte, c Codec) ([]byte, error) {
	if c == codecZstd {
		d, ok := zstdDecoders.Get().(*zstd.Decoder)
		if !ok {
			return dst, fmt.Errorf("make a zstd decoder")
		}
		defer zstdDecoders.Put(d)
		return d.DecodeAll(src, dst)
	}
	library := compress.Compression(c).Codec()
	if library == nil {
		return dst, fmt.Errorf("unknown codec %d", c)
	}
	r := library.NewReader(bytes.NewReader(src))
	defer r.Close()
	out := bytes.NewBuffer(dst)
	n, err := io.Copy(out, io.LimitReader(r, maxDecompressed+1))
	if err == nil && n > maxDecompressed {
		err = fmt.Errorf("a batch of more than %d bytes", maxDecompressed)
	}
	return out.Bytes(), err
}
