package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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

// A process is one program under measurement. What it writes goes to a file.
type process struct {
	name  string
	args  []string
	env   []string
	admin string // host:port of /readyz, or
	says  string // what it writes when it is ready

	cmd   *exec.Cmd
	log   string
	ended chan struct{}
	err   error
}

func (p *process) start(ctx context.Context, dir string) error {
	p.log = filepath.Join(dir, strings.ReplaceAll(p.name, " ", "-")+".log")
	out, err := os.Create(p.log)
	if err != nil {
		return fmt.Errorf("log of %s: %w", p.name, err)
	}
	defer out.Close() // the process has its own
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.args[0], p.args[1:]...)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	// A Ctrl-C at the terminal is for the one who measures; the processes are stopped in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
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

func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !p.isReady(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %s", p.name, p.said())
		case <-p.ended:
			return p.alive()
		case <-tick.C:
		}
	}
	return nil
}

func (p *process) isReady(ctx context.Context) bool {
	if p.says != "" {
		text, err := os.ReadFile(p.log)
		return err == nil && strings.Contains(string(text), p.says)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.admin+"/readyz", nil)
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

// alive is an error when the process has ended.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended (%v): %s", p.name, p.err, p.said())
	default:
		return nil
	}
}

// said is the end of what the process wrote.
func (p *process) said() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text[max(0, len(text)-1000):]))
}

// stop asks the process to end and waits; after a while it is killed, which is an error.
func (p *process) stop() error {
	select {
	case <-p.ended:
		return p.failure()
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	timeout := time.NewTimer(readyTimeout)
	defer timeout.Stop()
	select {
	case <-p.ended:
		return p.failure()
	case <-timeout.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end when asked to", p.name)
	}
}

func (p *process) failure() error {
	if p.err != nil {
		return fmt.Errorf("%s: %w: %s", p.name, p.err, p.said())
	}
	return nil
}

// A usage is what a process took so far.
type usage struct {
	cpu     time.Duration
	peak    int64   // resident memory at its highest, bytes
	mallocs float64 // heap objects; 0 for a process without metrics
}

func usages(processes []*process) ([]usage, error) {
	out := make([]usage, len(processes))
	for i, p := range processes {
		var err error
		if out[i], err = p.usage(); err != nil {
			return nil, fmt.Errorf("what %s uses: %w", p.name, err)
		}
	}
	return out, nil
}

// usage reads /proc (proc(5)), so it needs Linux.
func (p *process) usage() (u usage, err error) {
	proc := "/proc/" + strconv.Itoa(p.cmd.Process.Pid)
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return u, err
	}
	// The second field is the name in parentheses and may hold anything; utime and stime are fields 14 and 15, in ticks of 10 ms.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return u, err
	}
	if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
		kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
		if err != nil {
			return u, err
		}
		u.peak = kib << 10
	}
	u.mallocs, err = p.metric("go_memstats_mallocs_total")
	return u, err
}

// metric reads one number without labels from the process's metrics.
func (p *process) metric(name string) (float64, error) {
	if p.admin == "" {
		return 0, nil
	}
	resp, err := http.Get("http://" + p.admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, errors.Join(fmt.Errorf("no metric %s", name), lines.Err())
}

// freeAddresses are loopback addresses that were free a moment ago.
func freeAddresses(n int) (out []string, err error) {
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
