package load

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
)

// permit is what a write needs of the fence: a writer has no way to commit.
type permit interface {
	// confirm returns nil when this member may write now.
	confirm(work context.Context) error
	// halve says in the open intent that parts of its batch may be sent under tokens of their own.
	halve(work context.Context) error
}

// An inserter sends pieces, each once.
type inserter struct {
	table   inserts
	permit  permit
	monitor *monitor
	// erasures say what must not be sent.
	erasures *erasure.View
	// lookHolds is how long an answer of the table's may be relied on.
	lookHolds time.Duration
}

// inserts is what changes a table.
type inserts interface {
	// Insert stores parts, one after the other, as one block under token. It is tried once; after an error the block may be stored all the same.
	Insert(ctx context.Context, statement, token string, parts ...[]clickhouse.Column) error
	// Delete removes the rows of the n raw records up to last that have a lower epoch.
	Delete(ctx context.Context, partition int32, last checkpoint.Source, n int64) error
}

// errStale means that what a read-back said of the deduplication window is too old to repeat an insert on.
var errStale = errors.New("too long since the table was read back")

// insert sends a piece. A *passingError asks for another look and another try, a *refusedError is about rows, or passes for that.
func (i *inserter) insert(work context.Context, d *delivery, p piece) error {
	if p.left > 0 { // its name is not the whole's
		if err := i.halve(work, d); err != nil {
			return err
		}
	}
	if err := i.clear(work, d); err != nil {
		return err
	}
	if !d.looked.IsZero() && time.Since(d.looked) >= i.lookHolds {
		return &passingError{errStale}
	}
	p.at = time.Now()
	d.sent = true
	d.whole = d.whole || p.entire
	err := i.send(work, d.batch.rows.Insert(), p.token, d.batch.columns(p.rows))
	if err == nil {
		d.took = &p
	}
	return err
}

// send inserts parts as one block, once; its errors are insert's.
func (i *inserter) send(work context.Context, statement, token string, parts ...[]clickhouse.Column) error {
	i.monitor.step("inserting")
	sent := time.Now()
	err := i.table.Insert(work, statement, token, parts...)
	if err == nil {
		i.monitor.step("inserted")
		i.monitor.metrics.insertSeconds.Observe(time.Since(sent).Seconds())
		return nil
	}
	class := clickhouse.Classify(err)
	i.monitor.metrics.failures.WithLabelValues(class.String(), clickhouse.Code(err)).Inc()
	switch class {
	case clickhouse.Operator:
		return operator(err)
	case clickhouse.Retriable:
		return &passingError{err}
	}
	return &refusedError{err}
}

// halve records, before the first half is sent, that the whole must not be sent again.
func (i *inserter) halve(work context.Context, d *delivery) error {
	if d.halved {
		return nil
	}
	d.halved = true
	return i.permit.halve(work)
}

// takesAgain tells whether the table takes once more what it took just before: it is under its token still, so that it has no effect but
// to be checked.
func (i *inserter) takesAgain(work context.Context, d *delivery) (bool, error) {
	if d.took == nil || time.Since(d.took.at) >= i.lookHolds {
		return false, nil
	}
	rows := slices.DeleteFunc(slices.Clone(d.took.rows), func(row int) bool { return d.withheld.rows[row] })
	if len(rows) == 0 {
		return false, nil
	}
	err := i.table.Insert(work, d.batch.rows.Insert(), d.took.token, d.batch.columns(rows))
	if err != nil && clickhouse.Classify(err) == clickhouse.Retriable {
		return false, &passingError{err}
	}
	return err == nil, nil
}

// replace deletes the rows of earlier epochs that b's stand for.
func (i *inserter) replace(work context.Context, b *batch) error {
	for _, r := range b.lineage.replaced {
		if err := i.permit.confirm(work); err != nil {
			return err
		}
		i.monitor.step("replacing")
		if err := i.table.Delete(work, r.partition, r.last, r.last.Offset-r.from+1); err != nil {
			return failed(err)
		}
	}
	return nil
}
