package chdbtest

import (
	"context"
	"syscall"
	"testing"

	"github.com/waymark-events/waymark/services/local/engines/chdb"
)

// Options of an engine of a test's own.
type Options struct {
	// Dir is its folder. Default: one that goes with the test.
	Dir string
	// Users, MoreUsers and Server are those of chdb.Config.
	Users, MoreUsers, Server string
}

// Engine is a ClickHouse of a test's own, which the test may harm.
type Engine struct {
	Server
	t      testing.TB
	engine *chdb.Engine
}

// Run starts an engine that stops with the test.
func Run(t testing.TB, o Options) *Engine {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	engine, err := run(chdb.Config{Dir: o.Dir, Users: o.Users, MoreUsers: o.MoreUsers, Server: o.Server})
	if err != nil {
		t.Fatalf("start the embedded ClickHouse: %v", err)
	}
	t.Cleanup(func() {
		engine.Kill() // nothing of it is kept, and its clients may be there yet
		if err := engine.Stop(); err != nil {
			t.Errorf("stop the embedded ClickHouse: %v", err)
		}
	})
	return &Engine{serverOf(engine), t, engine}
}

// Kill ends the engine as kill -9 does.
func (e *Engine) Kill() { e.engine.Kill() }

// Restart kills the engine and starts it again, on the same ports and folder.
func (e *Engine) Restart() {
	e.t.Helper()
	e.engine.Kill()
	if err := e.engine.Restart(context.Background()); err != nil {
		e.t.Fatalf("start the embedded ClickHouse again: %v", err)
	}
	e.Pid = e.engine.Pid()
}

// Configure restarts the engine with other users and settings.
func (e *Engine) Configure(users, server string) {
	e.t.Helper()
	e.engine.Configure(users, server)
	e.Restart()
}

// Freeze stops the engine as it is until Thaw.
func (e *Engine) Freeze() { e.signal(syscall.SIGSTOP) }

// Thaw lets a frozen engine go on.
func (e *Engine) Thaw() { e.signal(syscall.SIGCONT) }

func (e *Engine) signal(s syscall.Signal) {
	e.t.Helper()
	if err := e.engine.Signal(s); err != nil {
		e.t.Fatalf("%s to ClickHouse: %v", s, err)
	}
}
