package spool

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// sized refuses what is more at once than it holds, as a producer does beyond max_buffered_bytes.
type sized struct {
	*fakeKafka
	limit int
}

func (k *sized) SendEach(ctx context.Context, topic string, recs []event.Record) error {
	total := 0
	for i := range recs {
		total += recs[i].Size()
	}
	if total > k.limit {
		return kafka.ErrBufferFull
	}
	return k.fakeKafka.SendEach(ctx, topic, recs)
}

// One request may hold more than the producer's buffer. It must not stand in the way of all that follow.
func TestARequestLargerThanTheProducersBufferIsSentInParts(t *testing.T) {
	k, l := newKafka(), open(t, t.TempDir())
	defer shut(t, l)
	k.large = 33 // in the middle of a part
	s := NewSender(&sized{k, 100}, l, "raw", time.Second, zap.NewNop())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var recs []event.Record
	for n := range 40 {
		recs = append(recs, record(n))
	}
	if err := l.Append(recs); err != nil {
		t.Fatal(err)
	}
	if err := s.drain(ctx); err != nil {
		t.Fatalf("the spool stands still: %v", err)
	}
	same(t, k.taken[key], slices.DeleteFunc(upTo(40), func(n int) bool { return n == k.large }))
	aside, err := filepath.Glob(filepath.Join(l.Dir, "aside", "*"))
	if err != nil || len(aside) != 1 {
		t.Fatalf("put aside: %v, %v", aside, err)
	}
	entry, err := os.ReadFile(aside[0])
	if err != nil || !bytes.Contains(entry, record(k.large).Value) {
		t.Errorf("put aside: %q, %v", entry, err)
	}
}

// What Append takes, Next must be able to read.
func TestAnEntryTooLargeToBeReadAgainIsRefused(t *testing.T) {
	l := open(t, t.TempDir())
	defer shut(t, l)
	rec := record(0)
	rec.Value = make([]byte, maxEntry)
	if err := l.Append([]event.Record{rec}); err == nil {
		t.Error("accepted, and not to be read again")
	}
}

// A client may hang up before Kafka's time is over; its events are not accepted, but the next ones need not wait as well.
func TestClientsWhoHangUpEarlyDoNotKeepTheSpoolShut(t *testing.T) {
	l := open(t, t.TempDir())
	hanging := make(hangs)
	s := NewSender(hanging, l, "raw", 50*time.Millisecond, zap.NewNop())
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	defer func() { end(); <-done; shut(t, l) }()
	for range 20 {
		short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		if err := s.SendEach(short, "raw", []event.Record{record(1)}); err == nil {
			cancel()
			return
		}
		cancel()
	}
	t.Error("Kafka hangs, every client waited in vain, and the spool was never used")
}

// hangs never acknowledges.
type hangs chan struct{}

func (h hangs) SendEach(ctx context.Context, _ string, _ []event.Record) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-h:
		return nil
	}
}

// After kill -9 in an outage, what reached Kafka before the outage is not sent again hours later.
func TestWhereDrainingIsIsNotedWhenKafkaGoesAway(t *testing.T) {
	dir := t.TempDir()
	k, l := newKafka(), open(t, dir)
	big := record(0)
	big.Headers = append(big.Headers, event.Header{Key: "filler", Value: make([]byte, chunkBytes)})
	for range 3 {
		if err := l.Append([]event.Record{big}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	goes := &goesAway{fakeKafka: k, well: 2, thenEnd: cancel}
	l.saved = time.Now() // as while draining: the cursor was noted a moment ago
	s := NewSender(goes, l, "raw", time.Second, zap.NewNop())
	if err := s.drain(ctx); err == nil {
		t.Fatal("drained though Kafka is away")
	}
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil { // what a kill leaves
		t.Fatal(err)
	}
	shut(t, l)
	again := open(t, left)
	defer shut(t, again)
	if got := drain(t, again); len(got) != 1 {
		t.Errorf("%d entries are sent again, want the one that was not acknowledged", len(got))
	}
}

// goesAway takes the first sends and fails the others; at the second failure it ends the test.
type goesAway struct {
	*fakeKafka
	well, sent int
	thenEnd    func()
}

func (k *goesAway) SendEach(ctx context.Context, topic string, recs []event.Record) error {
	if k.sent++; k.sent <= k.well {
		return k.fakeKafka.SendEach(ctx, topic, recs)
	}
	if k.sent > k.well+1 {
		k.thenEnd()
	}
	return errAway
}

// Damage to what was drained must not lead new entries to where nobody reads.
func TestDamageToWhatWasDrainedHidesNothingNew(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, 0, 1)
	size := l.segments[0].size
	data, err := os.ReadFile(lastSegment(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	shut(t, l)
	data[len(data)-1] ^= 1
	if err := os.WriteFile(filepath.Join(dir, segmentName(1)), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (cursor{1, size}).save(dir); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	defer shut(t, l)
	add(t, l, 2)
	same(t, drain(t, l), []int{2})
}

// Whoever looks at the log must see why the spool does not empty.
func TestWhyTheSpoolDoesNotDrainIsLogged(t *testing.T) {
	l := open(t, t.TempDir())
	defer shut(t, l)
	add(t, l, 0)
	core, logs := observer.New(zap.WarnLevel)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := NewSender(&goesAway{fakeKafka: newKafka(), thenEnd: cancel}, l, "raw", time.Second, zap.New(core))
	if err := s.drain(ctx); err == nil {
		t.Fatal("drained though Kafka is away")
	}
	for _, line := range logs.All() {
		for _, f := range line.Context {
			if err, ok := f.Interface.(error); ok && errors.Is(err, errAway) {
				return
			}
		}
	}
	t.Errorf("%d lines, none says why", logs.Len())
}

// A drained segment may still be there: its removal failed, or a crash undid it. Nothing new goes into it, where nobody reads.
func TestADrainedSegmentThatIsStillThereHidesNothingNew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, segmentName(1)), appendEntry(nil, []event.Record{record(0)}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (cursor{3, 100}).save(dir); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	defer shut(t, l)
	add(t, l, 1)
	same(t, drain(t, l), []int{1})
}

// The search for entries behind a torn write ends: garbage that nobody looked through counts as damage, and is put aside.
func TestTheSearchThroughGarbageIsBounded(t *testing.T) {
	garbage := make([]byte, 16<<20)
	if _, err := rand.NewChaCha8([32]byte{}).Read(garbage); err != nil {
		t.Fatal(err)
	}
	if !holdsEntry(garbage) {
		t.Error("all of it was searched")
	}
}

func TestAClosedLogTakesNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	shut(t, l)
	if err := l.Append([]event.Record{record(0)}); !errors.Is(err, intake.ErrDisk) {
		t.Errorf("got %v", err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix)); err != nil || len(names) > 0 {
		t.Errorf("it wrote %v, %v", names, err)
	}
}

// A disk whose fsync fails for an hour must not cost a file, and its descriptor, an attempt.
func TestAFailingFsyncDoesNotPileUpFiles(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	defer shut(t, l)
	for n := range 50 {
		add(t, l, n)
		l.mu.Lock()
		seg := l.segments[len(l.segments)-1]
		l.bytes, l.events = 0, 0
		if err := seg.file.Truncate(0); err != nil { // as segment.write leaves it after a failed sync
			t.Fatal(err)
		}
		seg.size, l.spoilt = 0, true
		l.mu.Unlock()
	}
	if n := len(l.segments); n > 2 {
		t.Errorf("%d files are open after 50 failed syncs", n)
	}
}
