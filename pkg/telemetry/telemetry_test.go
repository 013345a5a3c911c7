package telemetry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAdminTellsHealthReadinessAndMetrics(t *testing.T) {
	var broken error
	health := new(Health)
	health.Check("kafka", func(context.Context) error { return broken })
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_test_total", Help: "Counts."})
	Telemetry{Log: zap.NewNop(), Registry: registry}.WithRegion("eu").Registry.MustRegister(counter)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- ServeAdmin(ctx, l, AdminHandler(health, registry), zap.NewNop()) }()
	defer http.DefaultClient.CloseIdleConnections()

	look := func(path string, code int, says string) {
		t.Helper()
		resp, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != code || !strings.Contains(string(body), says) {
			t.Errorf("%s: %d %q, want %d and %q", path, resp.StatusCode, body, code, says)
		}
	}
	look("/healthz", 200, "ok")
	look("/readyz", 200, "ready")
	look("/metrics", 200, `waymark_test_total{region="eu"} 0`)
	broken = errors.New("no broker answers")
	look("/readyz", 503, "kafka: no broker answers")
	broken = nil
	health.Fail(errors.New("table is missing"))
	look("/readyz", 503, "table is missing")
	look("/healthz", 200, "ok")
	health.Recover()
	look("/readyz", 200, "ready")

	cancel()
	if err := <-served; err != nil {
		t.Errorf("after the end: %v", err)
	}
}

func TestALoopThatFailsForLongIsNotReady(t *testing.T) {
	health := new(Health)
	p := health.Progress()
	now := time.Now()
	p.failing("insert into events", errors.New("too many parts"), now)
	if err := health.Ready(t.Context()); err != nil {
		t.Errorf("after the first failure: %v", err)
	}
	p.failing("insert into events", errors.New("connection refused"), now.Add(stuckAfter)) // again: since the first
	if err := p.stuck(now.Add(stuckAfter + time.Second)); err == nil || err.Error() != "insert into events has failed for 1m1s: connection refused" {
		t.Errorf("after a minute: %v", err)
	}
	p.Working()
	p.failing("insert into events", errors.New("connection refused"), now.Add(-2*stuckAfter))
	if health.Ready(t.Context()) == nil {
		t.Error("ready though the loop is stuck")
	}
	p.End()
	if err := health.Ready(t.Context()); err != nil {
		t.Errorf("after the loop's end: %v", err)
	}
	new(Progress).End()
}

func TestLogLevelIsValidated(t *testing.T) {
	if err := (LogConfig{Level: "loud"}).Validate(); err == nil {
		t.Error("level loud was accepted")
	}
	if err := DefaultLogConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// Whoever is sent to a process that has not begun finds nobody there.
func TestAServiceThatHasNotSaidWhatItNeedsIsNotReady(t *testing.T) {
	h := new(Health)
	h.Starting()
	if h.Ready(t.Context()) == nil {
		t.Error("ready before the first check")
	}
	h.Check("kafka", func(context.Context) error { return nil })
	if err := h.Ready(t.Context()); err != nil {
		t.Errorf("after the first check: %v", err)
	}
}
