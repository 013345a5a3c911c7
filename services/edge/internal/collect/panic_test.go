package collect

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

// A decoder that breaks down over what it is given leaves no turn taken: a few such requests would end the edge.
func TestADecoderThatBreaksDownLeavesNothingBehind(t *testing.T) {
	h, _ := newHandler(t, testLimits)
	h.zstd = nil // it breaks down over anything
	for range 2 * h.try.most {
		if w, _ := post(t, h, compress(t, "zstd", good("a")), with("Content-Encoding", "zstd")); w.Code != 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if held(h) != 0 || h.light.used()+h.try.used() != 0 || h.heavy.used() != 0 || len(h.budget.peers) != 0 {
		t.Errorf("%d bytes, %d and %d turns, %d peers are left", held(h), h.light.used()+h.try.used(), h.heavy.used(), len(h.budget.peers))
	}
}

// broken breaks down over what it is sent.
type broken func([]event.Record)

func (b broken) SendEach(_ context.Context, _ string, records []event.Record) error {
	b(records)
	return nil
}

func TestAPanicIsAnswered500CountedAndLoggedWithoutTheRequest(t *testing.T) {
	const planted = "a-planted-secret"
	for name, c := range map[string]struct {
		breaks broken
		says   string
	}{
		"of the runtime": {func(records []event.Record) { _ = records[7] }, "runtime error: index out of range [7] with length 1"},
		"of the code":    {func(records []event.Record) { panic(string(records[0].Value)) }, "string"},
	} {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			h, _ := newHandler(t, testLimits)
			h.log, h.intake.Regions["us"] = zap.New(core), c.breaks
			server := httptest.NewUnstartedServer(h)
			server.Config.ErrorLog = telemetry.ServerLog(zap.New(core))
			server.Start()
			defer server.Close()
			req, err := http.NewRequest(http.MethodPost, server.URL+"/v1/events", strings.NewReader(`{"time":1,"type":"play","data":{"type":"wt","oName":"`+planted+`"}}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Write-Key", "wk_us_key")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != 500 || !strings.Contains(string(text), `"code":"internal"`) || strings.Contains(string(text), planted) {
				t.Errorf("%s %s, %v", resp.Status, text, err)
			}
			if n := testutil.ToFloat64(h.metrics.panics); n != 1 {
				t.Errorf("%v panics are counted", n)
			}
			if logs.Len() != 1 {
				t.Fatalf("%d lines", logs.Len())
			}
			fields := logs.All()[0].ContextMap()
			if fields["panic"] != c.says || !strings.Contains(fields["stack"].(string), "panic_test.go") {
				t.Errorf("logged %v", fields)
			}
			for _, value := range fields {
				if strings.Contains(value.(string), planted) {
					t.Errorf("logged %s", value)
				}
			}
			if held(h) != 0 || h.heavy.used() != 0 {
				t.Errorf("%d bytes are held still", held(h))
			}
		})
	}
}
