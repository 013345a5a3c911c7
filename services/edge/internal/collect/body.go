package collect

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// lightBytes is up to what a body is light, in bytes decompressed: its work is a few milliseconds, and not waited for behind large ones'.
const lightBytes = 64 << 10

// triedBytes is how much is decompressed as if a body were light: less than one block, zstd's refuses (RFC 8878 §3.1.1.2.4).
const triedBytes = 128 << 10

// readBody reads the body as fast as it comes, then decompresses it. While it arrives it holds no more memory than has arrived, at most
// twice over; a decoder is only at work on what is here whole, and the request has its turn still when it returns.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, held *room, _ time.Time) (*buffer, *intake.Refusal) {
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	if !known(encoding) {
		return nil, intake.Refuse(http.StatusUnsupportedMediaType, "unknown_encoding", "Content-Encoding must be gzip, zstd, deflate, br or identity")
	}
	if r.ContentLength > h.limits.BodyBytes {
		return nil, h.tooLarge()
	}
	held.turn.give()
	raw := buffer{room: held}
	if err := raw.fill(h.paced(w, r), h.limits.BodyBytes); err != nil {
		raw.free()
		return nil, h.unread(err)
	}
	held.arrived()
	if encoding = sniff(encoding, raw.bytes); encoding != "" {
		b, err := h.decompress(r.Context(), encoding, raw.bytes, held)
		raw.free()
		if err != nil {
			return nil, h.unread(err)
		}
		raw = *b
	}
	turns := h.light
	if len(raw.bytes) > lightBytes {
		turns = h.heavy
	}
	if err := held.turn.take(r.Context(), turns); err != nil {
		raw.free()
		return nil, h.unread(err)
	}
	h.metrics.bytes.Add(float64(len(raw.bytes)))
	return &raw, nil
}

// unread answers for a body that could not be read or decompressed.
func (h *Handler) unread(err error) *intake.Refusal {
	var refused *intake.Refusal
	switch {
	case errors.Is(err, errFull), errors.Is(err, errPeer), errors.Is(err, errAnonymous), errors.Is(err, errWork):
		return h.busy(err)
	case errors.Is(err, context.Canceled): // gone, or listening still where it only ended its own side (RFC 9293 §3.6)
		refused = intake.Refuse(http.StatusServiceUnavailable, "busy", "the request was given up before it was worked on: send the same again").After(1)
	case errors.Is(err, errBeyond), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return h.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		refused = intake.Refuse(http.StatusRequestTimeout, "too_slow", fmt.Sprintf(
			"the body came too slowly: %d bytes a second are the least, and %s in all the most", h.limits.BodyRate, h.limits.ReadTimeout))
	default:
		refused = intake.Refuse(http.StatusBadRequest, "bad_body", "the body could not be read to its end as its Content-Encoding says")
	}
	refused.Close = true
	return refused
}

// busy answers a request that found no room, for why.
func (h *Handler) busy(why error) *intake.Refusal {
	reason := why.Error()
	h.metrics.busy.WithLabelValues(reason).Inc()
	h.tellBusy(reason)
	full := intake.Refuse(http.StatusServiceUnavailable, "busy", "the edge has as much in hand as it may: send the same again").After(1)
	full.Close = true
	return full
}

func (h *Handler) tooLarge() *intake.Refusal {
	refused := intake.Refuse(http.StatusRequestEntityTooLarge, "too_large",
		fmt.Sprintf("a request has at most %d bytes as sent and %d decompressed", h.limits.BodyBytes, h.limits.DecodedBytes))
	refused.Close = true
	return refused
}

// paced reads the request's body, and fails with os.ErrDeadlineExceeded when it comes more slowly than limits.BodyRate, counted from
// limits.BodyGrace on, or takes longer than limits.ReadTimeout.
func (h *Handler) paced(w http.ResponseWriter, r *http.Request) io.Reader {
	p := &pace{body: r.Body, control: http.NewResponseController(w), started: time.Now(), limits: h.limits}
	if h.limits.BodyRate > 0 {
		p.allow()
	}
	return p
}

// A pace moves the connection's read deadline on with what arrives.
type pace struct {
	body    io.Reader
	control *http.ResponseController
	started time.Time
	limits  Limits
	got     int64
}

