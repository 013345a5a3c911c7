package collect

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	runtime "runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/event"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// wide are limits as in production, small enough to be reached.
var wide = Limits{
	Limits: intake.Limits{EventBytes: 32 << 10, Depth: 32}, BatchEvents: 500, BodyBytes: 128 << 10, DecodedBytes: 512 << 10, InFlightBytes: 4 << 20, PeerBytes: 2 << 20,
	AnonymousRequests: 256, AnonymousBytes: 1 << 20, BodyRate: 240, BodyGrace: time.Minute, ReadTimeout: time.Minute,
}

// serve runs h on a real port until the test ends.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// begin sends the start of a request and leaves it there.
func begin(t *testing.T, address, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Bodies that promise much and bring little keep nobody out: neither those with a key in the header nor those without.
func TestSlowAnonymousBodiesKeepNobodyOut(t *testing.T) {
	h, s := newHandler(t, wide)
	var err error
	if h.clientIP, err = clientip.New([]string{"127.0.0.1"}, clientip.XForwardedFor); err != nil {
		t.Fatal(err)
	}
	address := serve(t, h)
	for i := range 50 {
		head := fmt.Sprintf("POST /v1/events HTTP/1.1\r\nHost: edge\r\nX-Forwarded-For: 203.0.113.%d\r\n", i)
		begin(t, address, head+"Content-Encoding: "+[]string{"gzip", "zstd", "br"}[i%3]+"\r\nContent-Length: 100000\r\n\r\nx")
		begin(t, address, head+"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n")
	}
	// They have their buffers, and no more than those.
	deadline := time.Now().Add(20 * time.Second)
	for held(h) != 100*smallest {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are held", held(h))
		}
		<-time.After(time.Millisecond)
	}
	for name, c := range map[string]struct{ key, body string }{"key in the header": {"wk_us_key", good("a")}, "key in the body": {"", `{"key":"wk_us_key","events":[` + good("b") + `]}`}} {
		req, err := http.NewRequest(http.MethodPost, "http://"+address+"/v1/events", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		req.Header.Set("X-Write-Key", c.key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	if len(s.stored) != 2 {
		t.Errorf("%d stored", len(s.stored))
	}
}

func held(h *Handler) int64 {
	h.budget.mu.Lock()
	defer h.budget.mu.Unlock()
	return h.budget.bytes
}

func TestABodyThatComesTooSlowlyIsAnswered408(t *testing.T) {
	limits := wide
	limits.BodyGrace = 50 * time.Millisecond
	h, s := newHandler(t, limits)
	address := serve(t, h)
	for name, start := range map[string]string{
		"length said": "Content-Length: 1000\r\n\r\n{\"time\":", "chunked": "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "nothing yet": "Content-Length: 1000\r\n\r\n",
	} {
		conn := begin(t, address, "POST /v1/events HTTP/1.1\r\nHost: edge\r\nX-Write-Key: wk_us_key\r\n"+start)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the connection is not closed: %v", name, err)
		}
		if resp.StatusCode != http.StatusRequestTimeout || !resp.Close || !strings.Contains(string(text), "too_slow") {
			t.Errorf("%s: %s %s", name, resp.Status, text)
		}
	}
	if len(s.stored) > 0 || held(h) != 0 {
		t.Errorf("%d stored, %d bytes held", len(s.stored), held(h))
	}
}

// deadlines notes what the read deadline is set to.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error { d.set = append(d.set, at); return nil }

// 100 bytes a second from 5 s on, 20 s in all: 1,000 bytes are good until 15 s, 4,000 until 20 s. At the end there is no limit.
func TestTheDeadlineMovesOnWithWhatArrives(t *testing.T) {
	limits := Limits{BodyRate: 100, BodyGrace: 5 * time.Second, ReadTimeout: 20 * time.Second}
	d := &deadlines{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(bytes.NewReader(make([]byte, 1000)), bytes.NewReader(make([]byte, 3000))))
	p := (&Handler{limits: limits}).paced(d, r).(*pace)
	if n, err := io.Copy(io.Discard, struct{ io.Reader }{p}); n != 4000 || err != nil {
		t.Fatal(n, err)
	}
	want := []time.Duration{5 * time.Second, 15 * time.Second, 20 * time.Second}
	if len(d.set) != len(want)+1 {
		t.Fatalf("set %d times", len(d.set))
	}
	for i, after := range want {
		if got := d.set[i].Sub(p.started); got != after {
			t.Errorf("deadline %d is after %s, want %s", i, got, after)
		}
	}
	if last := d.set[len(want)]; !last.IsZero() {
		t.Errorf("the end has a deadline: %s", last)
	}
}

func TestCompressionThatIsNotSaidIsSeen(t *testing.T) {
	for _, encoding := range []string{"gzip", "zstd"} {
		for _, said := range []string{"", "identity"} {
			h, s := newHandler(t, testLimits)
			if w, _ := post(t, h, compress(t, encoding, good("a")), with("Content-Encoding", said)); w.Code != 200 || len(s.stored) != 1 || string(s.stored[0].Value) != good("a") {
				t.Errorf("%s, said %q: %d %s", encoding, said, w.Code, w.Body)
			}
		}
	}
}

// A proxy has undone the compression and left the header; or an SDK sets it and does not compress.
func TestCompressionThatIsSaidAndNotDoneIsSeen(t *testing.T) {
	for _, said := range []string{"gzip", "x-gzip", "zstd", "deflate"} {
		for _, body := range []string{good("a"), "\xef\xbb\xbf\n " + good("a"), "[" + good("a") + "]"} {
			h, s := newHandler(t, testLimits)
			if w, _ := post(t, h, body, with("Content-Encoding", said)); w.Code != 200 || len(s.stored) != 1 || string(s.stored[0].Value) != good("a") {
				t.Errorf("said %q: %d %s", said, w.Code, w.Body)
			}
		}
	}
	// Another compression than is said, too.
	h, s := newHandler(t, testLimits)
	if w, _ := post(t, h, compress(t, "gzip", good("a")), with("Content-Encoding", "deflate")); w.Code != 200 || len(s.stored) != 1 {
		t.Errorf("gzip, said deflate: %d %s", w.Code, w.Body)
	}
}

// Light and heavy bodies, of one part or many, come out as they went in; one byte more than accepted does not.
func TestBodiesOfEverySizeAreDecompressedUpToTheLimit(t *testing.T) {
	h, _ := newHandler(t, wide)
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		for _, size := range []int{0, 1, smallest, triedBytes - 1, triedBytes, triedBytes + 1, 512 << 10} {
			text := strings.Repeat("x", size)
			parts := []string{compress(t, encoding, text)}
			if encoding == "gzip" || encoding == "zstd" {
				parts = append(parts, compress(t, encoding, text[:size/2])+compress(t, encoding, text[size/2:]))
			}
			if encoding == "zstd" { // a frame to skip, as pzstd writes it: RFC 8878 §3.1.2
				parts = append(parts, "\x50\x2a\x4d\x18\x04\x00\x00\x00skip"+parts[0])
				if sniff("", []byte(parts[len(parts)-1])) != "zstd" {
					t.Error("a frame to skip is not seen")
				}
			}
			for _, part := range parts {
				b, err := decompress(h, encoding, part)
				if err != nil || string(b.bytes) != text || (b.room.turn.of == h.heavy) != (size > triedBytes) {
					t.Errorf("%s, %d bytes: %v", encoding, size, err)
					continue
				}
				b.free()
				b.room.turn.give()
				b.room.leave()
			}
		}
		b, err := decompress(h, encoding, compress(t, encoding, strings.Repeat("x", 512<<10+1)))
		if err == nil || h.unread(err).Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: one byte too many: %v, %v", encoding, b, err)
		}
	}
	if held(h) != 0 || h.heavy.used() != 0 || h.try.used() != 0 {
		t.Errorf("%d bytes, %d and %d turns are left", held(h), h.heavy.used(), h.try.used())
	}
}

