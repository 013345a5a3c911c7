package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Open reads what an earlier process left. The last segment may end in a write that was cut off: it was never acknowledged, and is
// cut away. Metrics go to reg.
func Open(o Options, log *zap.Logger, reg prometheus.Registerer) (*Log, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 16 << 20
	}
	if err := makeDir(o.Dir); err != nil {
		return nil, err
	}
	lock, err := take(o.Dir)
	if err != nil {
		return nil, err
	}
	l := &Log{Options: o, log: log, lock: lock}
	if err := l.recover(reg); err != nil {
		for _, s := range l.segments {
			_ = s.file.Close()
		}
		return nil, errors.Join(err, lock.file.Close())
	}
	return l, nil
}

func (l *Log) recover(reg prometheus.Registerer) (err error) {
	if l.metrics, err = newMetrics(reg, l); err != nil {
		return err
	}
	if l.at, err = loadCursor(l.Dir); err != nil {
		return err
	}
	numbers, err := segmentsIn(l.Dir)
	if err != nil {
		return err
	}
	for i, n := range numbers {
		if n < l.at.segment { // drained; its removal failed, or a crash undid it
			if err := os.Remove(filepath.Join(l.Dir, segmentName(n))); err != nil {
				return fmt.Errorf("remove a drained segment of the spool: %w", err)
			}
			continue
		}
		if err := l.reopen(n, i == len(numbers)-1); err != nil {
			return err
		}
	}
	if l.events > 0 {
		l.log.Info("the spool holds events of an earlier run", zap.Int64("events", l.events), zap.Int64("bytes", l.bytes))
	}
	return nil
}

// segmentsIn lists the numbers of a folder's segments, rising.
func segmentsIn(dir string) (numbers []int64, err error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the spool's folder: %w", err)
	}
	for _, entry := range found {
		if n, ok := segmentNumber(entry.Name()); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// maxScan bounds holdsEntry, in bytes: about a second.
const maxScan = 4 << 30

// reopen opens one segment and counts what it holds.
func (l *Log) reopen(number int64, last bool) (err error) {
	f, err := os.OpenFile(filepath.Join(l.Dir, segmentName(number)), os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open a segment of the spool: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	n, err := identify(f, f.Name())
	if err != nil {
		return err
	}
	seg := &segment{named: n, number: number}
	data, err := os.ReadFile(f.Name()) // a segment is some megabytes
	if err != nil {
		return fmt.Errorf("read a segment of the spool: %w", err)
	}
	seg.size = int64(len(data))
	// What was drained is not looked at: nothing may be cut off or written before the cursor, where nobody reads.
	whole, spoilt := int64(0), false
	if number == l.at.segment {
		if whole = l.at.offset; whole > seg.size {
			spoilt = last
			whole = seg.size
		}
	}
	events, length := countEntries(data[whole:])
	whole += length
	// A crash cuts the last write short, and nothing lies behind that. Whole entries after the damage mean another kind of
	// damage, to what was acknowledged: it stays, and is put aside when draining comes to it.
	if last && whole < seg.size && !holdsEntry(data[whole+1:]) {
		l.log.Warn("the spool's last write was cut off before it was acknowledged", zap.Int64("bytes", seg.size-whole))
		l.metrics.torn.Add(float64(seg.size - whole))
		if err := errors.Join(f.Truncate(whole), f.Sync()); err != nil {
			return fmt.Errorf("cut a torn write off the spool: %w", err)
		}
		seg.size = whole
	} else if whole < seg.size {
		spoilt = last
	}
	l.segments = append(l.segments, seg)
	l.spoilt = l.spoilt || spoilt
	l.events += events
	l.bytes += seg.size
	return nil
}

// holdsEntry tells whether a whole entry begins anywhere in data. Garbage is full of lengths that fit, and each costs a checksum: after
// maxScan bytes of them the answer is yes, so that what nobody looked at is put aside rather than cut off.
func holdsEntry(data []byte) bool {
	scanned := int64(0)
	for i := 0; i+entryHeader < len(data); i++ {
		size := binary.BigEndian.Uint32(data[i:])
		if size == 0 || int64(size) > int64(len(data)-i-entryHeader) {
			continue
		}
		if scanned += int64(size); scanned > maxScan {
			return true
		}
		if payload, _, err := checkEntry(data[i:]); err == nil {
			if _, err := decodeEntry(nil, payload); err == nil {
				return true
			}
		}
	}
	return false
}
