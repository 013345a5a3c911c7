package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// programVariable makes this test binary waymark-local.
const programVariable = "WAYMARK_LOCAL_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// A person starts the demo, ClickHouse is killed under it and comes back, and then the person types Ctrl-C.
func TestTheDemoOutlivesItsEngineAndLeavesNothingBehindAtCtrlC(t *testing.T) {
	dir, temporary := t.TempDir(), t.TempDir()
	addresses, err := child.FreeAddresses(6)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], "--data", filepath.Join(dir, "data"), "--demo=200", "--edge", addresses[0], "--kafka", addresses[1],
		"--clickhouse-native", addresses[2], "--clickhouse-http", addresses[3], "--admin", addresses[4], "--console", addresses[5])
	cmd.Env = append(os.Environ(), programVariable+"=1", "TMPDIR="+temporary)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })

	stored := func() int {
		resp, err := http.Post("http://"+addresses[3]+"/", "text/plain", strings.NewReader("SELECT count() FROM waymark_us.events"))
		if err != nil {
			return -1
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return -1
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return -1
		}
		return n
	}
	await := func(ok func() bool, what string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
			select {
			case err := <-ended:
				t.Fatalf("it ended (%v): %s", err, out.String())
			default:
			}
			if time.Now().After(deadline) {
				t.Fatalf("never: %s", what)
			}
		}
	}
	await(func() bool { return stored() > 0 }, "the first rows")
	before, engines := stored(), processesOf(t, dir)
	if len(engines) != 2 || !slices.Contains(engines, cmd.Process.Pid) {
		t.Fatalf("processes %v, want the program %d and its engine", engines, cmd.Process.Pid)
	}
	for _, pid := range engines {
		if pid != cmd.Process.Pid {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	await(func() bool { return stored() > before }, "rows after the engine's death")

	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ends with %v: %s", err, out.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if files, err := os.ReadDir(temporary); err != nil || len(files) > 0 {
		t.Errorf("temporary files are left: %v, %v", files, err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "data", "waymark.log"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(log), "ClickHouse died and is started again"); n != 1 {
		t.Errorf("the log speaks of %d deaths, want the one before Ctrl-C", n)
	}
}

// processesOf are those with dir in their command line.
func processesOf(t *testing.T, dir string) (out []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || !strings.Contains(string(text), dir) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(file, "/proc/%d/cmdline", &pid); err != nil {
			t.Fatal(err)
		}
		out = append(out, pid)
	}
	return out
}
