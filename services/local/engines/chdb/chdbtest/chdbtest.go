// Package chdbtest gives tests a ClickHouse: the embedded engine with ClickHouse's own native and HTTP handlers on free loopback
// ports. Most tests share one (Start); one that needs its own users, settings or disk, or harms its engine, has its own (Run).
package chdbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/waymark-events/waymark/services/local/engines/chdb"
)

// Server is a running ClickHouse and a database of the test's own in it. User is "default", without a password.
type Server struct {
	NativeAddr string // host:port
	HTTPAddr   string // host:port
	Database   string // empty at first, dropped with the test
	// Pid is the engine's process.
	Pid int
}

// KeepDoubles is a statement that keeps table events from merging its parts: a row stored twice would be gone before a test counts it.
// SYSTEM STOP MERGES would stop deletions, too.
const KeepDoubles = "ALTER TABLE events MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"

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

// shared is the one engine of most tests and how many of them use it.
var shared struct {
	sync.Mutex
	users  int
	engine *chdb.Engine
	dir    string
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
			shared.engine.Kill() // nothing of it is kept, and its clients may be there yet
			if err := errors.Join(shared.engine.Stop(), os.RemoveAll(shared.dir)); err != nil {
				t.Errorf("stop the embedded ClickHouse: %v", err)
			}
		}
	})
	return serverOf(shared.engine)
}

func serverOf(engine *chdb.Engine) Server {
	return Server{NativeAddr: engine.Native(), HTTPAddr: engine.HTTP(), Pid: engine.Pid()}
}

// start runs the shared engine in a folder of its own.
func start() (err error) {
	if shared.dir, err = os.MkdirTemp("", "waymark-chdb-"); err != nil {
		return err
	}
	if shared.engine, err = run(chdb.Config{Dir: shared.dir}); err != nil {
		return errors.Join(err, os.RemoveAll(shared.dir))
	}
	return nil
}

// run starts an engine on free ports.
func run(cfg chdb.Config) (_ *chdb.Engine, err error) {
	if cfg.Library, err = chdb.Find(); err != nil {
		return nil, err
	}
	if cfg.Native, err = chdb.Take("127.0.0.1:0"); err != nil {
		return nil, err
	}
	if cfg.HTTP, err = chdb.Take("127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, cfg.Native.Close())
	}
	return chdb.Start(context.Background(), cfg)
}
