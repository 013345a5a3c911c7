package edge

import (
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

// keptFiles are the descriptors kept free for everything but clients: the admin port, log, spool and accounts, and some for each region's
// Kafka.
const (
	keptFiles       = 48
	keptRegionFiles = 16
)

// mostConnections is how many of the wanted connections the process's descriptors allow; at least one.
func mostConnections(wanted, regions int, limit uint64) int {
	kept := uint64(keptFiles + keptRegionFiles*regions)
	if limit <= kept {
		return 1
	}
	return int(min(uint64(wanted), limit-kept))
}

// openFiles is the process's limit of descriptors. Go raises the soft one to the hard one at the start.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	return limit.Cur
}

// A gate bounds the open connections of the listeners that it is over, together. When they are all in use, the one that idles longest makes room for the next; when
// none idles, the next waits in the kernel's queue. One peer has no more than half of them, unless it is a proxy: more are closed at once.
type gate struct {
	most  int
	proxy func(netip.Addr) bool
	log   *zap.Logger

	mu    sync.Mutex
	room  *sync.Cond // signalled when a connection is closed
	open  int
	peers map[netip.Addr]int
	// idle are the connections without a request, since when.
	idle    map[net.Conn]time.Time
	closed  bool
	metrics gateMetrics
	// told is when it was last logged that all are in use, or a peer's share.
	told map[string]time.Time
}

type gateMetrics struct {
	open    prometheus.Gauge
	refused prometheus.Counter
}

// newGate makes a gate. Metrics go to reg.
func newGate(most int, proxy func(netip.Addr) bool, log *zap.Logger, reg prometheus.Registerer) (*gate, error) {
	m := gateMetrics{
		open:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "waymark_edge_connections", Help: "Open connections of clients."}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_edge_connections_refused_total", Help: "Connections closed at once, since their client had half of those that may be open."}),
	}
	limit := prometheus.NewGauge(prometheus.GaugeOpts{Name: "waymark_edge_connections_limit", Help: "How many may be open."})
	limit.Set(float64(most))
	if err := telemetry.Register(reg, m.open, m.refused, limit); err != nil {
		return nil, err
	}
	g := &gate{most: most, proxy: proxy, log: log, peers: make(map[netip.Addr]int), idle: make(map[net.Conn]time.Time), told: make(map[string]time.Time), metrics: m}
	g.room = sync.NewCond(&g.mu)
	return g, nil
}

// over returns l behind the gate. Closing it closes the gate.
func (g *gate) over(l net.Listener) net.Listener { return gated{l, g} }

// A gated listener has a gate before it.
type gated struct {
	net.Listener
	gate *gate
}

// Accept waits for a connection, then until there is room for it. Meanwhile others wait in the kernel's queue.
func (l gated) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.gate.admit(conn); admitted != nil {
			return admitted, nil
		}
		_ = conn.Close()
	}
}

// admit counts a connection; nil when its peer has its share, or the gate is closed.
func (g *gate) admit(conn net.Conn) net.Conn {
	peer := peerOf(conn)
	g.mu.Lock()
	defer g.mu.Unlock()
	if share := max(1, g.most/2); g.peers[peer] >= share && !g.proxy(peer) {
		g.metrics.refused.Inc()
		g.tell("one client has its share of the connections: more of it are closed", share)
		return nil
	}
	for g.open >= g.most && !g.closed {
		g.makeRoom()
	}
	if g.closed {
		return nil
	}
	g.open++
	g.metrics.open.Set(float64(g.open))
	g.peers[peer]++
	return &counted{Conn: conn, gate: g, peer: peer}
}

// makeRoom closes the connection that idles longest, or waits until one is closed or idles. mu is held, but not meanwhile.
func (g *gate) makeRoom() {
	longest := g.longestIdle()
	if longest == nil {
		g.tell("all connections are in use: clients wait", g.most)
		g.room.Wait()
		return
	}
	delete(g.idle, longest)
	g.mu.Unlock()
	defer g.mu.Lock()
	_ = longest.Close()
}

func (g *gate) longestIdle() (longest net.Conn) {
	for conn, since := range g.idle {
		if longest == nil || since.Before(g.idle[longest]) {
			longest = conn
		}
	}
	return longest
}

func peerOf(conn net.Conn) netip.Addr {
	if addr, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return addr.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// watch is the server's ConnState. With TLS the server's connection is one around ours.
func (g *gate) watch(conn net.Conn, state http.ConnState) {
	if around, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = around.NetConn()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if state != http.StateIdle {
		delete(g.idle, conn)
		return
	}
	g.idle[conn] = time.Now()
	if g.open >= g.most {
		g.room.Signal()
	}
}

// Close ends Accept, too.
func (l gated) Close() error {
	l.gate.mu.Lock()
	l.gate.closed = true
	l.gate.room.Broadcast()
	l.gate.mu.Unlock()
	return l.Listener.Close()
}

func (g *gate) tell(what string, most int) {
	if now := time.Now(); now.Sub(g.told[what]) > time.Minute {
		g.told[what] = now
		g.log.Warn(what, zap.Int("connections", most))
	}
}

// A counted connection is counted until it is closed.
type counted struct {
	net.Conn
	gate *gate
	peer netip.Addr
	once sync.Once
	// read is when a read last came back, in Unix nanoseconds.
	read atomic.Int64
}

// longWork is how long a connection works between two reads before it lets others have the core.
const longWork = 500 * time.Microsecond

// Read lets others go first after long work: who sends one request behind the other, and waits for no answer, never waits for the network either, and Go would
// take the core away only after 10 ms. Whoever waits for answers has nothing to read then.
func (c *counted) Read(into []byte) (int, error) {
	if time.Now().UnixNano()-c.read.Load() > int64(longWork) {
		runtime.Gosched()
	}
	n, err := c.Conn.Read(into)
	c.read.Store(time.Now().UnixNano())
	return n, err
}

// CloseWrite lets net/http say its last word before it closes: a client that is still sending would miss it.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		g := c.gate
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open--
		g.metrics.open.Set(float64(g.open))
		if g.peers[c.peer]--; g.peers[c.peer] == 0 {
			delete(g.peers, c.peer)
		}
		delete(g.idle, c)
		g.room.Signal()
	})
	return err
}
