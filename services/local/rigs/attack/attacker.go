package attack

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// An attacker is one of those who attack in one way, from a loopback address that the way has for itself.
type attacker struct {
	*door
	host byte // of 127.0.0.host
	n    int  // its tries so far
}

// An attack is a way to attack.
type attack struct {
	name string
	// workers try at once, each every so often. More would measure this machine's cores, which attackers and edge share.
	workers int
	every   time.Duration
	// try makes one attempt and says what came of it: a status, or a word.
	try func(context.Context, *attacker) string
}

// patience is how long an attacker waits for an answer.
const patience = 30 * time.Second

// dial connects from the attacker's address. The connection is closed when ctx ends.
func (a *attacker) dial(ctx context.Context, to string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, a.host)}, Timeout: patience}
	conn, err := dialer.DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		stop()
		return nil, errors.Join(err, conn.Close())
	}
	return &stopped{conn, stop}, nil
}

// A stopped connection forgets its context when it is closed.
type stopped struct {
	net.Conn
	stop func() bool
}

func (s *stopped) Close() error {
	s.stop()
	return s.Conn.Close()
}

// handshake is dial with TLS.
func (a *attacker) handshake(ctx context.Context, protocol string) (*tls.Conn, error) {
	conn, err := a.dial(ctx, a.Secure)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(conn, &tls.Config{RootCAs: a.PEM.Pool(), ServerName: "127.0.0.1", NextProtos: []string{protocol}})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secured, nil
}

// send writes a request as it is, byte by byte, and returns the status of the answer.
func (a *attacker) send(ctx context.Context, wire string) string {
	conn, err := a.dial(ctx, a.Plain)
	if err != nil {
		return a.lost(ctx, err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, wire) }() // the answer may come before its end; closing ends it
	return a.answer(ctx, conn)
}

func (a *attacker) answer(ctx context.Context, conn net.Conn) string {
	line, err := bufio.NewReader(conn).ReadString('\n')
	if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[0], "HTTP/1") {
		return fields[1]
	}
	return a.lost(ctx, err)
}

// lost says how a connection ended.
func (a *attacker) lost(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil:
		return "the end came first"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer"
	}
	return "cut off"
}

// request is a POST to the endpoint with a body, and further header lines.
func request(body string, lines ...string) string {
	return "POST /v1/events HTTP/1.1\r\nHost: edge\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n" + strings.Join(append(lines, "", ""), "\r\n") + body
}

const hostile = "X-Write-Key: " + hostileKey

// drip writes what is given, then one byte after the other a second apart, until it is cut off.
func (a *attacker) drip(ctx context.Context, begin string, next func(n int) string) string {
	conn, err := a.dial(ctx, a.Plain)
	if err != nil {
		return a.lost(ctx, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * patience)); err != nil {
		return a.lost(ctx, err)
	}
	gone := make(chan string, 1)
	go func() { gone <- a.answer(ctx, conn) }() // ends when the connection does
	if _, err := io.WriteString(conn, begin); err != nil {
		return a.lost(ctx, err)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case answer := <-gone:
			return answer
		case <-ctx.Done():
			return a.lost(ctx, ctx.Err())
		case <-tick.C:
			if _, err := io.WriteString(conn, next(n)); err != nil {
				return a.lost(ctx, err)
			}
		}
	}
}

func event(n int) string {
	return fmt.Sprintf(`{"time":1,"type":"play","data":{"type":"wt"},"user":{"guid":"x%d"}}`, n)
}
