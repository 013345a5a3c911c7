package child_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

func TestAProgramIsFrozenWithTheProcessesThatItStarted(t *testing.T) {
	dir := t.TempDir()
	p := &child.Process{Name: "shell", Says: "is ready", Env: []string{"PID=" + filepath.Join(dir, "pid")},
		Args: []string{"sh", "-c", `sleep 1000 & echo $! >"$PID"; echo is ready; wait`}}
	if err := p.Start(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid := pidOf(t, filepath.Join(dir, "pid"))
	stat := fmt.Sprintf("/proc/%d/stat", pid)
	for _, c := range []struct {
		signal syscall.Signal
		state  string
	}{{syscall.SIGSTOP, ") T "}, {syscall.SIGCONT, ") S "}} {
		if err := p.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; {
			text, err := os.ReadFile(stat)
			if err == nil && strings.Contains(string(text), c.state) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("after %s the other process is %s (%v)", c.signal, text, err)
			}
		}
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

// The embedded ClickHouse is a process of the one that is started: what it takes counts.
func TestAProgramIsChargedForTheProcessesThatItStarted(t *testing.T) {
	dir := t.TempDir()
	p := &child.Process{Name: "shell", Says: "is ready", Env: []string{"PID=" + filepath.Join(dir, "pid")},
		Args: []string{"sh", "-c", `(while :; do :; done) & echo $! >"$PID"; echo is ready; wait`}}
	if err := p.Start(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	busy := pidOf(t, filepath.Join(dir, "pid"))
	var charged time.Duration
	for deadline := time.Now().Add(30 * time.Second); charged < 100*time.Millisecond && time.Now().Before(deadline); {
		u, err := p.Usage()
		if err != nil {
			t.Fatal(err)
		}
		charged = u.CPU
	}
	if charged < 100*time.Millisecond {
		t.Errorf("%s of CPU, though a process of its own takes all that it gets", charged)
	}
	if err := errors.Join(p.Kill(), syscall.Kill(busy, syscall.SIGKILL)); err != nil {
		t.Error(err)
	}
}

// pidOf reads a process's number.
func pidOf(t *testing.T, file string) int {
	t.Helper()
	number, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(number)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
