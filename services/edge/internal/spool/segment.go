package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment is one file of the log: entries one after the other, from its first byte on.
type segment struct {
	named
	number int64
	// size is the length of what is durable.
	size int64
}

// A named file is open, and known by a name that may come to mean another file, or none.
type named struct {
	file *os.File
	path string
	is   os.FileInfo
}

// identify remembers which file f is. It closes f on an error.
func identify(f *os.File, path string) (named, error) {
	info, err := f.Stat()
	if err != nil {
		return named{}, errors.Join(fmt.Errorf("look at a file of the spool: %w", err), f.Close())
	}
	return named{file: f, path: path, is: info}, nil
}

// there tells whether the name still means this file. Otherwise it was removed, renamed or replaced, or its folder was, or another file
// system was mounted over it: nobody finds it after a restart.
func (n named) there() bool {
	info, err := os.Lstat(n.path)
	return err == nil && os.SameFile(info, n.is)
}

var (
	// errAstray means that a file, though written and synced, is not where a restart would look for it.
	errAstray = errors.New("the spool's folder or files were taken away")
	// errAltered means that somebody else wrote to a segment, or cut it.
	errAltered = errors.New("a segment of the spool has not the size it was given")
)

const segmentSuffix = ".spool"

func segmentName(number int64) string { return fmt.Sprintf("%016d%s", number, segmentSuffix) }

// segmentNumber reads a file's name; false when it is no segment.
func segmentNumber(name string) (int64, bool) {
	digits, found := strings.CutSuffix(name, segmentSuffix)
	if !found || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0
}

// create makes an empty segment, durably: after a crash the directory knows it.
func create(dir string, number int64) (*segment, error) {
	f, err := os.OpenFile(filepath.Join(dir, segmentName(number)), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a segment of the spool: %w", err)
	}
	if err := syncDir(dir); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	n, err := identify(f, f.Name())
	if err != nil {
		return nil, err
	}
	return &segment{named: n, number: number}, nil
}

// discard deletes a segment and closes it. What has its name but is another file stays, and so does everything in a folder that
// another process may have.
func (l *Log) discard(s *segment) error {
	var removed error
	if s.there() && l.lock.there() {
		removed = os.Remove(s.path)
	}
	closed := s.file.Close()
	if errors.Is(closed, os.ErrClosed) {
		closed = nil
	}
	if err := errors.Join(removed, closed); err != nil {
		return fmt.Errorf("remove a segment of the spool: %w", err)
	}
	return nil
}

// write puts data after what is durable and makes it durable too; size is the caller's to move on. After an error the file is cut
// back. When that fails, or the sync did, nobody knows what the disk has: again is false, and the segment must not be written again. The
// same holds for one that somebody else cut or wrote to: behind a hole nothing could be read.
func (s *segment) write(data []byte) (again bool, err error) {
	if info, err := s.file.Stat(); err != nil || info.Size() != s.size {
		return false, errors.Join(errAltered, err)
	}
	if _, err := s.file.WriteAt(data, s.size); err != nil {
		cut := s.file.Truncate(s.size)
		return cut == nil, fmt.Errorf("write to the spool: %w", errors.Join(err, cut))
	}
	if err := s.file.Sync(); err != nil {
		return false, fmt.Errorf("sync the spool: %w", errors.Join(err, s.file.Truncate(s.size)))
	}
	return true, nil
}

// makeDir makes a folder, and those it lies in, durably.
func makeDir(dir string) error {
	var made []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		made = append(made, at)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the spool's folder: %w", err)
	}
	for _, at := range made {
		if err := syncDir(filepath.Dir(at)); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes created and removed names durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync the spool's folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync the spool's folder: %w", err)
	}
	return nil
}
