package sink

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/sink"
)

// childVariable holds the orders of a process that is a sink rather than these tests.
const childVariable = "SINK_TEST_CHILD"

// orders say what a sink in a process of its own is to do.
type orders struct {
	Broker, ClickHouse, Database string
	// Secret is erasure.secret.
	Secret     string
	Rows       int
	Age        time.Duration
	FetchBytes int
	Joint      bool
	// At the Nth time it comes to step At the process sends itself Signal, after Delay.
	At     string
	Nth    int64
	Signal syscall.Signal
	Delay  time.Duration
}

// This test binary is also the sink that the tests kill: a process of the real code, with a hook at each step.
func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := child(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child runs a sink until it is told to end, or kills itself.
func child(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read orders: %w", err)
	}
	cfg := sink.DefaultConfig()
	cfg.Region, cfg.Kafka.Brokers = region, []string{o.Broker}
	cfg.ClickHouse.Addresses, cfg.ClickHouse.Database = []string{o.ClickHouse}, o.Database
	cfg.Erasure.Secret = config.Secret(o.Secret)
	cfg.Batch.Rows, cfg.Batch.Age, cfg.Batch.FetchBytes, cfg.Batch.FetchWait = o.Rows, o.Age, o.FetchBytes, 20*time.Millisecond
	cfg.Batch.Joint = o.Joint
	cfg.Group.SessionTimeout, cfg.Group.HeartbeatInterval = 6*time.Second, 100*time.Millisecond
	var times atomic.Int64
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx = sink.WithTrace(ctx, func(name string) {
		fmt.Println("step", name)
		if name != o.At || times.Add(1) != o.Nth {
			return
		}
		hit := func() { _ = syscall.Kill(os.Getpid(), o.Signal) }
		if o.Delay > 0 {
			time.AfterFunc(o.Delay, hit)
			return
		}
		hit()
		// A signal takes a moment: the process must not go on meanwhile. A byte comes once it may.
		_, _ = os.Stdin.Read(make([]byte, 1))
	})
	return sink.Run(ctx, cfg, telemetry.Telemetry{Log: zap.Must(zap.NewProduction()), Registry: prometheus.NewRegistry(), Health: new(telemetry.Health)})
}

// A process is a sink in a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{}
	log   strings.Builder // what it wrote to stderr: complete once ended is closed

	mu    sync.Mutex
	steps []string
}

// spawn starts a sink with the house's settings.
func (h *house) spawn(o orders) *process {
	h.t.Helper()
	o.Broker, o.ClickHouse, o.Database = h.cfg.Kafka.Brokers[0], h.cfg.ClickHouse.Addresses[0], h.cfg.ClickHouse.Database
	o.Secret = string(h.cfg.Erasure.Secret)
	o.Rows, o.Age, o.FetchBytes, o.Joint = h.cfg.Batch.Rows, h.cfg.Batch.Age, h.cfg.Batch.FetchBytes, h.cfg.Batch.Joint
	text, err := json.Marshal(o)
	if err != nil {
		h.t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	p := &process{t: h.t, cmd: exec.Command(program), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		h.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.mu.Lock()
			p.steps = append(p.steps, strings.TrimPrefix(lines.Text(), "step "))
			p.mu.Unlock()
		}
		_ = p.cmd.Wait() // ProcessState says how it ended
	}()
	h.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if h.t.Failed() {
			h.t.Logf("steps %v\n%s", p.taken(), p.log.String())
		}
	})
	return p
}

// taken returns the steps so far.
func (p *process) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.steps...)
}

// killed waits until the process has died of a signal.
func (p *process) killed() {
	p.t.Helper()
	kafkatest.Wait(p.t, p.over, "the end of the process; it came to %v", p.taken())
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		p.t.Fatalf("the process ended with %v", p.cmd.ProcessState)
	}
}

// stopped waits until the process is stopped.
func (p *process) stopped() {
	p.t.Helper()
	kafkatest.Wait(p.t, p.isStopped, "a stopped process; it came to %v", p.taken())
}

// isStopped tells whether the process is stopped, as proc(5) shows it.
func (p *process) isStopped() bool {
	p.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "T")
}

// over tells whether the process has ended.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// goOn lets a stopped process run again.
func (p *process) goOn() {
	p.t.Helper()
	p.signal(syscall.SIGCONT)
	if _, err := p.stdin.Write([]byte("\n")); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end asks the process to end, and wants it to end well.
func (p *process) end() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	<-p.ended
	if !p.cmd.ProcessState.Success() {
		p.t.Errorf("the process ended with %v", p.cmd.ProcessState)
	}
}
