package stream

import (
	"context"
	"fmt"
	"sync"
)

// held remembers the partitions that a bug holds.
type held struct {
	mu      sync.Mutex
	offsets map[int32]int64
}

func (h *held) hold(partition int32, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.offsets == nil {
		h.offsets = map[int32]int64{}
	}
	h.offsets[partition] = offset
}

func (h *held) release(partition int32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.offsets, partition)
}

// check is a readiness check.
func (h *held) check(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for partition, offset := range h.offsets {
		return fmt.Errorf("a bug holds partition %d at offset %d (%d partitions are held)", partition, offset, len(h.offsets))
	}
	return nil
}
