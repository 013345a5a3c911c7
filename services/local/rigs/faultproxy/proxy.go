// Package faultproxy is a TCP proxy that misbehaves on demand: it stands between a client and a server on loopback and cuts,
// refuses, delays or swallows what passes. It knows nothing of what the bytes mean.
//
// A Kafka client finds its brokers by the addresses they advertise, so a broker behind a proxy must advertise the proxy's.
// Listen therefore does not need a running target: take the broker's port, listen for it, start the broker with Addr as its
// advertised address.
package faultproxy

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Proxy forwards connections to its target. All methods are safe for concurrent use; a fault set holds for connections that
// are open as well as for those to come, except where it says otherwise.
type Proxy struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	faults faults
	links  map[*link]struct{}
	closed bool
	taken  int
	cut    int
	// swallowed counts bytes of answers since the last Heal.
	swallowed int64
}

// faults is what is wrong at present; its zero value is a sound network.
type faults struct {
	refuse, dropAnswers         bool
	delay                       time.Duration
	requestLimit, responseLimit int64 // bytes a connection; 0 is no limit
}

// Listen starts a proxy on a free port of loopback. target is host:port, dialled anew for each connection.
func Listen(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for connections to %s: %w", target, err)
	}
	p := &Proxy{target: target, listener: l, links: make(map[*link]struct{})}
	p.running.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut closes all open connections now, in the middle of whatever they carry, and returns how many there were.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.links)
	for l := range p.links {
		l.close()
	}
	p.cut += n
	return n
}

// Refuse closes new connections at once while on; open ones live on.
func (p *Proxy) Refuse(on bool) { p.set(func(f *faults) { f.refuse = on }) }

// Delay holds back every byte for d, each direction. It is latency, not a limit of throughput; 0 ends it.
func (p *Proxy) Delay(d time.Duration) { p.set(func(f *faults) { f.delay = d }) }

// CutAfter closes each connection, open ones included, once the client has sent n bytes over it: the first n reach the target,
// nothing more does. 0 ends it.
func (p *Proxy) CutAfter(n int64) { p.set(func(f *faults) { f.requestLimit = n }) }

// CutAnswersAfter closes each connection, open ones included, once the target has sent n bytes over it; the first n reach the
// client. 0 ends it.
func (p *Proxy) CutAnswersAfter(n int64) { p.set(func(f *faults) { f.responseLimit = n }) }

// DropAnswers swallows what the target sends while on: requests arrive, their answers never do, and nothing is closed. A
// connection that lost a byte this way stays dumb for good, as its stream has a hole.
func (p *Proxy) DropAnswers(on bool) { p.set(func(f *faults) { f.dropAnswers = on }) }

// Heal ends every fault set before. Connections that were cut stay so, and those gone dumb are cut.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults, p.swallowed = faults{}, 0
	for l := range p.links {
		if l.dumb.Load() {
			l.close()
		}
	}
}

// Swallowed returns how many bytes of answers DropAnswers has cost since the last Heal.
func (p *Proxy) Swallowed() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.swallowed
}

// Counts returns how many connections were taken, and how many of them a fault closed.
func (p *Proxy) Counts() (taken, cut int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken, p.cut
}

// Close ends the proxy and its connections and waits until both are gone.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	for l := range p.links {
		l.close()
	}
	p.mu.Unlock()
	err := p.listener.Close()
	p.running.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the proxy to %s: %w", p.target, err)
	}
	return nil
}

func (p *Proxy) set(change func(*faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.faults)
}

func (p *Proxy) now() faults {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults
}

// accept takes connections until the listener is closed.
func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

// serve forwards one connection until either end closes it or a fault does.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	if p.now().refuse {
		return
	}
	target, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		return // the client sees what it would see without us: no connection
	}
	l := &link{proxy: p, client: client, target: target, done: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		target.Close()
		return
	}
	p.links[l] = struct{}{}
	p.taken++
	p.mu.Unlock()
	l.run()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}
