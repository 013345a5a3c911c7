package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// A lane is a connection for inserts. The driver dials it, logs in, sends the statement and reads the answers; between the server's word that it
// takes data and the driver's that there is no more, the lane writes the block, past the driver: which would have each value in memory once
// more, boxed where a column is of LowCardinality. Nobody else can have the connection then, since the driver's pool is of this one.
type lane struct {
	pool driver.Conn
	// conn is what was dialed last, and so what the pool has.
	conn   net.Conn
	frames *frames
}

// newLane returns a lane with the driver's options, not connected.
func newLane(options ch.Options) (*lane, error) {
	l := &lane{frames: newFrames()}
	dialer := &net.Dialer{Timeout: options.DialTimeout}
	dial := dialer.DialContext
	if options.TLS != nil {
		dial = (&tls.Dialer{NetDialer: dialer, Config: options.TLS}).DialContext
	}
	options.MaxOpenConns, options.MaxIdleConns = 1, 1
	options.DialContext = func(ctx context.Context, address string) (_ net.Conn, err error) {
		l.conn, err = dial(ctx, "tcp", address)
		return l.conn, err
	}
	var err error
	l.pool, err = ch.Open(&options)
	return l, err
}

// send writes cells as one block. After an error the connection is of no use.
func (l *lane) send(ctx context.Context, cells []cell, rows int) error {
	stop := context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	l.frames.to = l.conn
	err := l.frames.write(cells, rows)
	if ctx.Err() != nil || !stop() {
		return context.Cause(ctx)
	}
	return err
}

// Lanes are those of one Conn.
type lanes struct {
	options ch.Options
	// free bounds them; nil stands for one that was not made yet.
	free   chan *lane
	mu     sync.Mutex
	all    []*lane
	closed bool
}

// newLanes returns up to most lanes, of which none is made yet.
func newLanes(options ch.Options, most int) *lanes {
	l := &lanes{options: options, free: make(chan *lane, most)}
	for range most {
		l.free <- nil
	}
	return l
}

// take waits for a lane that nobody has. Whoever has it gives it back.
func (l *lanes) take(ctx context.Context) (*lane, error) {
	var taken *lane
	select {
	case taken = <-l.free:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if taken != nil {
		return taken, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := errors.New("the connection pool is closed")
	if !l.closed {
		taken, err = newLane(l.options)
	}
	if err != nil {
		l.free <- nil
		return nil, err
	}
	l.all = append(l.all, taken)
	return taken, nil
}

func (l *lanes) give(back *lane) { l.free <- back }

// close ends the connections, those in use when they are given back.
func (l *lanes) close() (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, each := range l.all {
		err = errors.Join(err, each.pool.Close())
	}
	return err
}
