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
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/services/local/engines/chdb"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// parentVariable names the folder of a test process that only has an engine.
const parentVariable = "WAYMARK_CHDB_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		if err := parent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// parent has an engine on dir until standard input ends, and prints the engine's pid and native address.
func parent(dir string) error {
	native, web := os.Getenv("NATIVE"), os.Getenv("HTTP")
	cfg, err := config(dir, native, web)
	if err != nil {
		return err
	}
	engine, err := chdb.Start(context.Background(), cfg)
	if err != nil {
		return err
	}
	fmt.Println(engine.Pid(), engine.Native())
	io.Copy(io.Discard, os.Stdin)
	return engine.Stop()
}

// config is that of an engine on dir at free ports, or the given ones.
func config(dir, native, web string) (cfg chdb.Config, err error) {
	cfg.Dir = dir
	if cfg.Library, err = chdb.Find(); err != nil {
		return cfg, err
	}
	if native == "" {
		native, web = "127.0.0.1:0", "127.0.0.1:0"
	}
	if cfg.Native, err = chdb.Take(native); err != nil {
		return cfg, err
	}
	cfg.HTTP, err = chdb.Take(web)
	return cfg, err
}

func mustConfig(t *testing.T, dir string) chdb.Config {
	t.Helper()
	cfg, err := config(dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// a started parent.
type started struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	engine int // pid
	server chdbtest.Server
}

func start(t *testing.T, dir string, env ...string) *started {
	t.Helper()
	s := &started{t: t, cmd: exec.Command(os.Args[0])}
	s.cmd.Env = append(append(os.Environ(), parentVariable+"="+dir), env...)
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdin = stdin
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the parent ended: %v", err)
	}
	pid, address, _ := strings.Cut(strings.TrimSpace(line), " ")
	if s.engine, err = strconv.Atoi(pid); err != nil {
		t.Fatal(err)
	}
	s.server.NativeAddr = address
	return s
}

// stop lets the parent end by itself.
func (s *started) stop() {
	s.stdin.Close()
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the parent ends with %v", err)
	}
}

func (s *started) kill() { s.cmd.Process.Kill(); s.cmd.Wait() }

// gone waits until the engine's process is no more.
func (s *started) gone(within time.Duration) {
	s.t.Helper()
	await(s.t, within, func() bool {
		if errors.Is(syscall.Kill(s.engine, 0), syscall.ESRCH) {
			return true
		}
		// One that nobody waited for is dead, and only its number is left.
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.engine))
		return err == nil && strings.Contains(string(stat), ") Z ")
	}, "the engine is gone")
}

func await(t *testing.T, within time.Duration, ok func() bool, what string) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

func TestEverythingCommittedSurvivesARestartAndAKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when missing")
	want := uint64(0)
	for round, how := range []string{"first", "stopped", "killed", "stopped again"} {
		s := start(t, dir)
		conn := s.server.Connect(t)
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
			s.kill()
		} else {
			s.stop()
		}
		s.gone(10 * time.Second)
	}
}

// Whoever starts again must find folder and ports free, and nothing may be left behind.
func TestTheEngineDiesWithItsParentHoweverThatEnds(t *testing.T) {
	for name, end := range map[string]func(s *started){
		"killed":              func(s *started) { s.kill() },
		"killed while frozen": func(s *started) { syscall.Kill(s.engine, syscall.SIGSTOP); s.kill() },
		"interrupted":         func(s *started) { syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT); s.cmd.Wait() },
		"asked to end":        func(s *started) { s.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := mustConfig(t, dir) // two free ports, given back at once
			native, web := cfg.Native.Addr(), cfg.HTTP.Addr()
			if err := errors.Join(cfg.Native.Close(), cfg.HTTP.Close()); err != nil {
				t.Fatal(err)
			}
			s := start(t, dir, "NATIVE="+native, "HTTP="+web)
			end(s)
			begin := time.Now()
			again := start(t, dir, "NATIVE="+native, "HTTP="+web)
			t.Logf("started again after %s", time.Since(begin))
			s.gone(time.Second)
			if got := count(t, again.server.Connect(t), "SELECT count() FROM numbers(5)"); got != 5 {
				t.Errorf("reads %d", got)
			}
			again.stop()
		})
	}
}

