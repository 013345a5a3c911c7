package chdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/services/local/chdb/internal/libchdb"
	"github.com/waymark-events/waymark/services/local/chdb/internal/native"
	"github.com/waymark-events/waymark/services/local/chdb/internal/statement"
)

const (
	helloTimeout = 10 * time.Second // for a client to introduce itself
	writeTimeout = 5 * time.Minute  // for a client to take a block
)

// nativeConn is one client of the native TCP protocol.
type nativeConn struct {
	engine   *Engine
	conn     net.Conn
	tape     *native.Tape
	revision uint64
	session  *session
	out      []byte
}

// serveNative talks to one client until it leaves, breaks the protocol, or ctx ends.
func (e *Engine) serveNative(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	c := &nativeConn{engine: e, conn: conn, tape: native.NewTape(conn)}
	defer func() {
		if c.session != nil {
			c.session.close()
		}
	}()
	err := c.greet()
	for err == nil {
		err = c.packet()
	}
	if errors.Is(err, native.ErrMalformed) {
		e.log.Warn("native client broke the protocol", zap.Stringer("client", conn.RemoteAddr()), zap.Error(err))
		c.out = native.AppendException(c.out[:0], codeUnexpectedPacket, err.Error())
		if err := c.flush(); err != nil {
			e.log.Debug("tell a native client of its error", zap.Error(err))
		}
		return
	}
	if ctx.Err() == nil && !errors.Is(err, io.EOF) {
		e.log.Debug("native client is gone", zap.Stringer("client", conn.RemoteAddr()), zap.Error(err))
	}
}

// greet is the handshake: credentials and database are checked before the server says hello.
func (c *nativeConn) greet() error {
	if err := c.conn.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return err
	}
	hello, err := native.ReadHello(c.tape)
	if err != nil {
		return err
	}
	c.revision = hello.Revision
	if !c.engine.Credentials.accepts(hello.User, hello.Password) {
		return c.refuse(authenticationFailed(hello.User))
	}
	if c.session, err = c.engine.newSession(hello.Database); err != nil {
		return c.refuse(err)
	}
	c.out = native.AppendHello(c.out[:0], c.engine.version)
	if err := c.flush(); err != nil {
		return err
	}
	if err := native.ReadAddendum(c.tape, c.revision); err != nil {
		return err
	}
	return c.conn.SetReadDeadline(time.Time{})
}

func authenticationFailed(user string) error {
	return &libchdb.Exception{Code: codeAuthenticationFailed, Name: "AUTHENTICATION_FAILED",
		Message: user + ": Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"}
}

// refuse tells the client why and ends the connection.
func (c *nativeConn) refuse(cause error) error {
	if err := c.exception(cause); err != nil {
		return err
	}
	return io.EOF
}

// packet serves the client's next message.
func (c *nativeConn) packet() error {
	c.tape.Start()
	packet, err := c.tape.Uvarint()
	if err != nil {
		return err
	}
	switch packet {
	case native.ClientPing:
		c.out = native.AppendPong(c.out[:0])
		return c.flush()
	case native.ClientCancel:
		return nil // of a query that has ended meanwhile
	case native.ClientQuery:
		q, err := native.ReadQuery(c.tape, c.revision)
		if err != nil {
			return err
		}
		return c.query(q)
	}
	return fmt.Errorf("%w: packet %d", native.ErrMalformed, packet)
}

// query runs one query; the error is the connection's end, the query's own errors go to the client.
func (c *nativeConn) query(q native.Query) error {
	blocks := c.blocks(q)
	// First come external tables, none of which are served, then an empty block.
	last, _, err := blocks.copyNext(func([]byte) error { return nil })
	if err != nil {
		return err
	}
	if !last {
		return c.refuse(&libchdb.Exception{Code: codeNotImplemented, Name: "NOT_IMPLEMENTED", Message: "External tables are not served by this server. (NOT_IMPLEMENTED)"})
	}
	if err := c.session.apply(q.Settings); err != nil {
		return c.exception(err)
	}
	s := statement.Parse(q.SQL)
	params := make([]libchdb.Param, 0, len(q.Parameters))
	for _, p := range q.Parameters {
		params = append(params, libchdb.Param(p))
	}
	if s.Insert != nil && s.Insert.Data == "" {
		return c.insert(s.Insert, blocks, params)
	}
	return c.run(s, blocks, params)
}

// exception sends an error, by ClickHouse's number where it has one.
func (c *nativeConn) exception(cause error) error {
	e := asException(cause)
	c.out = native.AppendException(c.out[:0], e.Code, e.Message)
	return c.flush()
}

func asException(err error) *libchdb.Exception {
	var e *libchdb.Exception
	if !errors.As(err, &e) {
		e = &libchdb.Exception{Code: libchdb.UnknownException, Name: "UNKNOWN_EXCEPTION", Message: err.Error()}
	}
	return e
}

// flush sends what was put together in c.out.
func (c *nativeConn) flush() error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(c.out)
	if cap(c.out) > 4<<20 {
		c.out = nil
	}
	return err
}