func (p *pace) Read(into []byte) (int, error) {
	n, err := p.body.Read(into)
	switch p.got += int64(n); {
	case p.limits.BodyRate == 0:
	case err == nil:
		p.allow()
	case err == io.EOF: // the answer takes what it takes
		_ = p.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// allow sets the time by which more must have come. A writer without connection, as in tests, has none.
func (p *pace) allow() {
	wait := p.limits.BodyGrace + time.Duration(float64(p.got)/float64(p.limits.BodyRate)*float64(time.Second))
	if most := p.limits.ReadTimeout; most > 0 {
		wait = min(wait, most)
	}
	_ = p.control.SetReadDeadline(p.started.Add(wait))
}

// known tells whether a Content-Encoding can be undone here (RFC 9110 §8.4.1).
func known(encoding string) bool {
	switch encoding {
	case "", "identity", "gzip", "x-gzip", "deflate", "br", "zstd":
		return true
	}
	return false
}

// sniff returns how data is compressed, "" when it is not. Some senders compress and do not say so; others say so and do not, or a proxy
// has undone it and left the header. No JSON begins like compressed data, nor the other way round, but brotli may begin with anything.
func sniff(said string, data []byte) string {
	switch {
	case said == "br":
		return said
	case bytes.HasPrefix(data, []byte("\x1f\x8b")): // RFC 1952 §2.3.1
		return "gzip"
	case bytes.HasPrefix(data, []byte("\x28\xb5\x2f\xfd")), len(data) > 4 && data[0]>>4 == 5 && string(data[1:4]) == "\x2a\x4d\x18": // RFC 8878 §3.1: a frame, or one to skip
		return "zstd"
	case said == "identity":
		return ""
	}
	start := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		return ""
	}
	return said
}

// decompress undoes an encoding. It tries as if data were light; what turns out not to be begins again, as one of few.
func (h *Handler) decompress(ctx context.Context, encoding string, data []byte, held *room) (*buffer, error) {
	b, err := h.undoIn(ctx, h.try, encoding, data, held, min(triedBytes, h.limits.DecodedBytes))
	if errors.Is(err, errBeyond) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return h.undoIn(ctx, h.heavy, encoding, data, held, h.limits.DecodedBytes)
	}
	return b, err
}

// undoIn decompresses data in a turn, which the request has still when it returns.
func (h *Handler) undoIn(ctx context.Context, turns *turns, encoding string, data []byte, held *room, limit int64) (*buffer, error) {
	if err := held.turn.take(ctx, turns); err != nil {
		return nil, err
	}
	b, undone := &buffer{room: held}, false
	defer func() { // whatever becomes of it: a decoder may break down
		if !undone {
			b.free()
		}
	}()
	if err := h.undo(b, encoding, data, limit); err != nil {
		return nil, err
	}
	undone = true
	return b, nil
}

// undo decompresses data into b, at most limit bytes. "deflate" is zlib, as RFC 9110 §8.4.1.2 has it.
func (h *Handler) undo(b *buffer, encoding string, data []byte, limit int64) error {
	var decoded io.Reader
	var err error
	switch encoding {
	case "zstd":
		return h.undoZstd(b, data, limit)
	case "br":
		decoded = brotli.NewReader(bytes.NewReader(data))
	case "deflate":
		decoded, err = zlib.NewReader(bytes.NewReader(data))
	default:
		decoded, err = gzip.NewReader(bytes.NewReader(data))
	}
	if err != nil {
		return err
	}
	return b.fill(pausing{decoded, b.room.turn}, limit)
}

// A pausing reader lets others have the core after long work.
type pausing struct {
	io.Reader
	turn *turn
}

func (p pausing) Read(into []byte) (int, error) {
	p.turn.pause()
	return p.Reader.Read(into)
}

// undoZstd decompresses data at once, into memory of the size that is accepted: so the output is the decoder's window, too.
func (h *Handler) undoZstd(b *buffer, data []byte, limit int64) error {
	whole := buffer{room: b.room}
	if err := whole.hold(takeSlab(int(limit))); err != nil {
		return err
	}
	out, err := h.zstd.DecodeAll(data, whole.bytes)
	if err != nil {
		whole.free()
		return err
	}
	if int64(2*len(out)) > limit {
		*b = buffer{bytes: out, room: b.room}
		return nil
	}
	err = b.fill(bytes.NewReader(out), limit)
	whole.free()
	return err
}

// newZstd makes a decoder of whole bodies, several at once. A window of 8 MiB is what RFC 9659 lets a server demand.
func newZstd() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(8<<20))
}
