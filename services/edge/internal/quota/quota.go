// Package quota counts events against monthly quotas, and keeps the counts over restarts.
package quota

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"
)

// interval is how often counts that changed are written: a process that is killed forgets so much at most, and lets it pass once more.
const interval = 10 * time.Second

// A Ledger counts events of the current calendar month, UTC. It is safe for concurrent use.
type Ledger struct {
	file string
	log  *zap.Logger

	mu      sync.Mutex
	month   string // 2026-11
	used    map[string]int64
	changed bool
}

// state is the file's content.
type state struct {
	Month string           `json:"month"`
	Used  map[string]int64 `json:"used"`
}

// Open reads file, or begins at nothing where there is none; "" keeps the counts in memory only. What cannot be read is logged and counted
// anew: events are worth more than their count.
func Open(file string, log *zap.Logger) *Ledger {
	l := &Ledger{file: file, log: log, used: make(map[string]int64)}
	if file == "" {
		return l
	}
	text, err := os.ReadFile(file)
	var s state
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		log.Error("the counts for monthly quotas cannot be read; they begin at 0", zap.String("file", file), zap.Error(err))
	case s.Used != nil:
		l.month, l.used = s.Month, s.Used
	}
	return l
}

// Used is what was counted for a name this month.
func (l *Ledger) Used(name string, now time.Time) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	return l.used[name]
}

// Add counts n more.
func (l *Ledger) Add(name string, n int, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	l.used[name] += int64(n)
	l.changed = true
}

// turn begins a new month. A clock that goes back over its beginning does not: the counts of the old one are gone.
func (l *Ledger) turn(now time.Time) {
	if month := now.UTC().Format("2006-01"); month > l.month {
		l.month, l.changed = month, len(l.used) > 0
		clear(l.used)
	}
}

// Ends is when the month of a moment ends.
func Ends(now time.Time) time.Time {
	now = now.UTC()
	return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

// Keep writes what changed until ctx ends.
func (l *Ledger) Keep(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for failed := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := l.Write()
		if err != nil && !failed {
			l.log.Error("the counts for monthly quotas cannot be written; after a restart they begin at what the file has", zap.String("file", l.file), zap.Error(err))
		}
		failed = err != nil
	}
}

// Write writes what changed since the last time: a new file in the old one's place, so that there is always a whole one.
func (l *Ledger) Write() error {
	l.mu.Lock()
	if l.file == "" || !l.changed {
		l.mu.Unlock()
		return nil
	}
	text, err := json.Marshal(state{l.month, l.used})
	l.changed = false
	l.mu.Unlock()
	if err == nil {
		err = replace(l.file, text)
	}
	if err != nil {
		l.mu.Lock()
		l.changed = true
		l.mu.Unlock()
		return fmt.Errorf("write the counts for monthly quotas: %w", err)
	}
	return nil
}

func replace(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
