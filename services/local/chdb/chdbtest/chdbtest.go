// Package chdbtest gives tests a ClickHouse: the embedded engine behind its native TCP and HTTP doors on free loopback ports.
package chdbtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/services/local/chdb"
)

// Server is a running ClickHouse and a database of the test's own in it. User is "default", without a password.
type Server struct {
	NativeAddr string // host:port
	HTTPAddr   string // host:port
	Database   string // empty at first, dropped with the test
}

// Start returns the process's ClickHouse, starting it for the first test that asks; it stops, and its files go, when no test
// uses it any more. Without libchdb the test fails and says how to get it.
func Start(t testing.TB) Server {
	t.Helper()
	s := use(t)
	s.Database = fmt.Sprintf("test_%d", databases.Add(1))
	conn := s.Connect(t)
	if err := conn.Exec(context.Background(), "CREATE DATABASE "+s.Database); err != nil {
		t.Fatalf("create the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := conn.Exec(context.Background(), "DROP DATABASE "+s.Database+" SYNC"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return s
}

// Connect opens a clickhouse-go connection to the default database, closed with the test. Changes to its options come last.
func (s Server) Connect(t testing.TB, change ...func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	opt := &clickhouse.Options{Addr: []string{s.NativeAddr}}
	for _, f := range change {
		f(opt)
	}
	conn, err := clickhouse.Open(opt)
	if err != nil {
		t.Fatalf("open clickhouse-go: %v", err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("close clickhouse-go: %v", err)
		}
	})
	return conn
}

// Open is Connect to the test's own database.
func (s Server) Open(t testing.TB, change ...func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	own := func(o *clickhouse.Options) { o.Auth.Database = s.Database }
	return s.Connect(t, append([]func(*clickhouse.Options){own}, change...)...)
}

var databases atomic.Int64

// shared is the one engine of the process and how many tests use it.
var shared struct {
	sync.Mutex
	users  int
	server Server
	stop   func() error
}

func use(t testing.TB) Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.users == 0 {
		if err := start(); err != nil {
			t.Fatalf("start the embedded ClickHouse: %v", err)
		}
	}
	shared.users++
	t.Cleanup(func() {
		shared.Lock()
		defer shared.Unlock()
		if shared.users--; shared.users == 0 {
			if err := shared.stop(); err != nil {
				t.Errorf("stop the embedded ClickHouse: %v", err)
			}
		}
	})
	return shared.server
}

// start runs the engine in a directory of its own until shared.stop is called.
func start() (err error) {
	lib, err := chdb.Find()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "waymark-chdb-")
	if err != nil {
		return err
	}
	engine, err := chdb.Open(lib, dir, zap.NewNop())
	if err != nil {
		return err
	}
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- engine.Serve(ctx, listeners[0], listeners[1]) }()
	shared.server = Server{NativeAddr: listeners[0].Addr().String(), HTTPAddr: listeners[1].Addr().String()}
	shared.stop = func() error {
		cancel()
		if err := <-served; err != nil {
			return err
		}
		if err := engine.Close(); err != nil {
			return err
		}
		return os.RemoveAll(dir)
	}
	return nil
}
