// Package child runs programs as processes of their own: those that are measured, and those that are killed on purpose.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Process is one program. What it writes goes to a file, which later starts of it append to. It is for one goroutine at a time.
type Process struct {
	Name string
	// Args is the command line, the program first; Env is added to this process's environment.
	Args []string
	Env  []string
	// Admin is the host:port of /readyz, or Says is what the program writes when it is ready.
	Admin string
	Says  string

	cmd   *exec.Cmd
	log   string
	from  int64 // where the running program's part of the log begins
	ended chan struct{}
	err   error
}

// Start starts the program; its log goes to dir. It is started again after it has ended.
func (p *Process) Start(ctx context.Context, dir string) error {
	p.log = filepath.Join(dir, strings.ReplaceAll(p.Name, " ", "-")+".log")
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("log of %s: %w", p.Name, err)
	}
	defer out.Close() // the process has its own
	if p.from, err = out.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("log of %s: %w", p.Name, err)
	}
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.Args[0], p.Args[1:]...)
	p.cmd.Env = append(os.Environ(), p.Env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	// A Ctrl-C at the terminal is for the one who measures; the processes are stopped in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.ended = make(chan struct{})
	go func() { // ends with the process, which stop ends
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return nil
}

// readyTimeout bounds the start of one process.
const readyTimeout = time.Minute

// Ready waits until the program says that it is ready.
func (p *Process) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !p.isReady(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %s", p.Name, p.said())
		case <-p.ended:
			return p.Alive()
		case <-tick.C:
		}
	}
	return nil
}

func (p *Process) isReady(ctx context.Context) bool {
	if p.Says != "" {
		text, err := os.ReadFile(p.log)
		return err == nil && strings.Contains(string(text[min(p.from, int64(len(text))):]), p.Says)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Admin+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Alive is an error when the program has ended.
func (p *Process) Alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended (%v): %s", p.Name, p.err, p.said())
	default:
		return nil
	}
}

// said is the end of what the process wrote.
func (p *Process) said() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text[max(0, len(text)-1000):]))
}

// Stop asks the program to end and waits; after a while it is killed, which is an error.
func (p *Process) Stop() error {
	select {
	case <-p.ended:
		return p.failure()
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.Name, err)
	}
	timeout := time.NewTimer(readyTimeout)
	defer timeout.Stop()
	select {
	case <-p.ended:
		return p.failure()
	case <-timeout.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end when asked to", p.Name)
	}
}

func (p *Process) failure() error {
	if p.err != nil {
		return fmt.Errorf("%s: %w: %s", p.Name, p.err, p.said())
	}
	return nil
}

// Kill ends the program as kill -9 does, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended
	return nil
}

// Signal sends s to the program: SIGSTOP and SIGCONT among others. A program is frozen with the processes that it started, as the
// embedded ClickHouse is one.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s to %s: %w", s, p.Name, err)
	}
	if s != syscall.SIGSTOP && s != syscall.SIGCONT {
		return nil
	}
	for _, pid := range children(p.cmd.Process.Pid) {
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("%s to a process of %s: %w", s, p.Name, err)
		}
	}
	return nil
}

// children are the processes that a process started, by proc(5).
func children(pid int) (out []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is well formed
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for _, field := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(field); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// FreeAddresses are loopback addresses that were free a moment ago.
func FreeAddresses(n int) (out []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // together, so that they differ
		out = append(out, l.Addr().String())
	}
	return out, nil
}
