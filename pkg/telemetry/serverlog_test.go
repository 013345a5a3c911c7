package telemetry

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// The sentences are those of net/http, server.go of Go 1.26.
func TestTheServersComplaintsAreLoggedWithoutClientsAddresses(t *testing.T) {
	for text, want := range map[string]map[string]any{
		"http: TLS handshake error from 192.0.2.1:4711: EOF\n":              {"complaint": "http: TLS handshake error from a client: EOF"},
		"http: TLS handshake error from [2001:db8::1]:4711: EOF\n":          {"complaint": "http: TLS handshake error from a client: EOF"},
		"http: panic serving 192.0.2.1:4711: boom\ngoroutine 7 [running]:":  {"complaint": "http: panic serving a client: boom", "stack": "goroutine 7 [running]:"},
		"http: Accept error: accept tcp 0.0.0.0:8080: too many open files;": {"complaint": "http: Accept error: accept tcp 0.0.0.0:8080: too many open files;"},
	} {
		core, logs := observer.New(zap.ErrorLevel)
		ServerLog(zap.New(core)).Print(text)
		if logs.Len() != 1 {
			t.Fatalf("%q: %d lines", text, logs.Len())
		}
		if diff := cmp.Diff(want, logs.All()[0].ContextMap()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestAHandlerThatBreaksDownIsLogged(t *testing.T) {
	core, logs := observer.New(zap.ErrorLevel)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }))
	server.Config.ErrorLog = ServerLog(zap.New(core))
	server.Start()
	resp, err := server.Client().Get(server.URL)
	if err == nil {
		resp.Body.Close()
		t.Errorf("answered %s", resp.Status)
	}
	server.Close()
	if logs.Len() != 1 || !strings.Contains(logs.All()[0].ContextMap()["stack"].(string), "serverlog_test.go") {
		t.Errorf("logged %v", logs.All())
	}
}

// Whoever asks for the metrics again and again and reads none of it does not keep its connection.
func TestTheAdminPortCutsOffWhoDoesNotRead(t *testing.T) {
	t.Parallel() // it takes adminWrite
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.Copy(w, endless{})
		wrote <- err
	})
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- ServeAdmin(ctx, l, handler, zap.NewNop()) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	defer func() { conn.Close(); cancel(); <-done }()
	if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-wrote:
	case <-time.After(3 * adminWrite):
		t.Error("the answer is still being written")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
