package store

import (
	"context"
	_ "embed"
	"fmt"
)

//go:embed sql/delete_superseded.sql
var deleteSuperseded string

// Delete removes events of a raw partition with offsets from–to, both included, and an epoch below epoch. It can be repeated. The user
// needs the right to ALTER DELETE, for a re-enrichment only.
func (s *Store) Delete(ctx context.Context, partition int32, from, to int64, epoch uint32) error {
	if err := s.conn.Exec(ctx, deleteSuperseded, partition, from, to, epoch); err != nil {
		return fmt.Errorf("delete what was enriched again: %w", err)
	}
	return nil
}
