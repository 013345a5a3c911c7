package edge

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// from connects from a loopback address of its own.
func from(address, door string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 10 * time.Second}
	return dialer.Dial("tcp", door)
}

// The process may open 150 files, and 300 connections come that say little. Probes are answered, and so is an honest client.
func TestAFullDoorLeavesProbesAndHonestClientsTheirAnswer(t *testing.T) {
	address := kafkatest.Start(t)
	kafkatest.Topic(t, kafkatest.Client(t, address), schemas.RawTopic("us"), 2, nil)
	p, door := program(t, address, t.TempDir())
	p.Args = []string{"sh", "-c", "ulimit -n 150 && exec " + p.Args[0]}
	logs := t.TempDir()
	serve(t, p, logs)
	for i := range 300 {
		conn, err := from("127.0.0.1", door)
		if err != nil {
			break // the kernel's queue is full, too
		}
		t.Cleanup(func() { conn.Close() })
		if i%3 > 0 {
			_, _ = io.WriteString(conn, "POST /v1/events HTTP/1.1\r\nX-")
		}
	}
	honest := &http.Client{Timeout: 4 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return from("127.0.0.2", door) },
	}}
	for i := range 10 {
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(http.MethodPost, "http://"+door+"/v1/events", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Write-Key", "wk_test_key")
		resp, err := honest.Do(req)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("request %d: %s", i, resp.Status)
		}
	}
	text, err := os.ReadFile(logs + "/edge.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"it takes fewer", "one client has its share of the connections"} {
		if n := strings.Count(string(text), says); n != 1 {
			t.Errorf("the log says %d times that %s", n, says)
		}
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

// 200 of the worst requests at once, without a key in their header and from as many addresses: what the process takes is what the README
// says, twice limits.in_flight_bytes, the producer's buffer, and 32 MiB a core.
func TestTwoHundredBombsAtOnceTakeNoMoreMemoryThanIsSaid(t *testing.T) {
	address := kafkatest.Start(t)
	kafkatest.Topic(t, kafkatest.Client(t, address), schemas.RawTopic("us"), 2, nil)
	p, door := program(t, address, t.TempDir())
	p.Env = append(p.Env, "WAYMARK_EDGE_TRUSTED_PROXIES=127.0.0.1", "GOMAXPROCS=2")
	serve(t, p, t.TempDir())
	for encoding, bomb := range bombs(t) {
		codes := make(chan int, 200)
		for i := range cap(codes) {
			go func() {
				req, err := http.NewRequest(http.MethodPost, "http://"+door+"/v1/events", strings.NewReader(bomb))
				if err != nil {
					codes <- 0
					return
				}
				req.Header.Set("Content-Encoding", encoding)
				req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					codes <- 0
					return
				}
				resp.Body.Close()
				codes <- resp.StatusCode
			}()
		}
		counts := map[int]int{}
		for range cap(codes) {
			counts[<-codes]++
		}
		usage, err := p.Usage()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: answers %v, peak %d MiB", encoding, counts, usage.Peak>>20)
		if counts[413] == 0 || counts[413]+counts[503] != cap(codes) {
			t.Errorf("%s: answers %v", encoding, counts)
		}
		if most := int64(2*128+64+2*32) << 20; usage.Peak > most {
			t.Errorf("%s: peak %d MiB", encoding, usage.Peak>>20)
		}
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

// bombs are 100 MiB of spaces.
func bombs(t *testing.T) map[string]string {
	t.Helper()
	var text bytes.Buffer
	w := gzip.NewWriter(&text)
	if _, err := w.Write(bytes.Repeat([]byte(" "), 100<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// RFC 8878: a frame with a window of 1 MiB, of blocks that say a byte and how often it comes, at most 128 KiB.
	frame := []byte("\x28\xb5\x2f\xfd\x00\x50")
	for left := 800; left > 0; left-- {
		header := uint32(128<<10)<<3 | 1<<1
		if left == 1 {
			header |= 1
		}
		frame = append(frame, byte(header), byte(header>>8), byte(header>>16), ' ')
	}
	return map[string]string{"gzip": text.String(), "zstd": string(frame)}
}
