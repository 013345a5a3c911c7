package cost

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/demo"
)

// distinct is how many requests are made, and sent again and again.
const distinct = 400

// connections to a server: enough that its wait for Kafka is not the sender's.
const connections = 64

// makeRequests makes requests of so many events each, as recorders send them: headers of a browser behind a proxy, an envelope.
func makeRequests(b *testing.B, size int, packed bool) [][]byte {
	traffic, err := demo.NewGenerator(demo.Options{
		Seed: 1, Start: time.Now().Add(-time.Hour), Rate: 100, Accounts: []demo.Account{{ID: "cost", WriteKey: key}}, Flush: time.Hour,
	})
	if err != nil {
		b.Fatal(err)
	}
	var events []string
	out := make([][]byte, 0, distinct)
	for len(out) < distinct {
		visit, err := traffic.Next()
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range visit.Events {
			events = append(events, string(e))
		}
		for ; len(events) >= size && len(out) < distinct; events = events[size:] {
			out = append(out, request(b, len(out), events[:size], packed))
		}
	}
	return out
}

func request(b *testing.B, n int, events []string, packed bool) []byte {
	body := fmt.Appendf(nil, `{"sentAt":%d,"events":[%s]}`, time.Now().UnixMilli(), strings.Join(events, ","))
	head := "POST /v1/events HTTP/1.1\r\nHost: edge\r\nX-Write-Key: " + key + "\r\nContent-Type: application/json\r\n" +
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36\r\n" +
		"Sec-CH-UA: \"Chromium\";v=\"141\", \"Google Chrome\";v=\"141\", \"Not?A_Brand\";v=\"8\"\r\nSec-CH-UA-Mobile: ?0\r\nSec-CH-UA-Platform: \"Windows\"\r\n" +
		"Origin: https://shop.example\r\nReferer: https://shop.example/\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n" +
		fmt.Sprintf("X-Forwarded-For: 203.0.%d.%d\r\n", n/250, n%250+1)
	if packed {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := w.Write(body); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		body = out.Bytes()
		head += "Content-Encoding: gzip\r\n"
	}
	return append([]byte(head+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))), body...)
}

// send sends requests of size events, again and again, until there are so many events or requestsARound, and returns how many events. Each
// must be answered 200.
func (e *edge) send(b *testing.B, requests [][]byte, events, size int) int {
	count := int64(min(events/size, requestsARound))
	var next atomic.Int64
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			conn, err := net.Dial("tcp", e.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for n := next.Add(1); n <= count; n = next.Add(1) {
				if err := exchange(conn, answers, requests[int(n)%len(requests)]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return int(count) * size
}

func exchange(conn net.Conn, answers *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"code"`))) {
		err = fmt.Errorf("answered %d %.300s", answer.StatusCode, text)
	}
	return err
}
