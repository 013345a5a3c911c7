package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"
)

// Keep sees to it that what was acknowledged and not drained lies in files that the folder names, in a folder that no other process
// has: where a restart would find it. What was removed, renamed, or hidden by a mount is still readable through the open files, and is
// written anew under the same names. It costs a look at each file.
//
// An error means that this could not be done, or that another process has the folder. Everything can still be drained then; Append
// refuses, and tries to fix it too.
func (l *Log) Keep() error {
	l.disk.Lock()
	defer l.disk.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.keep()
	if err != nil {
		l.failed = err
	}
	return err
}

// keep does it; disk and mu are held. It tells whether there was anything to fix.
func (l *Log) keep() (fixed bool, err error) {
	if l.closed {
		return false, errors.New("the spool is closed")
	}
	ours := l.lock.there()
	var astray []*segment
	cut := false
	for _, s := range l.segments {
		switch info, err := s.file.Stat(); {
		case !s.there():
			astray = append(astray, s)
		case err == nil && info.Size() < s.size:
			cut = true
		}
	}
	if ours && len(astray) == 0 && !cut {
		if _, err := os.Lstat(filepath.Join(l.Dir, cursorName)); errors.Is(err, os.ErrNotExist) && l.at != (cursor{}) {
			l.save() // without it everything would be sent again
		}
		return false, nil
	}
	if !ours {
		if err := l.retake(); err != nil {
			return false, err
		}
	}
	restored, err := l.restore(astray)
	if err != nil {
		return false, err
	}
	if lost := l.accept(); lost > 0 {
		l.metrics.lost.Add(float64(lost))
		l.log.Error("somebody cut the spool's files: accepted events are lost", zap.String("folder", l.Dir), zap.Int64("events", lost))
	}
	l.metrics.restored.Add(float64(restored))
	l.log.Error("the spool's folder, lock or files were taken away or cut under the running edge; what was not sent yet and could still be read was put back",
		zap.String("folder", l.Dir), zap.Int64("events", restored), zap.Int("files", len(astray)), zap.Bool("folder_made_anew", !ours))
	return true, nil
}

// retake makes and locks the folder that the name means now, and takes in what lies there.
func (l *Log) retake() error {
	if err := makeDir(l.Dir); err != nil {
		return err
	}
	lock, err := take(l.Dir)
	if err != nil {
		return err
	}
	if l.lock.file != nil {
		_ = l.lock.file.Close() // of no use any more
	}
	l.lock = lock
	if err := l.takeIn(); err != nil {
		l.lock = named{} // once more from the beginning
		return errors.Join(err, lock.file.Close())
	}
	return nil
}

// takeIn takes in a spool that the folder holds already, for instance on a disk that was mounted late: its segments are put behind this
// log's, all of them to be sent.
func (l *Log) takeIn() error {
	numbers, err := segmentsIn(l.Dir)
	if err != nil {
		return err
	}
	last := l.at.segment
	for _, s := range l.segments {
		last = max(last, s.number)
		if s.there() {
			numbers = slices.DeleteFunc(numbers, func(n int64) bool { return n == s.number })
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	// Its cursor goes first: it could make a restart take this log's segments for drained.
	if err := os.Remove(filepath.Join(l.Dir, cursorName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the cursor of a spool that is taken in: %w", err)
	}
	before := l.events
	last = max(last, numbers[len(numbers)-1])
	for i, n := range numbers {
		last++
		if err := os.Rename(filepath.Join(l.Dir, segmentName(n)), filepath.Join(l.Dir, segmentName(last))); err != nil {
			return fmt.Errorf("take a spool in: %w", err)
		}
		if err := l.reopen(last, i == len(numbers)-1); err != nil {
			return err
		}
	}
	l.spoilt = true
	l.log.Warn("the spool's folder holds a spool of another run: it is sent too", zap.String("folder", l.Dir), zap.Int64("events", l.events-before))
	return nil
}

// restore writes segments anew under their names, so that cursor and order stay what they are, and returns how many events of them
// wait. What was drained is let go.
func (l *Log) restore(astray []*segment) (events int64, err error) {
	for _, s := range astray {
		from := int64(0)
		if s.number <= l.at.segment {
			from = min(l.at.offset, s.size)
		}
		if s.number < l.at.segment || s.size == from {
			l.segments = slices.DeleteFunc(l.segments, func(other *segment) bool { return other == s })
			l.bytes -= s.size
			_ = s.file.Close() // nothing of it is needed
			continue
		}
		if err := l.rewrite(s); err != nil {
			return 0, err
		}
		n, err := s.count(from)
		if err != nil {
			return 0, err
		}
		events += n
	}
	if err := l.at.save(l.Dir); err != nil {
		return 0, err
	}
	return events, syncDir(l.Dir)
}

// rewrite copies a segment's open file to a new one of its name. Another file of that name is put aside.
func (l *Log) rewrite(s *segment) error {
	path := filepath.Join(l.Dir, segmentName(s.number))
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("write a segment of the spool anew: %w", err)
	}
	_, err = io.Copy(f, io.NewSectionReader(s.file, 0, s.size))
	if err = errors.Join(err, f.Sync()); err == nil {
		err = l.makeWay(path)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write a segment of the spool anew: %w", errors.Join(err, f.Close(), os.Remove(f.Name())))
	}
	n, err := identify(f, path)
	if err != nil {
		return err
	}
	_ = s.file.Close() // read only, just now
	s.named = n
	return nil
}

// makeWay moves whatever has a segment's name aside.
func (l *Log) makeWay(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	aside := filepath.Join(l.Dir, "aside")
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(aside, fmt.Sprintf("replaced-%s-%d", filepath.Base(path), time.Now().UnixNano())))
}

// accept takes the segments as long as they are, where they were cut, and returns how many events are gone.
func (l *Log) accept() (lost int64) {
	cut := false
	for i, s := range l.segments {
		info, err := s.file.Stat()
		if err != nil || info.Size() >= s.size {
			continue
		}
		cut = true
		l.bytes -= s.size - info.Size()
		s.size = info.Size()
		l.spoilt = l.spoilt || i == len(l.segments)-1
	}
	if !cut {
		return 0
	}
	left := int64(0)
	for _, s := range l.segments {
		from := int64(0)
		if s.number == l.at.segment {
			from = l.at.offset
		}
		n, err := s.count(from)
		if err != nil {
			l.log.Error("a segment of the spool cannot be counted", zap.Error(err))
		}
		left += n
	}
	lost = max(0, l.events-left)
	l.events = left
	return lost
}

// count counts the events of a segment's whole entries from an offset on.
func (s *segment) count(from int64) (int64, error) {
	if from >= s.size {
		return 0, nil
	}
	data := make([]byte, s.size-from)
	if _, err := s.file.ReadAt(data, from); err != nil {
		return 0, fmt.Errorf("read a segment of the spool: %w", err)
	}
	events, _ := countEntries(data)
	return events, nil
}
