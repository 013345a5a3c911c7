package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// Options say where a log is and how large it may become.
type Options struct {
	// Dir is the log's own folder, made when missing. One process has it at a time.
	Dir string
	// Bytes bounds the log's files.
	Bytes int64
	// SegmentBytes is the size at which a new file is begun. Default 16 MiB.
	SegmentBytes int64
}

// A Log is an append-only log of records on disk, read from its front. It is safe for concurrent use; Next and Done are for one
// reader.
type Log struct {
	Options
	log     *zap.Logger
	metrics *metrics

	// disk is held while files are written or put back, before mu.
	disk sync.Mutex
	lock named

	mu sync.Mutex
	// segments are the files, oldest first; the last one is written to, unless it is spoilt.
	segments []*segment
	spoilt   bool
	// bytes are durable, events of them not yet drained.
	bytes, events int64
	// failed is why the last records were refused, nil once some were taken or a segment was drained.
	failed error

	at    cursor
	saved time.Time
	// complained is when the log was last told that the cursor cannot be saved.
	complained time.Time

	// pending is what the next flush writes, for those who wait for it.
	pending       []byte
	pendingEvents int64
	waiting       []*waiter
	flushing      int64 // bytes being written
	busy          bool  // somebody writes
	closed        bool
}

// A waiter is a call of Append waiting for its bytes to be durable, or to be the one who writes.
type waiter struct {
	done chan error
	lead chan struct{}
}

// Append stores recs, all of them or none. nil means that they are on disk, fsynced. Callers that come while another one writes share
// the next write and its fsync.
//
// Errors: intake.ErrFull; intake.ErrDisk. Nothing of recs is kept then, except that after a crash at that very moment some may be read all the same.
func (l *Log) Append(recs []event.Record) error {
	for i := range recs {
		if size := recs[i].Size(); size > maxEntry/2 {
			return fmt.Errorf("a record of %d bytes is too large for the spool", size)
		}
	}
	entry := appendEntries(recs)

	l.mu.Lock()
	if l.bytes+l.flushing+int64(len(l.pending)+len(entry)) > l.Bytes {
		l.failed = fmt.Errorf("%w: %d of %d bytes", intake.ErrFull, l.bytes, l.Bytes)
		l.mu.Unlock()
		l.metrics.refused.WithLabelValues("full").Add(float64(len(recs)))
		return intake.ErrFull
	}
	l.pending = append(l.pending, entry...)
	l.pendingEvents += int64(len(recs))
	t := &waiter{done: make(chan error, 1), lead: make(chan struct{}, 1)}
	l.waiting = append(l.waiting, t)
	if !l.busy {
		l.busy = true
		t.lead <- struct{}{}
	}
	l.mu.Unlock()

	var err error
	select {
	case err = <-t.done:
	case <-t.lead:
		l.flush()
		err = <-t.done
	}
	if err != nil {
		l.metrics.refused.WithLabelValues("disk").Add(float64(len(recs)))
		return fmt.Errorf("%w: %w", intake.ErrDisk, err)
	}
	l.metrics.appended.Add(float64(len(recs)))
	return nil
}

// flush writes what is pending and answers those who wait for it; one of those who came meanwhile writes next.
func (l *Log) flush() {
	l.disk.Lock()
	defer l.disk.Unlock()
	l.mu.Lock()
	data, events, served := l.pending, l.pendingEvents, l.waiting
	l.pending, l.pendingEvents, l.waiting = nil, 0, nil
	l.flushing = int64(len(data))
	l.mu.Unlock()

	seg, err := l.store(data)
	if err != nil {
		if again, why := l.fix(err); again {
			seg, err = l.store(data)
		} else {
			err = errors.Join(err, why)
		}
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	l.flushing = 0
	l.failed = err
	if err == nil {
		seg.size += int64(len(data))
		l.bytes += int64(len(data))
		l.events += events
	}
	for _, t := range served {
		t.done <- err
	}
	if len(l.waiting) > 0 {
		l.waiting[0].lead <- struct{}{}
	} else {
		l.busy = false
	}
}

// store writes data durably to a segment that the folder names, in a folder that is this process's. The segment's size is the caller's
// to move on: until then the data counts as not written.
func (l *Log) store(data []byte) (*segment, error) {
	if !l.lock.there() { // whoever has it now must not find our bytes among theirs
		return nil, errAstray
	}
	l.mu.Lock()
	seg, err := l.writable()
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	started := time.Now()
	again, err := seg.write(data)
	l.metrics.syncs.Inc()
	l.metrics.syncSeconds.Observe(time.Since(started).Seconds())
	if err == nil && !(seg.there() && l.lock.there()) {
		again, err = false, errAstray
	}
	if !again {
		l.mu.Lock()
		l.spoilt = true
		l.mu.Unlock()
	}
	return seg, err
}

// fix tells whether it is worth while to store again what failed with why: files were put back, or another file is written to. The
// error is why they could not be put back.
func (l *Log) fix(why error) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fixed, err := l.keep()
	return err == nil && (fixed || errors.Is(why, errAltered)), err
}

// writable returns the segment to write to, beginning a new one when the last is full or spoilt.
func (l *Log) writable() (*segment, error) {
	if l.closed {
		return nil, errors.New("the spool is closed")
	}
	if n := len(l.segments); n > 0 && !l.spoilt && l.segments[n-1].size < l.SegmentBytes {
		return l.segments[n-1], nil
	}
	// A spoilt one that holds nothing goes: a disk that fails for an hour must not cost a file an attempt.
	if n := len(l.segments); n > 0 && l.segments[n-1].size == 0 {
		if err := l.discard(l.segments[n-1]); err != nil {
			return nil, err
		}
		l.segments = l.segments[:n-1]
	}
	number := l.at.segment + 1 // behind the cursor nothing is read
	if n := len(l.segments); n > 0 {
		number = max(number, l.segments[n-1].number+1)
	}
	seg, err := create(l.Dir, number)
	if err != nil {
		return nil, err
	}
	l.segments, l.spoilt = append(l.segments, seg), false
	return seg, nil
}

// Empty tells whether everything was drained.
func (l *Log) Empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.drained()
}

func (l *Log) drained() bool {
	for _, s := range l.segments {
		if s.number > l.at.segment && s.size > 0 || s.number == l.at.segment && s.size > l.at.offset {
			return false
		}
	}
	return true
}

// Check returns why records were refused last; nil when they were taken, or there is room again.
func (l *Log) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// Close saves where draining is and closes the files. Draining must have ended; an Append that comes later fails.
func (l *Log) Close() error {
	l.disk.Lock()
	defer l.disk.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	var errs []error
	if l.lock.there() { // otherwise another process may have the folder
		errs = append(errs, l.at.save(l.Dir))
	}
	for _, s := range l.segments {
		errs = append(errs, s.file.Close())
	}
	l.segments = nil
	if l.lock.file != nil {
		errs = append(errs, l.lock.file.Close())
	}
	return errors.Join(errs...)
}

// take locks the folder for this process; it is free again when the file is closed or the process is gone.
func take(dir string) (named, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return named{}, fmt.Errorf("lock the spool's folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return named{}, fmt.Errorf("the spool's folder %s is in use by another process: each edge needs one of its own", dir)
		}
		return named{}, fmt.Errorf("lock the spool's folder %s: %w", dir, err)
	}
	return identify(f, f.Name())
}
