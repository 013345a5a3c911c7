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
	number int64
	file   *os.File
	// size is the length of what is durable.
	size int64
}

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
	return &segment{number: number, file: f}, nil
}

// remove deletes a segment. It may be called again after an error.
func (s *segment) remove() error {
	if err := os.Remove(s.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove a segment of the spool: %w", err)
	}
	if err := s.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close a segment of the spool: %w", err)
	}
	return nil
}

// write puts data after what is durable and makes it durable too; size is the caller's to move on. After an error the file is cut
// back. When that fails, or the sync did, nobody knows what the disk has: again is false, and the segment must not be written again.
func (s *segment) write(data []byte) (again bool, err error) {
	if _, err := s.file.WriteAt(data, s.size); err != nil {
		cut := s.file.Truncate(s.size)
		return cut == nil, fmt.Errorf("write to the spool: %w", errors.Join(err, cut))
	}
	if err := s.file.Sync(); err != nil {
		return false, fmt.Errorf("sync the spool: %w", errors.Join(err, s.file.Truncate(s.size)))
	}
	return true, nil
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
