// Package edge tests the collector as a process would run it: real connections, an embedded Kafka.
package edge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/local/e2e/inprocess"
	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

const event = `{"time":1700000000000,"type":"play","data":{"type":"wt","oId":1}}`

// A running edge.
type running struct {
	*inprocess.Service
	t       *testing.T
	address string
}

// start runs an edge for region us on the given Kafka until the test ends.
func start(t *testing.T, kafka string, change func(*edge.Config)) *running {
	t.Helper()
	accounts := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(accounts, []byte("accounts: [{id: a, region: us, write_keys: [wk_test_key], policy: {level: 3}}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := edge.DefaultConfig()
	cfg.Listener, cfg.Accounts, cfg.Timeouts.Leave = l, accounts, 0
	region := edge.Region{}
	region.Kafka.Brokers = []string{kafka}
	cfg.Regions = map[string]edge.Region{"us": region}
	change(&cfg)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	service := inprocess.Start(t, "edge", func(ctx context.Context, tel telemetry.Telemetry) error { return edge.Run(ctx, cfg, tel) })
	return &running{service, t, l.Addr().String()}
}

// metric is the sum of a counter or a gauge over its labels.
func (r *running) metric(name string) (sum float64) {
	r.t.Helper()
	families, err := r.Registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// dial opens a connection that fails the test rather than hang it.
func (r *running) dial() net.Conn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

func (r *running) post() (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+r.address+"/v1/events", strings.NewReader(event))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Write-Key", "wk_test_key")
	req.Close = true
	return http.DefaultClient.Do(req)
}

func (r *running) status() int {
	resp, err := r.post()
	if err != nil {
		r.t.Log(err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// head is a request's header that announces n bytes.
func head(n int) string {
	return fmt.Sprintf("POST /v1/events HTTP/1.1\r\nHost: edge\r\nX-Write-Key: wk_test_key\r\nContent-Length: %d\r\n\r\n", n)
}

// stored counts the raw events.
func stored(t *testing.T, address string) int64 {
	t.Helper()
	bounds, err := kafkatest.Client(t, address).Offsets(context.Background(), schemas.RawTopic("us"))
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, b := range bounds {
		n += b.End - b.Start
	}
	return n
}

func TestASlowClientIsCutOff(t *testing.T) {
	address := kafkatest.Start(t)
	r := start(t, address, func(c *edge.Config) {
		c.Timeouts.ReadHeader, c.Timeouts.Read = 200*time.Millisecond, 400*time.Millisecond
	})
	for name, sent := range map[string]string{"within the header": "POST /v1/ev", "within the body": head(len(event)) + event[:10]} {
		conn := r.dial()
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn) // ends when the edge closes; the deadline makes it an error
		if err != nil || strings.Contains(string(answer), " 200 ") || strings.Contains(string(answer), " 50") {
			t.Errorf("%s: %q, %v", name, answer, err)
		}
	}
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
}

func TestTheEndWaitsForRequestsUnderWay(t *testing.T) {
	address := kafkatest.Start(t)
	kafkatest.Topic(t, kafkatest.Client(t, address), schemas.RawTopic("us"), 2, nil)
	r := start(t, address, func(*edge.Config) {})
	kafkatest.Wait(t, func() bool { return r.status() == 200 }, "the edge serves")
	before := stored(t, address)

	conn := r.dial()
	if _, err := io.WriteString(conn, head(len(event))+event[:20]); err != nil {
		t.Fatal(err)
	}
	// An answered request behind it on another connection: by then the first one was accepted.
	kafkatest.Wait(t, func() bool { return r.status() == 200 }, "the edge serves")
	r.Leave()
	kafkatest.Wait(t, func() bool { return r.Ready() != "" }, "readiness is false")
	kafkatest.Wait(t, func() bool {
		late, err := net.Dial("tcp", r.address)
		if err == nil {
			late.Close()
		}
		return err != nil
	}, "new connections are refused")
	if _, err := io.WriteString(conn, event[20:]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the request under way got no answer: %v", err)
	}
	resp.Body.Close()
	if err := r.Wait(); err != nil || resp.StatusCode != 200 {
		t.Errorf("status %d, Run returned %v", resp.StatusCode, err)
	}
	if n := stored(t, address); n != before+2 {
		t.Errorf("%d events were stored, want 2", n-before)
	}
}

// Whoever looks at /readyz has timeouts.leave to send clients elsewhere: until then they are served, those that connect only now, too.
func TestAnEdgeThatIsAskedToEndServesOnUntilOthersKnow(t *testing.T) {
	address := kafkatest.Start(t)
	kafkatest.Topic(t, kafkatest.Client(t, address), schemas.RawTopic("us"), 2, nil)
	const leave = 4 * time.Second
	r := start(t, address, func(c *edge.Config) { c.Timeouts.Leave = leave })
	kafkatest.Wait(t, func() bool { return r.status() == 200 && r.Ready() == "" }, "the edge serves and is ready")
	asked := time.Now()
	r.Leave()
	kafkatest.Wait(t, func() bool { return r.Ready() != "" }, "readiness is false")
	served := r.status()
	if took := time.Since(asked); took > leave/2 {
		t.Fatalf("this machine took %s to look: nothing can be said", took)
	}
	if served != 200 {
		t.Errorf("not ready, and asked: status %d", served)
	}
	if err := r.Wait(); err != nil || time.Since(asked) < leave {
		t.Errorf("it ended after %s: %v", time.Since(asked), err)
	}
	if late, err := net.Dial("tcp", r.address); err == nil {
		late.Close()
		t.Error("it still accepts")
	}
}

func TestKafkaAwayIs503AndTheEdgeComesBackWithIt(t *testing.T) {
	data := t.TempDir()
	b, err := broker.Start(broker.Config{Address: "127.0.0.1:0", DataDir: data})
	if err != nil {
		t.Fatal(err)
	}
	address := b.Address()
	kafkatest.Topic(t, kafkatest.Client(t, address), schemas.RawTopic("us"), 2, nil)
	r := start(t, address, func(c *edge.Config) { c.Producer.Timeout = 300 * time.Millisecond })
	kafkatest.Wait(t, func() bool { return r.status() == 200 }, "the edge serves")

	b.Close()
	resp, err := r.post()
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	kafkatest.Wait(t, func() bool { return r.Ready() != "" }, "readiness is false")

	b, err = broker.Start(broker.Config{Address: address, DataDir: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	kafkatest.Wait(t, func() bool { return r.status() == 200 && r.Ready() == "" }, "the edge serves again")
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
}
