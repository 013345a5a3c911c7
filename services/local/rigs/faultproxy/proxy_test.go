package faultproxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A target echoes what it gets and remembers it.
type target struct {
	net.Listener
	mu  sync.Mutex
	got []byte
}

func (s *target) received() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.got)
}

func (s *target) serve(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		s.mu.Lock()
		s.got = append(s.got, buf[:n]...)
		s.mu.Unlock()
		if err != nil {
			return
		}
		_, _ = conn.Write(buf[:n])
	}
}

func start(t *testing.T) (*target, *Proxy) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &target{Listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	p, err := Listen(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		l.Close()
	})
	return s, p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// say sends text and wants it echoed.
func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("echo of %q is %q, %v", text, got, err)
	}
}

// ended wants the connection's end, whether clean or reset, after exactly what was given.
func ended(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection was not closed")
	}
	if string(got) != want {
		t.Fatalf("before the end came %q, not %q", got, want)
	}
}

func until(t *testing.T, ok func() bool, what string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("never: " + what)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestForwardsEveryByteBothWays(t *testing.T) {
	_, p := start(t)
	conn := dial(t, p)
	sent := bytes.Repeat([]byte("0123456789"), 100_000)
	go conn.Write(sent)
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("the echo of %d bytes differs: %v", len(sent), err)
	}
}

func TestCutClosesOpenConnectionsAndTakesNewOnes(t *testing.T) {
	_, p := start(t)
	first, second := dial(t, p), dial(t, p)
	say(t, first, "a")
	say(t, second, "b")
	if n := p.Cut(); n != 2 {
		t.Errorf("%d connections cut, not 2", n)
	}
	ended(t, first, "")
	ended(t, second, "")
	say(t, dial(t, p), "c")
	if taken, cut := p.Counts(); taken != 3 || cut != 2 {
		t.Errorf("counted %d taken and %d cut, not 3 and 2", taken, cut)
	}
}

func TestRefuseClosesOnlyNewConnections(t *testing.T) {
	_, p := start(t)
	open := dial(t, p)
	say(t, open, "a")
	p.Refuse(true)
	ended(t, dial(t, p), "")
	say(t, open, "b")
	p.Refuse(false)
	say(t, dial(t, p), "c")
}

func TestDelayHoldsEachDirectionBack(t *testing.T) {
	_, p := start(t)
	conn := dial(t, p)
	say(t, conn, "a")
	const delay = 50 * time.Millisecond
	p.Delay(delay)
	started := time.Now()
	say(t, conn, "b")
	if took := time.Since(started); took < 2*delay {
		t.Errorf("there and back took %v, less than twice %v", took, delay)
	}
	p.Delay(time.Hour)
	if _, err := io.WriteString(conn, "c"); err != nil {
		t.Fatal(err)
	}
	p.Delay(0) // frees what is held
	got := make([]byte, 1)
	if _, err := io.ReadFull(conn, got); err != nil || got[0] != 'c' {
		t.Fatalf("after the delay ended came %q, %v", got, err)
	}
}

func TestCutAfterLetsExactlySoManyBytesReachTheTarget(t *testing.T) {
	s, p := start(t)
	p.CutAfter(5)
	for range 2 {
		conn := dial(t, p)
		if _, err := io.WriteString(conn, "hello world"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the connection was not closed")
		}
	}
	until(t, func() bool { return s.received() == "hellohello" }, "the target has the first five bytes of each connection")
}

func TestCutAnswersAfterLetsTheRequestPass(t *testing.T) {
	s, p := start(t)
	p.CutAnswersAfter(3)
	conn := dial(t, p)
	if _, err := io.WriteString(conn, "request"); err != nil {
		t.Fatal(err)
	}
	ended(t, conn, "req")
	if got := s.received(); got != "request" {
		t.Errorf("the target has %q", got)
	}
}

func TestDropAnswersSwallowsThemAndClosesNothing(t *testing.T) {
	s, p := start(t)
	conn := dial(t, p)
	say(t, conn, "a")
	p.DropAnswers(true)
	if _, err := io.WriteString(conn, "b"); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return s.received() == "ab" }, "the request arrives")
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v, of an answer that is swallowed", n, err)
	}
	p.Heal() // a stream with a hole is of no more use
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	ended(t, conn, "")
	say(t, dial(t, p), "c")
}
