package sink

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A gate is a TCP proxy that can be shut: connections through it break and new ones are ended at once.
type gate struct {
	t       testing.TB
	address string
	server  string

	mu     sync.Mutex
	closed bool
	tries  int
	conns  map[net.Conn]bool
}

func newGate(t testing.TB, server string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, address: l.Addr().String(), server: server, conns: make(map[net.Conn]bool)}
	var handlers sync.WaitGroup
	handlers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handlers.Go(func() { g.carry(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		g.shut()
		handlers.Wait()
	})
	return g
}

func (g *gate) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", g.server)
	if err != nil {
		g.t.Error(err)
		return
	}
	defer server.Close()
	g.mu.Lock()
	if g.closed {
		g.tries++
		g.mu.Unlock()
		return
	}
	g.conns[client] = true
	g.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(server, client); server.Close() })
	both.Go(func() { _, _ = io.Copy(client, server); client.Close() })
	both.Wait()
	g.mu.Lock()
	delete(g.conns, client)
	g.mu.Unlock()
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for conn := range g.conns {
		conn.Close()
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

// wantTries waits until n connections came to the shut gate.
func (g *gate) wantTries(n int) {
	g.t.Helper()
	kafkatest.Wait(g.t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.tries >= n
	}, "%d tries at the gate", n)
}
