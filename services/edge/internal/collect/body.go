package collect

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// A body is a request's decoded bytes, with room set aside for them.
type body struct {
	data   []byte
	buffer *bytes.Buffer
	held   int64
	h      *Handler
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// release gives the bytes back; nothing may alias them any more.
func (b *body) release() {
	const keep = 1 << 20
	if b.buffer.Cap() <= keep {
		b.buffer.Reset()
		buffers.Put(b.buffer)
	}
	b.h.inFlight.Release(b.held)
	b.h.metrics.inFlight.Sub(float64(b.held))
}

// readBody reads and decompresses the body within the limits.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request) (*body, *refusal) {
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	if r.ContentLength > h.limits.BodyBytes {
		return nil, h.tooLarge()
	}
	held := h.limits.DecodedBytes
	if encoding == "" || encoding == "identity" {
		if held = h.limits.BodyBytes; r.ContentLength >= 0 {
			held = r.ContentLength
		}
	}
	if !h.inFlight.TryAcquire(held) {
		full := refuse(http.StatusServiceUnavailable, "busy", "the edge has as much in hand as it may: send the same again").after(1)
		full.close = true
		return nil, full
	}
	h.metrics.inFlight.Add(float64(held))
	b := &body{buffer: buffers.Get().(*bytes.Buffer), held: held, h: h}
	if refused := h.fill(b, encoding, http.MaxBytesReader(w, r.Body, h.limits.BodyBytes)); refused != nil {
		b.release()
		return nil, refused
	}
	b.data = b.buffer.Bytes()
	h.metrics.bytes.Add(float64(len(b.data)))
	return b, nil
}

func (h *Handler) fill(b *body, encoding string, raw io.Reader) *refusal {
	decoded, err := decoder(encoding, raw)
	if errors.Is(err, errEncoding) {
		return refuse(http.StatusUnsupportedMediaType, "unknown_encoding", "Content-Encoding must be gzip, zstd, deflate, br or identity")
	}
	if err == nil {
		defer decoded.Close()
		_, err = io.Copy(b.buffer, io.LimitReader(decoded, h.limits.DecodedBytes+1))
	}
	var beyond *http.MaxBytesError
	switch {
	case errors.As(err, &beyond), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return h.tooLarge()
	case err != nil:
		broken := refuse(http.StatusBadRequest, "bad_body", "the body could not be read to its end as its Content-Encoding says")
		broken.close = true
		return broken
	case int64(b.buffer.Len()) > h.limits.DecodedBytes:
		return h.tooLarge()
	}
	return nil
}

func (h *Handler) tooLarge() *refusal {
	refused := refuse(http.StatusRequestEntityTooLarge, "too_large",
		fmt.Sprintf("a request has at most %d bytes as sent and %d decompressed", h.limits.BodyBytes, h.limits.DecodedBytes))
	refused.close = true
	return refused
}

var errEncoding = errors.New("unknown content encoding")

// decoder undoes a content encoding (RFC 9110 §8.4.1). "deflate" is zlib, as the RFC has it.
func decoder(encoding string, r io.Reader) (io.ReadCloser, error) {
	switch encoding {
	case "", "identity":
		return io.NopCloser(r), nil
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	case "deflate":
		return zlib.NewReader(r)
	case "br":
		return io.NopCloser(brotli.NewReader(r)), nil
	case "zstd":
		// A window of 8 MiB is what RFC 9659 lets a server demand.
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, errEncoding
}
