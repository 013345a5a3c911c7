package faultproxy

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A link is one connection and the one behind it.
type link struct {
	proxy          *Proxy
	client, target net.Conn
	dumb           atomic.Bool // an answer was swallowed

	once sync.Once
	done chan struct{} // closed when the link is
}

// run forwards both directions. When either ends, both do: half-closed connections are of no use to the protocols tested.
func (l *link) run() {
	var directions sync.WaitGroup
	for _, d := range []direction{
		{link: l, from: l.client, to: l.target, limit: func(f faults) int64 { return f.requestLimit }},
		{link: l, from: l.target, to: l.client, limit: func(f faults) int64 { return f.responseLimit }, answers: true},
	} {
		chunks := make(chan chunk, 256)
		directions.Go(func() { d.read(chunks) })
		directions.Go(func() { d.write(chunks); l.close() })
	}
	directions.Wait()
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.done)
		l.client.Close()
		l.target.Close()
	})
}

// A direction is one half of a link.
type direction struct {
	link     *link
	from, to net.Conn
	limit    func(faults) int64
	answers  bool
}

// A chunk is what one read returned, and when it came.
type chunk struct {
	data []byte
	came time.Time
}

// read passes on what comes until the connection ends; it runs ahead of write, so that a delay does not cost throughput.
func (d direction) read(chunks chan<- chunk) {
	defer close(chunks)
	for {
		buf := make([]byte, 32<<10)
		n, err := d.from.Read(buf)
		if n > 0 {
			select {
			case chunks <- chunk{buf[:n], time.Now()}:
			case <-d.link.done:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// write forwards chunks as the faults of the moment allow, until the other end is through or a fault ends the link.
func (d direction) write(chunks <-chan chunk) {
	var passed int64
	for c := range chunks {
		if !d.wait(c.came) {
			return
		}
		now := d.link.proxy.now()
		if d.answers && (now.dropAnswers || d.link.dumb.Load()) {
			d.link.dumb.Store(true)
			d.link.proxy.countSwallowed(len(c.data))
			continue
		}
		limit, over := d.limit(now), false
		if limit > 0 && passed+int64(len(c.data)) >= limit {
			c.data, over = c.data[:max(0, limit-passed)], true
		}
		n, err := d.to.Write(c.data)
		passed += int64(n)
		if over {
			d.link.proxy.countCut()
		}
		if over || err != nil {
			return
		}
	}
}

// wait holds a chunk back as long as the delay of the moment says; false when the link is closed meanwhile. A change of the delay
// is noticed within a few milliseconds, so that ending it frees what is held.
func (d direction) wait(came time.Time) bool {
	const look = 5 * time.Millisecond
	for {
		left := d.link.proxy.now().delay - time.Since(came)
		if left <= 0 {
			return true
		}
		select {
		case <-d.link.done:
			return false
		case <-time.After(min(left, look)):
		}
	}
}

func (p *Proxy) countCut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut++
}

func (p *Proxy) countSwallowed(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallowed += int64(bytes)
}
