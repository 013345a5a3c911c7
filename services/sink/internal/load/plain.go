package load

import "context"

// storeAtLeastOnce inserts b and then commits its end: what exactly-once is measured against. A crash between the two doubles b, and
// an error ends the partition.
func (p *partition) storeAtLeastOnce(work context.Context, b *batch) error {
	if n := b.rows.Len(); n > 0 {
		if err := p.inserts.Acquire(work, 1); err != nil {
			return err
		}
		err := p.db.Insert(work, b.rows.Insert(), "", b.rows.Columns(0, n))
		p.inserts.Release(1)
		if err != nil {
			return err
		}
	}
	p.metrics.stored(b)
	return p.commits.Commit(work, b.to.Offset, "")
}
