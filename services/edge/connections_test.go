package edge

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDescriptorsAreKeptForEverythingButClients(t *testing.T) {
	for _, c := range []struct {
		wanted, regions int
		limit           uint64
		want            int
	}{
		{8192, 1, 1 << 20, 8192}, {8192, 1, 8192, 8192 - 48 - 16}, {8192, 2, 1024, 1024 - 48 - 32}, {10, 2, 1024, 10}, {10, 2, 85, 5}, {10, 2, 80, 1}, {10, 2, 0, 1},
	} {
		if got := mostConnections(c.wanted, c.regions, c.limit); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// gatedServer is a server behind a gate of most connections. A request of /hold is answered when the test says so.
func gatedServer(t *testing.T, most int, proxy bool) (address string, release chan struct{}, logs *observer.ObservedLogs, g *gate) {
	t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if g, err = newGate(most, func(netip.Addr) bool { return proxy }, zap.New(core), prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	release = make(chan struct{})
	server := &http.Server{ConnState: g.watch, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			<-release
		}
		_, _ = io.WriteString(w, "ok")
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(g.over(l)) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		until(t, "nothing is counted any more", func() bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.open == 0 && len(g.peers) == 0 && len(g.idle) == 0
		})
	})
	return l.Addr().String(), release, logs, g
}

// dial connects from a loopback address of its own: 127.0.0.host.
func dial(t *testing.T, address string, host byte) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, host)}}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func ask(t *testing.T, conn net.Conn, path string) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: edge\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

func answered(t *testing.T, conn net.Conn) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", resp.Status, err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAnIdleConnectionMakesRoom(t *testing.T) {
	address, _, _, g := gatedServer(t, 2, true)
	first, second := dial(t, address, 1), dial(t, address, 2)
	for i, conn := range []net.Conn{first, second} {
		ask(t, conn, "/")
		answered(t, conn)
		until(t, "idle", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return len(g.idle) == i+1 })
	}
	third := dial(t, address, 3)
	ask(t, third, "/")
	answered(t, third)
	if _, err := io.ReadAll(first); err != nil { // the one that idled longest is closed
		t.Error(err)
	}
	ask(t, second, "/")
	answered(t, second)
}

func TestWithoutAnIdleConnectionTheNextWaits(t *testing.T) {
	address, release, logs, g := gatedServer(t, 2, true)
	for host := range byte(2) {
		ask(t, dial(t, address, host+1), "/hold")
	}
	third := dial(t, address, 3)
	ask(t, third, "/")
	until(t, "full", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return g.open == 2 && len(g.told) == 1 })
	close(release) // the others are answered, idle, and make room
	answered(t, third)
	if logs.Len() != 1 {
		t.Errorf("%d lines of log", logs.Len())
	}
}

func TestOneClientHasHalfOfTheConnectionsUnlessItIsAProxy(t *testing.T) {
	for _, proxy := range []bool{false, true} {
		address, release, logs, g := gatedServer(t, 4, proxy)
		for range 2 {
			ask(t, dial(t, address, 1), "/hold")
		}
		until(t, "two are open", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return g.open == 2 })
		third := dial(t, address, 1)
		if !proxy {
			for range 5 {
				if _, err := io.ReadAll(dial(t, address, 1)); err != nil {
					t.Error(err)
				}
			}
			if _, err := io.ReadAll(third); err != nil {
				t.Error(err)
			}
			if n := testutil.ToFloat64(g.metrics.refused); logs.Len() != 1 || n != 6 {
				t.Errorf("%d lines of log, %v refused", logs.Len(), n)
			}
			third = dial(t, address, 2)
		}
		ask(t, third, "/")
		answered(t, third)
		close(release)
	}
}

// ready is a connection that has always something to read: whoever reads it never waits.
type ready struct{ net.Conn }

func (ready) Read(into []byte) (int, error) { return len(into), nil }

// On one core a connection that sends on and on lets others have it, after long work.
func TestAConnectionThatNeverWaitsLetsOthersGo(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	ran := make(chan struct{})
	go close(ran)
	c := &counted{Conn: ready{}}
	for range 3 { // now and then Go looks at those who paused first
		c.read.Store(time.Now().Add(-time.Second).UnixNano())
		if n, err := c.Read(make([]byte, 8)); n != 8 || err != nil {
			t.Fatal(n, err)
		}
	}
	select {
	case <-ran:
	default:
		t.Error("it does not let others go")
	}
}
