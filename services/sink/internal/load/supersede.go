package load

import (
	"context"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A deliberate re-enrichment sets the enricher back on the raw topic and raises the epoch. What it writes comes after everything stored,
// and each of its rows stands for the row of an earlier epoch from the same raw offset. That one is deleted after the new batch's intent
// and before its insert: a reader misses the events of one batch for a moment, and never sees one twice. Deleting again changes
// nothing, so a replay does it again.

// A replacement is a range of raw offsets, bounds included, whose rows of earlier epochs a batch stands for.
type replacement struct {
	partition int32
	from, to  int64
	epoch     uint32
}

// supersede notes what row stands for. before is the source of the row before it. An offset between the two that makes no row any more,
// because its event is now dead or dropped, is replaced by nothing.
func (b *batch) supersede(row rows.Place, before checkpoint.Source) {
	from := before.Offset + 1
	if row.Epoch > before.Epoch {
		b.superseded = max(b.superseded, before.Offset+1)
		from = row.Offset
	}
	if from >= b.superseded {
		return
	}
	to := min(row.Offset, b.superseded-1)
	if n := len(b.replaced); n > 0 && b.replaced[n-1].epoch == row.Epoch && b.replaced[n-1].to+1 == from {
		b.replaced[n-1].to = to
	} else {
		b.replaced = append(b.replaced, replacement{row.Partition, from, to, row.Epoch})
	}
	if row.Offset+1 >= b.superseded {
		b.superseded = 0
	}
}

// stands tells whether r's batch has a newer row for at, or says that there is none.
func (r replacement) stands(at rows.Place) bool {
	return at.Partition == r.partition && at.Epoch < r.epoch && at.Offset >= r.from && at.Offset <= r.to
}

// leaveOutSuperseded drops rows of the batch that later ones of the same batch stand for.
func (b *batch) leaveOutSuperseded() {
	if len(b.replaced) == 0 {
		return
	}
	kept := make([]bool, b.rows.Len())
	for i := range kept {
		kept[i] = true
		for _, r := range b.replaced {
			kept[i] = kept[i] && !r.stands(b.rows.Place(i))
		}
	}
	b.keep(kept)
}

// deleteSuperseded deletes the rows that b's stand for.
func (p *partition) deleteSuperseded(work context.Context, b *batch) error {
	for _, r := range b.replaced {
		if err := p.confirm(work); err != nil {
			return err
		}
		p.step("replacing")
		switch err := p.db.Delete(work, r.partition, r.from, r.to, r.epoch); {
		case err == nil:
		case clickhouse.Classify(err) == clickhouse.Retriable:
			return &passingError{err}
		default:
			return operator(err)
		}
	}
	return nil
}
