package spool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// watched is a running sender and what its log says: the states, one a line.
func watched(t *testing.T, k *fakeKafka, dir string) (s *Sender, lines func() []string, end func()) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	l, err := Open(Options{Dir: dir, Bytes: 1 << 30, SegmentBytes: 300}, zap.New(core), prometheus.NewRegistry())
	must(t, err)
	s = NewSender(k, l, "raw", time.Second, zap.New(core))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	lines = func() (out []string) {
		for _, line := range logs.All() {
			if state, told := line.ContextMap()["events"].(string); told {
				out = append(out, state)
			} else {
				out = append(out, line.Message)
			}
		}
		return out
	}
	return s, lines, func() {
		cancel()
		<-done
		shut(t, l)
	}
}

// Kafka is away and the disk takes nothing, for many requests. The log says so once, and nothing of a spool that is drained.
func TestKafkaAwayAndAFailingDiskAreToldAsWhatTheyAre(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "us")
	k := newKafka()
	k.set(errAway)
	s, lines, end := watched(t, k, dir)
	defer end()
	must(t, os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
	for n := range 300 {
		if err := s.SendEach(t.Context(), "raw", []event.Record{record(n)}); !errors.Is(err, intake.ErrDisk) {
			t.Fatalf("got %v", err)
		}
	}
	// Readiness names both, whether something waits in the spool or not.
	if err := s.Check(t.Context(), func(context.Context) error { return errAway }); !errors.Is(err, errAway) || !strings.Contains(err.Error(), dir) {
		t.Errorf("ready, or only one of the two is named: %v", err)
	}
	if got := lines(); len(got) != 1 || got[0] != string(refused) {
		t.Errorf("the log says %q", got)
	}
	k.set(nil)
	still(t, s) // the last one refused has left the empty spool
	send(t, s, 300, 301)
	same(t, states(lines()), states([]string{string(refused), string(direct)}))
	must(t, os.Remove(dir))
	k.set(errAway)
	send(t, s, 302)
	k.set(nil)
	still(t, s)
}

// An outage is told as it goes: spooling, draining, direct.
func TestAnOutageIsToldAsItGoes(t *testing.T) {
	k := newKafka()
	s, lines, end := watched(t, k, t.TempDir())
	defer end()
	send(t, s, 0)
	k.set(errAway)
	send(t, s, upTo(50)...)
	k.set(nil)
	still(t, s)
	send(t, s, 51, 52)
	same(t, states(lines()), states([]string{string(spooling), string(draining), string(direct)}))
}

// A state that comes and goes is told once a minute, however often it changes.
func TestAFlappingKafkaDoesNotFillTheLog(t *testing.T) {
	k := newKafka()
	s, lines, end := watched(t, k, t.TempDir())
	defer end()
	for n := range 100 {
		k.set(errAway)
		send(t, s, n)
		k.set(nil)
		still(t, s)
	}
	if got := lines(); len(got) > 4 {
		t.Errorf("%d lines: %v", len(got), got)
	}
}

// states numbers the lines that tell a state, to compare them.
func states(lines []string) (out []int) {
	for _, line := range lines {
		switch state(line) {
		case direct:
			out = append(out, 1)
		case spooling:
			out = append(out, 2)
		case draining:
			out = append(out, 3)
		case refused:
			out = append(out, 4)
		}
	}
	return out
}

// What waited is stamped with the time at which it is sent; when it came is in its headers.
func TestWhatWaitedIsStampedWhenItIsSent(t *testing.T) {
	k, l := newKafka(), open(t, t.TempDir())
	add(t, l, upTo(3)...) // of 2023
	before := time.Now().UnixMilli()
	s := NewSender(k, l, "raw", time.Second, zap.NewNop())
	defer shut(t, l)
	must(t, s.drain(t.Context()))
	for _, at := range k.times {
		if at < before || at > time.Now().UnixMilli() {
			t.Errorf("stamped %s", time.UnixMilli(at))
		}
	}
	if len(k.times) != 3 {
		t.Errorf("%d records", len(k.times))
	}
}

// Nobody sends anything while Kafka is away: the folder is looked after all the same.
func TestTheFolderIsPutBackThoughNothingComes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "us")
	k := newKafka()
	k.set(errAway)
	s, _, end := watched(t, k, dir)
	defer end()
	send(t, s, 0, 1, 2)
	must(t, os.Rename(dir, dir+".old")) // at once: while files are deleted one by one, some are put back
	deadline := time.Now().Add(20 * time.Second)
	for len(segmentFiles(t, dir)) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("never put back")
		}
		<-time.After(5 * time.Millisecond)
	}
	same(t, afterKill(t, dir), upTo(3))
	k.set(nil)
	still(t, s)
}