// A terminal sends SIGINT to the whole process group of a program: those who use the engine still have to end.
func TestAnInterruptAtTheTerminalDoesNotReachTheEngine(t *testing.T) {
	s := start(t, t.TempDir())
	group, err := syscall.Getpgid(s.engine)
	if err != nil {
		t.Fatal(err)
	}
	if group == s.cmd.Process.Pid || group != s.engine {
		t.Errorf("the engine is in the process group %d", group)
	}
	s.stop()
	s.gone(time.Second)
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	text, locked, file := filepath.Join(t.TempDir(), "libchdb.so"), t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := errors.Join(os.WriteFile(text, []byte("not a library"), 0o600), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	other := start(t, locked)
	defer other.stop()
	type fault struct {
		change func(cfg *chdb.Config)
		want   string
	}
	faults := map[string]fault{
		"no library":      {func(cfg *chdb.Config) { cfg.Library = filepath.Join(t.TempDir(), "none.so") }, "make libchdb"},
		"no real library": {func(cfg *chdb.Config) { cfg.Library = text }, text},
		"another library": {func(cfg *chdb.Config) { cfg.Library = "/lib/x86_64-linux-gnu/libm.so.6" }, "lacks chdb_query_cmdline"},
		"another process": {func(cfg *chdb.Config) { cfg.Dir = locked }, "in use by another process"},
		"not a directory": {func(cfg *chdb.Config) { cfg.Dir = file }, "not a directory"},
		"wrong users":     {func(cfg *chdb.Config) { cfg.Users = "<clickhouse><users>" }, "ClickHouse does not start"},
		"wrong settings":  {func(cfg *chdb.Config) { cfg.Server = "<broken>" }, "ClickHouse does not start"},
	}
	if full := chdbtest.Disk(t, 10); full != "" {
		faults["full disk"] = fault{func(cfg *chdb.Config) { cfg.Dir = full }, "MiB are free, 64 are needed"}
	}
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			cfg := mustConfig(t, t.TempDir())
			c.change(&cfg)
			engine, err := chdb.Start(within(t, time.Minute), cfg)
			if err == nil {
				engine.Stop()
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, c.want)
			}
			// What failed has let go of its ports.
			for _, address := range []string{cfg.Native.Addr(), cfg.HTTP.Addr()} {
				l, err := net.Listen("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				l.Close()
			}
		})
	}
}

func TestATakenPortIsNotGivenToOthersWhileNoEngineRuns(t *testing.T) {
	engine := chdbtest.Run(t, chdbtest.Options{})
	engine.Kill()
	for range 2000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if a := l.Addr().String(); a == engine.NativeAddr || a == engine.HTTPAddr {
			t.Fatalf("%s was given away", a)
		}
	}
	if _, err := net.Dial("tcp", engine.NativeAddr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a client without an engine gets %v, want a refused connection", err)
	}
	engine.Restart()
	if _, err := chdb.Take(engine.NativeAddr); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the port of a running engine: %v", err)
	}
}

func TestKeepStartsADeadEngineAgain(t *testing.T) {
	engine, err := chdb.Start(within(t, time.Minute), mustConfig(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	server := chdbtest.Server{NativeAddr: engine.Native()}
	conn := server.Connect(t)
	if err := conn.Exec(within(t, time.Minute), "CREATE TABLE t (day Date, n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	if err := insertNumbers(within(t, time.Minute), conn, "t", "", 100); err != nil {
		t.Fatal(err)
	}
	core, logged := observer.New(zapcore.InfoLevel)
	ctx, cancel := context.WithCancel(context.Background())
	kept := make(chan error, 1)
	pid := engine.Pid()
	go func() { kept <- engine.Keep(ctx, zap.New(core)) }()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, 20*time.Second, func() bool {
		var n uint64
		err := conn.QueryRow(within(t, time.Second), "SELECT count() FROM t").Scan(&n)
		return err == nil && n == 100
	}, "100 rows from the new engine")
	if all := logged.All(); len(all) != 1 || all[0].Level != zap.WarnLevel || !strings.Contains(fmt.Sprint(all[0].ContextMap()), "signal: killed") {
		t.Errorf("the log says %v, want one warning with the reason", all)
	}
	cancel()
	if err := <-kept; err != nil {
		t.Error(err)
	}
}

func TestKeepGivesUpAnEngineThatDiesAgainAndAgain(t *testing.T) {
	cfg := mustConfig(t, t.TempDir())
	engine, err := chdb.Start(within(t, time.Minute), cfg)
	if err != nil {
		t.Fatal(err)
	}
	pid := engine.Pid()
	engine.Configure("<clickhouse><users>", "") // what it reads at its next start
	kept := make(chan error, 1)
	go func() { kept <- engine.Keep(within(t, time.Minute), zap.NewNop()) }()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err = <-kept
	if err == nil || !strings.Contains(err.Error(), "died 5 times in a row") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q, want one sentence", err)
	}
	if l, err := net.Listen("tcp", cfg.Native.Addr()); err != nil {
		t.Error(err)
	} else {
		l.Close()
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

// What a port scanner or a browser sends, and a client that resets its connection, must harm nobody.
func TestTheEngineSurvivesClientsThatSpeakSomethingElseOrReset(t *testing.T) {
	server := chdbtest.Start(t)
	conn := server.Open(t)
	for _, address := range []string{server.NativeAddr, server.HTTPAddr} {
		for _, garbage := range []string{"", "GET / HTTP/1.1\r\n\r\n", "\x00", "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x02\x00\x00", strings.Repeat("\x00\x01a", 1000)} {
			for _, reset := range []bool{false, true} {
				c, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(c, garbage)
				if reset {
					c.(*net.TCPConn).SetLinger(0)
				} else {
					c.SetDeadline(time.Now().Add(20 * time.Second))
					c.(*net.TCPConn).CloseWrite()
					if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("after %.20q: %v", garbage, err)
					}
				}
				c.Close()
			}
		}
	}
	if got := count(t, conn, "SELECT count() FROM numbers(5)"); got != 5 {
		t.Errorf("a good client then reads %d", got)
	}
}
