package chdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/services/local/chdb"
	"github.com/waymark-events/waymark/services/local/chdb/chdbtest"
)

// childDir names the data directory of a test process that is nothing but a server.
const childDir = "WAYMARK_CHDB_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := serveAlone(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveAlone runs an engine on dir until standard input ends, and prints its native address.
func serveAlone(dir string) error {
	lib, err := chdb.Find()
	if err != nil {
		return err
	}
	engine, err := chdb.Open(lib, dir, zap.NewNop())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- engine.Serve(ctx, listener, nil) }()
	fmt.Println(listener.Addr())
	io.Copy(io.Discard, os.Stdin)
	cancel()
	return errors.Join(<-served, engine.Close())
}

// child starts serveAlone in another process; stop lets it end by itself, kill does not.
func child(t *testing.T, dir string) (server chdbtest.Server, stop, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server process ended: %v", err)
	}
	stop = func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server process ends with %v", err)
		}
	}
	kill = func() { cmd.Process.Kill(); cmd.Wait() }
	return chdbtest.Server{NativeAddr: strings.TrimSpace(addr)}, stop, kill
}

func TestEverythingCommittedSurvivesARestartAndAKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when missing")
	want := uint64(0)
	for round, how := range []string{"first", "stopped", "killed", "stopped again"} {
		server, stop, kill := child(t, dir)
		conn := server.Connect(t)
		if round == 0 {
			for _, ddl := range []string{"CREATE DATABASE kept", "CREATE TABLE kept.t (day Date, n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100"} {
				if err := conn.Exec(within(t, time.Minute), ddl); err != nil {
					t.Fatal(err)
				}
			}
		} else if got := count(t, conn, "SELECT count() FROM kept.t"); got != want {
			t.Errorf("%s: %d rows, want %d", how, got, want)
		}
		for range 2 { // the second is dropped, and so is the next round's of the same token
			if err := insertNumbers(within(t, time.Minute), conn, "kept.t", fmt.Sprint("token", round/2), 100); err != nil {
				t.Fatal(err)
			}
		}
		want = uint64(100 * (round/2 + 1))
		if round == 1 {
			kill()
		} else {
			stop()
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	lib, err := chdb.Find()
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	locked := t.TempDir()
	_, stop, _ := child(t, locked)
	defer stop()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ lib, dir, want string }{
		"no library":      {filepath.Join(t.TempDir(), "none.so"), t.TempDir(), "make libchdb"},
		"no real library": {text, t.TempDir(), text},
		"another process": {lib, locked, "in use by another process"},
		"not a directory": {lib, file, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			engine, err := chdb.Open(c.lib, c.dir, zap.NewNop())
			if err == nil {
				engine.Close()
				t.Fatal("it opens")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, c.want)
			}
		})
	}
	engine, err := chdb.Open(lib, t.TempDir(), zap.NewNop())
	if err != nil {
		t.Fatalf("after all these failures: %v", err)
	}
	defer engine.Close()
	if _, err := chdb.Open(lib, t.TempDir(), zap.NewNop()); err == nil || !strings.Contains(err.Error(), "already runs") {
		t.Errorf("a second engine: %v", err)
	}
}

func TestFindNamesTheCommandThatInstallsTheLibrary(t *testing.T) {
	empty := t.TempDir()
	t.Chdir(empty)
	t.Setenv("LIBCHDB", "")
	if _, err := chdb.Find(empty); err == nil || !strings.Contains(err.Error(), "make libchdb") {
		t.Errorf("error %v does not name `make libchdb`", err)
	}
	path := filepath.Join(empty, "node_modules", "@chdb", "lib-linux-x64-gnu", "libchdb.so")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{empty, filepath.Join(empty, "node_modules"), filepath.Dir(path)} {
		if got, err := chdb.Find(dir); err != nil || got != path {
			t.Errorf("in %s: %s, %v", dir, got, err)
		}
	}
	t.Setenv("LIBCHDB", filepath.Join(empty, "none.so"))
	if _, err := chdb.Find(empty); err == nil || !strings.Contains(err.Error(), "LIBCHDB") {
		t.Errorf("error %v does not name LIBCHDB", err)
	}
}

// libchdb resets the handlers of the runtime; without them this nil dereference would end the process.
func TestTheRuntimeKeepsItsSignalHandlers(t *testing.T) {
	conn := chdbtest.Start(t).Open(t)
	if err := conn.Ping(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nothing to recover from")
			}
		}()
		var opt *clickhouse.Options
		opt.Addr = nil
	}()
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGTERM)
	defer signal.Stop(got)
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got:
	case <-time.After(10 * time.Second):
		t.Error("SIGTERM does not arrive")
	}
}

// What a port scanner or a browser sends to the native port must harm nobody.
func TestNativeSurvivesClientsThatSpeakSomethingElse(t *testing.T) {
	server := chdbtest.Start(t)
	conn := server.Open(t)
	for _, garbage := range []string{"", "GET / HTTP/1.1\r\n\r\n", "\x00", "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x02\x00\x00", strings.Repeat("\x00\x01a", 1000)} {
		c, err := net.Dial("tcp", server.NativeAddr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, garbage)
		c.(*net.TCPConn).CloseWrite()
		if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after %.20q: %v", garbage, err)
		}
		c.Close()
	}
	if got := count(t, conn, "SELECT count() FROM numbers(5)"); got != 5 {
		t.Errorf("a good client then reads %d", got)
	}
}
