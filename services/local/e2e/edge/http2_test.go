package edge

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A rawHTTP2 connection writes the frames that it is told to, whatever they mean.
type rawHTTP2 struct {
	t      *testing.T
	conn   *tls.Conn
	framer *http2.Framer
	stream uint32
}

// dialHTTP2 connects and says hello. What the edge sends is read and counted until it closes.
func (s *secured) dialHTTP2(frames func(http2.Frame)) (c *rawHTTP2, closed chan error) {
	s.t.Helper()
	conn, err := tls.Dial("tcp", s.tls, &tls.Config{RootCAs: s.pem.Pool(), NextProtos: []string{"h2"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	c = &rawHTTP2{t: s.t, conn: conn, framer: http2.NewFramer(conn, conn), stream: 1}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		s.t.Fatal(err)
	}
	if err := c.framer.WriteSettings(); err != nil {
		s.t.Fatal(err)
	}
	closed = make(chan error, 1)
	go func() { // ends when the connection does
		for {
			frame, err := c.framer.ReadFrame()
			if err != nil {
				closed <- err
				return
			}
			frames(frame)
		}
	}()
	return c, closed
}

// header is the block of a request that has a body to come.
func header(key string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "edge"}, {":path", "/v1/events"}, {"x-write-key", key}} {
		_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // a buffer takes all
	}
	return block.Bytes()
}

// open begins a request and says whether the connection takes it.
func (c *rawHTTP2) open(block []byte) (stream uint32, err error) {
	stream = c.stream
	c.stream += 2
	return stream, c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true})
}

// An honest client of a fresh connection is served whatever others do.
func (s *secured) serves(after string) {
	s.t.Helper()
	client := s.client(&tls.Config{}, true)
	started := time.Now()
	if got := s.send(client); got != http.StatusOK || time.Since(started) > 5*time.Second {
		s.t.Errorf("after %s: an honest client is answered %d, after %s", after, got, time.Since(started))
	}
}

// CVE-2023-44487: requests that are reset as soon as they are made cost the client nothing, so they must not be worked on without bound.
func TestRapidResetsAreBounded(t *testing.T) {
	s := secure(t, func(*edge.Config) {})
	before := runtime.NumGoroutine()
	c, closed := s.dialHTTP2(func(http2.Frame) {})
	most, resets, block := 0, 0, header("wk_test_key")
	for range 20_000 {
		stream, err := c.open(block)
		if err == nil {
			err = c.framer.WriteRSTStream(stream, http2.ErrCodeCancel)
		}
		if err != nil { // the edge has had enough
			break
		}
		if resets++; resets%50 == 0 {
			most = max(most, runtime.NumGoroutine()-before)
		}
	}
	if most > 200 {
		t.Errorf("%d goroutines for one connection of 100 streams", most)
	}
	s.serves("rapid resets")
	c.conn.Close()
	<-closed
	kafkatest.Wait(t, func() bool { return runtime.NumGoroutine() <= before+20 }, "what was reset is over")
	t.Logf("%d resets, at most %d goroutines", resets, most)
}

// A header without end (CVE-2023-45288) is no header: the connection ends before it is held, or worked through, whole.
func TestAFloodOfContinuationsIsCutOff(t *testing.T) {
	s := secure(t, func(*edge.Config) {})
	c, closed := s.dialHTTP2(func(http2.Frame) {})
	var more bytes.Buffer
	encoder := hpack.NewEncoder(&more)
	for range 8 {
		_ = encoder.WriteField(hpack.HeaderField{Name: "x-filler", Value: strings.Repeat("v", 1000), Sensitive: true}) // never indexed
	}
	if err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header("wk_test_key")}); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for sent < 64<<20 {
		if err := c.framer.WriteContinuation(1, false, more.Bytes()); err != nil {
			break
		}
		sent += more.Len()
	}
	if err := <-closed; err == nil || sent > 8<<20 {
		t.Errorf("%d bytes of one header were taken, then %v", sent, err)
	}
	s.serves("a header without end")
}

// A client that opens more requests than it was allowed has those refused.
func TestStreamsBeyondWhatWasAnnouncedAreRefused(t *testing.T) {
	s := secure(t, func(*edge.Config) {})
	announced, refused := make(chan uint32, 1), make(chan struct{})
	c, _ := s.dialHTTP2(func(f http2.Frame) {
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if n, ok := f.Value(http2.SettingMaxConcurrentStreams); ok {
				announced <- n
			}
		case *http2.RSTStreamFrame:
			if f.ErrCode == http2.ErrCodeRefusedStream || f.ErrCode == http2.ErrCodeProtocol {
				select {
				case <-refused:
				default:
					close(refused)
				}
			}
		}
	})
	if n := <-announced; n != 100 {
		t.Errorf("%d streams are announced", n)
	}
	for range 101 {
		if _, err := c.open(header("wk_test_key")); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-refused:
	case <-time.After(20 * time.Second):
		t.Error("the 101st request at once is not refused")
	}
	s.serves("too many streams")
}

// A body that does not come is waited for no longer over HTTP/2 than over HTTP/1.1, and its connection's other requests go on.
func TestASlowBodyOfOneStreamIsCutOff(t *testing.T) {
	s := secure(t, func(c *edge.Config) { c.Timeouts.Read = 400 * time.Millisecond })
	client := s.client(&tls.Config{}, true)
	body, never := io.Pipe()
	defer never.Close()
	resp, err := client.Do(s.request(body))
	switch {
	case err == nil:
		resp.Body.Close()
		if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s %s", resp.Proto, resp.Status)
		}
	case !strings.Contains(err.Error(), "stream error") && !errors.Is(err, io.EOF):
		t.Error(err)
	}
	if got := s.send(client); got != http.StatusOK {
		t.Errorf("another request: %d", got)
	}
}

// Whoever sends only what must be answered, and takes no answer, is cut off.
func TestAFloodOfPingsWithoutReadingIsCutOff(t *testing.T) {
	s := secure(t, func(*edge.Config) {})
	conn, err := tls.Dial("tcp", s.tls, &tls.Config{RootCAs: s.pem.Pool(), NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	framer := http2.NewFramer(conn, conn)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(40 * time.Second)); err != nil {
		t.Fatal(err)
	}
	pings := 0
	for err == nil && pings < 5_000_000 {
		err = framer.WritePing(false, [8]byte{1})
		pings++
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d pings were taken: %v", pings, err)
	}
	s.serves("pings")
}