func decompress(h *Handler, encoding, data string) (*buffer, error) {
	r, err := h.budget.enter(one, false)
	if err != nil {
		return nil, err
	}
	r.turn = &turn{client: one}
	b, err := h.decompress(context.Background(), encoding, []byte(data), r)
	if err != nil {
		r.turn.give()
		r.leave()
	}
	return b, err
}

// A zstd frame may ask for a window of any size, and say any length of itself.
func TestAZstdFrameThatAsksForMuchIsRefused(t *testing.T) {
	h, _ := newHandler(t, wide)
	for name, frame := range map[string]string{
		"a window of 1 GiB": "\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00", // RFC 8878 §3.1.1.1.2: exponent 20, mantissa 0
		"a length of 2^62":  "\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x40\x01\x00\x00",
	} {
		_, err := decompress(h, "zstd", frame)
		if !errors.Is(err, zstd.ErrWindowSizeExceeded) && !errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// slowKafka acknowledges nothing before everybody is there.
type slowKafka struct{ there *sync.WaitGroup }

func (k slowKafka) SendEach(context.Context, string, []event.Record) error {
	k.there.Done()
	k.there.Wait()
	return nil
}

// 200 of the worst requests at once, each kind: what they hold together is what the settings say. Go frees late, so it is twice that at
// most, and the decoders' windows, up to 16 MiB each.
func TestTwoHundredOfTheWorstRequestsHoldNoMoreThanIsSaid(t *testing.T) {
	spaces := strings.Repeat(" ", int(wide.DecodedBytes))
	bomb := strings.Repeat(" ", int(wide.DecodedBytes)+1)
	var events []string
	for i := range 15 {
		e := good(fmt.Sprint(i))
		events = append(events, e[:len(e)-1]+`,"props":{"x":"`+strings.Repeat("x", 32<<10-len(e)-16)+`"}}`)
	}
	batch := "[" + strings.Join(events, ",") + "]" // as large as decompressed bodies may be, and every event of it is right
	var noise []string
	for range 4 { // compresses badly: large as sent
		e := good(fmt.Sprint(rand.Int64()))
		var text strings.Builder
		for text.Len() < 30<<10 {
			fmt.Fprintf(&text, "%016x", rand.Uint64())
		}
		noise = append(noise, e[:len(e)-1]+`,"props":{"x":"`+text.String()+`"}}`)
	}
	plain := "[" + strings.Join(noise, ",") + "]"
	for name, body := range map[string]struct{ encoding, text string }{
		"gzip": {"gzip", bomb}, "deflate": {"deflate", bomb}, "br": {"br", bomb}, "zstd": {"zstd", bomb},
		"spaces, of the size accepted": {"gzip", spaces}, "events, gzip": {"gzip", batch}, "events, br": {"br", batch}, "events, zstd": {"zstd", batch}, "events, plain": {"", plain},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := newHandler(t, wide)
			codes := make([]int, 200)
			var there sync.WaitGroup // each waits for Kafka, or was refused
			there.Add(len(codes))
			h.intake.Regions["us"] = slowKafka{&there}
			text := body.text
			if body.encoding != "" {
				text = compress(t, body.encoding, body.text)
			}
			before := heap()
			var most, waiting int64
			stop, measured := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(measured)
				for {
					select {
					case <-stop:
						return
					case <-time.After(time.Millisecond):
						most, waiting = max(most, heap()), max(waiting, held(h))
					}
				}
			}()
			var all sync.WaitGroup
			for i := range codes {
				all.Go(func() {
					r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(text))
					r.RemoteAddr = fmt.Sprintf("192.0.2.%d:9", i)
					r.Header.Set("X-Write-Key", "wk_us_key")
					r.Header.Set("Content-Encoding", body.encoding)
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					if codes[i] = w.Code; w.Code != http.StatusOK {
						there.Done()
					}
				})
			}
			all.Wait()
			close(stop)
			<-measured
			if grown := most - before; grown > 2*wide.InFlightBytes+int64(h.try.most+h.heavy.most)*16<<20 {
				t.Errorf("the heap grew by %d MiB, of which %d MiB were accounted for", grown>>20, waiting>>20)
			}
			if waiting > wide.InFlightBytes || held(h) != 0 {
				t.Errorf("%d bytes were held, %d at the end", waiting, held(h))
			}
			counts := map[int]int{}
			for _, code := range codes {
				counts[code]++
			}
			if strings.HasPrefix(name, "events") != (counts[http.StatusOK] > 0) {
				t.Errorf("answers: %v", counts)
			}
		})
	}
}

// heap is what the Go runtime holds for its heap, garbage included, bytes.
func heap() int64 {
	sample := []runtime.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	runtime.Read(sample)
	return int64(min(sample[0].Value.Uint64()+sample[1].Value.Uint64(), math.MaxInt64))
}
