package attack

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// all kinds: what was tried by hand on earlier versions, some with success, and what other servers fell to.
var all = []attack{
	{"bombs of gzip, deflate, zstd, br", 3, 500 * time.Millisecond, func(ctx context.Context, a *attacker) string { return a.send(ctx, bombs()[a.n%4]) }},
	{"ten thousands of gzip members and zstd frames", 1, 500 * time.Millisecond, func(ctx context.Context, a *attacker) string { return a.send(ctx, members()[a.n%2]) }},
	{"small bodies that become ten MiB of values, no key", 2, time.Second, func(ctx context.Context, a *attacker) string { return a.send(ctx, values()[a.n%2]) }},
	{"slow headers", 50, time.Second, func(ctx context.Context, a *attacker) string {
		return a.drip(ctx, "POST /v1/events HTTP/1.1\r\n", func(n int) string { return fmt.Sprintf("X-%d: y\r\n", n) })
	}},
	{"slow bodies", 50, time.Second, func(ctx context.Context, a *attacker) string {
		return a.drip(ctx, "POST /v1/events HTTP/1.1\r\nHost: edge\r\n"+hostile+"\r\nContent-Length: 100000\r\n\r\n[", func(int) string { return " " })
	}},
	{"slow bodies without a key, chunked and compressed", 24, time.Second, func(ctx context.Context, a *attacker) string {
		return a.drip(ctx, "POST /v1/events HTTP/1.1\r\nHost: edge\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\x1f\r\n", func(int) string { return "1\r\n\x8b\r\n" })
	}},
	{"idle connections", 200, time.Second, func(ctx context.Context, a *attacker) string {
		conn, err := a.dial(ctx, a.Plain)
		if err != nil {
			return a.lost(ctx, err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(10 * patience)); err != nil {
			return a.lost(ctx, err)
		}
		return a.answer(ctx, conn)
	}},
	{"connections dropped as soon as they are made", 2, 5 * time.Millisecond, func(ctx context.Context, a *attacker) string {
		conn, err := a.dial(ctx, a.Plain)
		if err != nil {
			return a.lost(ctx, err)
		}
		_ = conn.(*stopped).Conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
		return "dropped"
	}},
	{"answers that are not read", 20, time.Second, unread},
	{"no key", 2, 5 * time.Millisecond, func(ctx context.Context, a *attacker) string { return a.send(ctx, request(event(a.n))) }},
	{"wrong keys", 2, 5 * time.Millisecond, func(ctx context.Context, a *attacker) string {
		return a.send(ctx, request(event(a.n), fmt.Sprintf("X-Write-Key: wk_guess_%d_%d", a.host, a.n)))
	}},
	{"addresses made up, and origins", 2, 10 * time.Millisecond, func(ctx context.Context, a *attacker) string {
		return a.send(ctx, request(event(a.n), hostile, fmt.Sprintf("X-Forwarded-For: 2001:db8::%x", a.n&0xffff), fmt.Sprintf("Origin: https://o%d.example", a.n)))
	}},
	{"a visitor in a loop", 2, 10 * time.Millisecond, func(ctx context.Context, a *attacker) string { return a.send(ctx, request(event(0), hostile)) }},
	{"thousands of names in an event, hundreds of events", 1, 5 * time.Second, func(ctx context.Context, a *attacker) string { return a.send(ctx, names()) }},
	{"deep, long, escaped", 1, 50 * time.Millisecond, func(ctx context.Context, a *attacker) string { return a.send(ctx, shapes()[a.n%len(shapes())]) }},
	{"headers, paths and lengths", 1, 20 * time.Millisecond, func(ctx context.Context, a *attacker) string { return a.send(ctx, wires()[a.n%len(wires())]) }},
	{"TLS handshakes", 2, 20 * time.Millisecond, func(ctx context.Context, a *attacker) string {
		conn, err := a.handshake(ctx, "http/1.1")
		if err != nil {
			return a.lost(ctx, err)
		}
		_ = conn.Close()
		return "dropped"
	}},
	{"halves of TLS handshakes", 50, time.Second, func(ctx context.Context, a *attacker) string {
		conn, err := a.dial(ctx, a.Secure)
		if err != nil {
			return a.lost(ctx, err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
		return a.answer(ctx, conn)
	}},
	{"HTTP/2: rapid resets", 1, 300 * time.Millisecond, rapidResets},
	{"HTTP/2: headers without end", 1, 500 * time.Millisecond, continuations},
	{"HTTP/2: pings and settings, no answer read", 1, 2 * time.Second, controls},
	{"HTTP/2: bodies that do not come", 2, 200 * time.Millisecond, stalledStreams},
}

// unread sends requests one behind the other and takes no answer.
func unread(ctx context.Context, a *attacker) string {
	conn, err := a.dial(ctx, a.Plain)
	if err != nil {
		return a.lost(ctx, err)
	}
	defer conn.Close()
	for range 100_000 {
		if _, err := io.WriteString(conn, request(event(a.n), hostile)); err != nil {
			return a.lost(ctx, err)
		}
	}
	return "all taken"
}

func compressed(body string, with func(io.Writer) io.WriteCloser) string {
	var out bytes.Buffer
	w := with(&out)
	_, _ = io.WriteString(w, body) // a buffer takes all
	_ = w.Close()
	return out.String()
}

func gzipped(body string) string {
	return compressed(body, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func zstded(body string) string {
	return compressed(body, func(w io.Writer) io.WriteCloser {
		encoder, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil { // only for options that contradict each other
			panic(err)
		}
		return encoder
	})
}

func encoded(encoding, body string, lines ...string) string {
	return request(body, append(lines, "Content-Encoding: "+encoding)...)
}

// Bombs become 64 MiB.
var bombs = sync.OnceValue(func() []string {
	spaces := strings.Repeat(" ", 64<<20)
	return []string{
		encoded("gzip", gzipped(spaces), hostile), encoded("zstd", zstded(spaces), hostile),
		encoded("deflate", compressed(spaces, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), hostile),
		encoded("br", compressed(spaces, func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 1) }), hostile),
	}
})

var members = sync.OnceValue(func() []string {
	return []string{encoded("gzip", strings.Repeat(gzipped(""), 40_000), hostile), encoded("zstd", strings.Repeat(zstded(" "), 80_000)[:1<<20], hostile)}
})

// Ten KB become an array of five million zeros, or as many lines.
var values = sync.OnceValue(func() []string {
	const n = 5_000_000
	return []string{encoded("gzip", gzipped("["+strings.Repeat("0,", n)+"0]")), encoded("gzip", gzipped(strings.Repeat("0\n", n)), "Content-Type: application/x-ndjson")}
})

var names = sync.OnceValue(func() string {
	var props strings.Builder
	for n := range 2500 {
		fmt.Fprintf(&props, `"n%d":0,`, n)
	}
	one := `{"time":1,"type":"play","data":{"type":"wt"},"props":{` + props.String() + `"z":0}}`
	return encoded("gzip", gzipped("["+strings.Repeat(one+",", 300)+one+"]"), hostile)
})

var shapes = sync.OnceValue(func() []string {
	within := func(props string) string {
		return request(`{"time":1,"type":"play","data":{"type":"wt"},"props":{"a":`+props+`}}`, hostile)
	}
	const size = 500_000
	return []string{
		within(strings.Repeat("[", size) + strings.Repeat("]", size)), request(strings.Repeat("[", size), hostile), request(strings.Repeat(`{"a":`, size/5), hostile),
		within(strings.Repeat("9", size)), within("1e" + strings.Repeat("9", size)), within(`"` + strings.Repeat(`\u0000`, size/6) + `"`),
		within(`"` + strings.Repeat(`\ud800`, size/6) + `"`), within(`"` + strings.Repeat("\xff", size) + `"`), request(strings.Repeat("{", size), hostile),
		request(`{"events":[`+strings.Repeat(`{},`, 499)+`{}]}`, hostile), request(strings.Repeat(`{"events":[]}`, size/13), hostile),
	}
})

var wires = sync.OnceValue(func() []string {
	const post = "POST /v1/events HTTP/1.1\r\nHost: edge\r\n"
	var many strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&many, "X-%d: %d\r\n", n, n)
	}
	body := event(1)
	return []string{
		post + many.String() + "\r\n", post + "X-Long: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", "POST /" + strings.Repeat("a", 100_000) + " HTTP/1.1\r\nHost: edge\r\n\r\n",
		post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n[]   ", post + "Content-Length: -1\r\n\r\n", post + "Content-Length: 99999999999999999999\r\n\r\n",
		post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" + hostile + "\r\n\r\n0\r\n\r\n", post + "Transfer-Encoding: xchunked\r\n\r\n", post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		post + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("e", 100_000) + "\r\n", "POST http://other/v1/events HTTP/1.1\r\nHost: edge\r\n\r\n", "POST /v1/../v1/events HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: edge\r\n\r\n", "GET / HTTP/0.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00", "\x00\x00\x00\x00",
		request(body, "X-Write-Key: \x1b[2J"+hostileKey), request(body, "X-Write-Key: "+strings.Repeat("k", 20_000)), request(body, "Authorization: Basic "+strings.Repeat("=", 20_000)),
		request(body, "Content-Encoding: gzip, gzip, gzip", hostile), request(body, "Expect: 100-continue", hostile), request(body, "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__", hostile),
	}
})
