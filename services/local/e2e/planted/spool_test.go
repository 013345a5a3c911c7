package planted

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

// What the policy keeps out of Kafka is not on an edge's disk either while Kafka is away: what is not collected, and whole addresses.
func TestTheSpoolHasNothingThatKafkaMayNotHave(t *testing.T) {
	dir := t.TempDir()
	accounts, spool := filepath.Join(dir, "policies.yaml"), filepath.Join(dir, "spool")
	if err := os.WriteFile(accounts, []byte(policies), 0o600); err != nil {
		t.Fatal(err)
	}
	door, logs, registry := edgeWithoutKafka(t, accounts, spool)
	send := func(key, body string, more ...string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+door+"/v1/events", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Write-Key", key)
		req.Header.Set("X-Forwarded-For", wholeAddress)
		for i := 0; i < len(more); i += 2 {
			req.Header.Set(more[i], more[i+1])
		}
		status, answer := (&running{t: t}).do(req)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		return answer
	}

	// By each reason there is: a signal, a denial, no consent, the level, the level of an environment.
	ignored := func() string { return strings.ReplaceAll(everywhere(uuid.NewString()), "zqx", "zqy") }
	for _, r := range []struct{ key, body, header string }{
		{"wk_the_usual", ignored(), "Sec-GPC"},
		{"wk_the_usual", ignored(), "DNT"},
		{"wk_all_there_is", strings.Replace(ignored(), `"granted"`, `"denied"`, 1), ""},
		{"wk_items_only", strings.Replace(ignored(), `"consent":"granted",`, "", 1), ""},
		{"wk_hashing_", strings.NewReplacer(`"type":"step"`, `"type":"track"`, `"wt"`, `"custom"`).Replace(ignored()), ""},
		{"wk_the_usual", strings.Replace(strings.NewReplacer(`"type":"step"`, `"type":"view"`, `"wt"`, `"page"`).Replace(ignored()), `"session"`, `"environment":"TEST","session"`, 1), ""},
	} {
		more := []string{"User-Agent", "zqyagent/1.0"}
		if r.header != "" {
			more = append(more, r.header, "1")
		}
		if answer := send(r.key, r.body, more...); !strings.Contains(answer, `"not_collected"`) {
			t.Errorf("it is collected: %s", answer)
		}
	}
	for _, key := range []string{"wk_strictest", "wk_items_only", "wk_the_usual"} { // whose addresses are masked at the edge
		if answer := send(key, everywhere(uuid.NewString()), "User-Agent", "zqxagent/1.0"); !strings.Contains(answer, `"accepted":1`) {
			t.Errorf("it is not collected: %s", answer)
		}
	}
	text := read(t, spool)
	if got, want := words(text), words(everywhere("")+"zqxagent"); !slices.Equal(got, want) {
		t.Errorf("the spool has %v, want %v: the test shows nothing", got, want)
	}
	if strings.Contains(text, "zqy") {
		t.Error("the spool has something of what is not collected")
	}
	if strings.Contains(text, wholeAddress) || !strings.Contains(text, "128.112.20.0") {
		t.Errorf("the spool has a whole address, or not even a masked one")
	}
	send("wk_hashing_", everywhere(uuid.NewString()))
	if !strings.Contains(read(t, spool), wholeAddress) {
		t.Error("where the enricher masks, the spool has no whole address: the test would not find one")
	}

	for _, line := range logs.All() {
		if said := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(said, "zqx") || strings.Contains(said, "zqy") || strings.Contains(said, wholeAddress) {
			t.Errorf("the log: %s", said)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if metrics := fmt.Sprint(families); strings.Contains(metrics, "zqx") || strings.Contains(metrics, "zqy") || strings.Contains(metrics, wholeAddress) {
		t.Error("a metric has something of an event")
	}
}

// edgeWithoutKafka starts an edge behind a proxy of this machine whose Kafka refuses it, and returns its address.
func edgeWithoutKafka(t *testing.T, accounts, spool string) (string, *observer.ObservedLogs, *prometheus.Registry) {
	t.Helper()
	proxy, err := faultproxy.Listen(kafkatest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	proxy.Refuse(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := edge.DefaultConfig()
	cfg.Listen, cfg.Accounts, cfg.Timeouts.Leave = l.Addr().String(), accounts, 0
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.TrustedProxies = []string{"127.0.0.0/8"}
	cfg.Spool.Dir, cfg.Spool.After = spool, 200*time.Millisecond
	away := kafka.DefaultConfig()
	away.Brokers, away.DialTimeout, away.RequestTimeout = []string{proxy.Addr()}, time.Second, time.Second
	cfg.Regions = map[string]edge.Region{"us": {Kafka: away}}

	core, logs := observer.New(zapcore.DebugLevel)
	registry := prometheus.NewRegistry()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- edge.Run(ctx, cfg, telemetry.Telemetry{Log: zap.New(core), Registry: registry, Health: new(telemetry.Health)})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	kafkatest.Wait(t, func() bool {
		conn, err := net.Dial("tcp", cfg.Listen)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, "an edge")
	return cfg.Listen, logs, registry
}

// read is all that the files below a folder have.
func read(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
