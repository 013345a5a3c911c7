package load

import "context"

// storeAtLeastOnce inserts b and then commits its end: what exactly-once is measured against. It
// knows of no erasures. A crash between the two doubles b, and
// an error ends the partition.
func (p *partition) storeAtLeastOnce(work context.Context, b *batch) error {
	if err := p.writer.writeUnnamed(work, b); err != nil {
		return err
	}
	p.monitor.inserted(b.rows.Len(), b.kept.bytes)
	p.monitor.stored(b, 0)
	return p.fence.acknowledge(work, b.extent.to.Offset)
}

// writeUnnamed inserts b once, without a token.
func (w *writer) writeUnnamed(work context.Context, b *batch) error {
	n := b.rows.Len()
	if n == 0 {
		return nil
	}
	if err := w.slots.Acquire(work, 1); err != nil {
		return err
	}
	defer w.slots.Release(1)
	return w.inserter.table.Insert(work, b.rows.Insert(), "", b.rows.Columns(0, n))
}

// acknowledge commits an offset without a memory, once.
func (f *fence) acknowledge(work context.Context, offset int64) error {
	return f.commits.Commit(work, offset, "")
}
