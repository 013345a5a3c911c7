package store

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/waymark-events/waymark/pkg/checkpoint"
)

//go:embed sql/delete_superseded.sql
var deleteSuperseded string

// Delete removes the rows of a raw partition's records with offsets from last.Offset-n+1 to last.Offset, appended under last's leader epoch,
// and enriched under an epoch below last's. It can be repeated. The user needs the right to ALTER DELETE, for a re-enrichment only.
func (s *Store) Delete(ctx context.Context, partition int32, last checkpoint.Source, n int64) error {
	err := s.conn.Exec(ctx, deleteSuperseded, last.Topic.String(), partition, last.LeaderEpoch, last.Offset-n+1, last.Offset, last.Epoch)
	if err != nil {
		return fmt.Errorf("delete what was enriched again: %w", err)
	}
	return nil
}
