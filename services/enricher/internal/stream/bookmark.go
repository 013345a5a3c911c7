package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// committer records an offset and metadata under a generation, as *kafka.Claim does.
type committer interface {
	Commit(ctx context.Context, offset int64, metadata string) error
}

// A bookmark is how far a claim's group has come. It alone commits.
type bookmark struct {
	commits committer
	monitor *monitor
	// offset is the last one that is known to be committed, -1 for none, and at what was committed beside it. Reports name the offset while
	// another goroutine commits.
	offset  atomic.Int64
	at      checkpoint.Enricher
	foreign bool // at is another tool's
}

// newBookmark takes what was committed when the partition was claimed.
func newBookmark(assigned *kafka.Claim, commits committer, m *monitor) (*bookmark, error) {
	at, err := checkpoint.ParseEnricher(assigned.Metadata)
	foreign := errors.Is(err, checkpoint.ErrForeign)
	if err != nil && !foreign {
		return nil, fmt.Errorf("offset %d: %w", assigned.Offset, err)
	}
	k := &bookmark{commits: commits, monitor: m, at: at, foreign: foreign}
	k.offset.Store(assigned.Offset)
	return k, nil
}

// move commits that everything before offset is settled on the log that at names.
func (k *bookmark) move(ctx context.Context, offset int64, at checkpoint.Enricher) error {
	err := persist(ctx, k.monitor.retrying("commit"), func() error { return k.commits.Commit(ctx, offset, at.String()) })
	if err != nil {
		return err
	}
	k.offset.Store(offset)
	k.at, k.foreign = at, false
	return nil
}
