package chdb

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
)

// A process is one run of the engine.
type process struct {
	cmd      *exec.Cmd
	life     *os.File // its end is the engine's
	terminal *os.File // where somebody could type
	said     *tail
	ended    chan struct{}
	err      error // once ended is closed
}

// spawn starts this program again as the engine.
func spawn(cfg Config, lock *os.File) (*process, error) {
	program, err := self()
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	terminal, keyboard, err := pty.Open()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a terminal: %w", err), ours.Close())
	}
	defer keyboard.Close()
	p := &process{cmd: exec.Command(program), life: ours, terminal: terminal, said: new(tail), ended: make(chan struct{})}
	p.cmd.Args = cfg.args()
	p.cmd.Env = environment(cfg)
	p.cmd.Dir = cfg.Dir
	p.cmd.Stdin, p.cmd.Stderr = keyboard, p.said
	p.cmd.ExtraFiles = []*os.File{lifeline - 3: theirs, folder - 3: lock}
	p.cmd.SysProcAttr = apart()
	started := make(chan error)
	go func() { // ends with the process, which kill and stop wait for
		// The child dies with the thread that made it, not with the process: the thread must stay this goroutine's.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		p.release()
		return nil, err
	}
	return p, nil
}

// self is this program, also after its file was replaced or removed.
func self() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// environment is what the engine needs: others of this process's variables would be settings of a ClickHouse client.
func environment(cfg Config) []string {
	// The runtime's signals for preemption would meet ClickHouse's threads.
	env := []string{libraryVariable + "=" + cfg.Library, "HOME=" + cfg.Dir, "TERM=dumb", "GODEBUG=asyncpreemptoff=1"}
	for _, name := range []string{"PATH", "TZ", "TZDIR", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// stopTimeout is how long the engine may take to end in order. It waits for its clients to leave, up to 5 s; what it has promised
// them is on disk already.
const stopTimeout = 2 * time.Second

// stop asks the engine to end and waits; an engine that does not is killed.
func (p *process) stop() {
	_, _ = p.terminal.WriteString("exit\n") // an engine that is gone has ended
	timeout := time.NewTimer(stopTimeout)
	defer timeout.Stop()
	select {
	case <-p.ended:
	case <-timeout.C:
	}
	p.kill()
}

// kill ends the engine and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // one that is gone is what is wanted
	<-p.ended
	p.release()
}

func (p *process) release() {
	p.life.Close()
	p.terminal.Close()
}

// failure says in one sentence how the process ended.
func (p *process) failure(what string) error {
	p.release()
	if p.cmd.ProcessState.ExitCode() == cannotStart {
		return errors.New(p.said.last())
	}
	return p.because(fmt.Errorf("%s: %w", what, cmp.Or(p.err, errors.New("it ended with status 0"))))
}

// because adds what ClickHouse said of an exception.
func (p *process) because(err error) error {
	if exception := p.said.exception(); exception != "" {
		return fmt.Errorf("%w: %s", err, exception)
	}
	return err
}

// A tail keeps the end of what was written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailBytes is enough for an exception with its stack trace.
const tailBytes = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// last is the last line.
func (t *tail) last() string {
	lines := strings.Split(strings.TrimSpace(t.String()), "\n")
	return lines[len(lines)-1]
}

// exception is the first line of the first exception.
func (t *tail) exception() string {
	_, after, found := strings.Cut(t.String(), "DB::Exception: ")
	if !found {
		return ""
	}
	line, _, _ := strings.Cut(after, "\n")
	line, _, _ = strings.Cut(line, ", Stack trace")
	return strings.TrimSpace(line)
}
