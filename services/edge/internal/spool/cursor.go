package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A cursor is where draining goes on: everything before it has reached Kafka.
type cursor struct {
	segment, offset int64
}

const cursorName = "cursor"

// save replaces the cursor's file by renaming a new one over it.
func (c cursor) save(dir string) error {
	name := filepath.Join(dir, cursorName)
	text := fmt.Sprintf("%d %d %08x\n", c.segment, c.offset, c.sum())
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the spool's cursor: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write the spool's cursor: %w", err)
	}
	return nil
}

func (c cursor) sum() uint32 { return crcOf(fmt.Sprintf("%d %d", c.segment, c.offset)) }

// loadCursor reads the cursor. Without one, or with one that is torn, draining begins at the oldest entry: what was drained is then
// sent again, under the same event ids.
func loadCursor(dir string) (c cursor, err error) {
	text, err := os.ReadFile(filepath.Join(dir, cursorName))
	if errors.Is(err, os.ErrNotExist) {
		return cursor{}, nil
	}
	if err != nil {
		return cursor{}, fmt.Errorf("read the spool's cursor: %w", err)
	}
	var sum uint32
	if n, _ := fmt.Sscanf(string(text), "%d %d %x\n", &c.segment, &c.offset, &sum); n != 3 || sum != c.sum() {
		return cursor{}, nil
	}
	return c, nil
}
