package load

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A writer stores batches in their table, under the fence's permit.
type writer struct {
	permit   permit
	readback *readback
	inserter *inserter
	sieve    *sieve
	siblings siblings
	// slots bound how many batches of all partitions are being stored at once.
	slots    *semaphore.Weighted
	pressure *pressure
	monitor  *monitor
	// erasures say what must not be stored.
	erasures *erasure.View
}

// write returns nil when each row of d's batch is stored, buried, or withheld.
func (w *writer) write(work context.Context, d *delivery) error {
	send := w.insertWhole
	if d.batch.letters {
		if err := w.leaveOutRepeats(work, d.batch); err != nil {
			return err
		}
		send = w.complete // dead records are rare: the table is asked each time
	} else {
		d.batch.leaveOutSuperseded()
	}
	if d.replayed || d.batch.lineage.doubtful {
		send = w.complete
	}
	if d.batch.rows.Len() == 0 {
		return nil
	}
	if err := w.slots.Acquire(work, 1); err != nil {
		return err
	}
	defer w.slots.Release(1)
	return w.persist(work, d, send)
}

// insertWhole is the first try of a batch that nobody has tried before.
func (w *writer) insertWhole(work context.Context, d *delivery) error {
	return w.sieve.insert(work, d, 0, 0, d.batch.rows.Len())
}

// persist calls send until the rows are stored or somebody is needed. After a failure the block may be stored all the same, and a long
// time may pass until ClickHouse can be reached, so every further try looks first what is there.
func (w *writer) persist(work context.Context, d *delivery, send func(context.Context, *delivery) error) error {
	backoff := retry.Backoff{First: 100 * time.Millisecond, Last: 15 * time.Second}
	failures := 0
	for {
		err := w.try(work, d, send)
		var passing *passingError
		if !errors.As(err, &passing) {
			if err == nil && failures == 0 {
				w.pressure.eased()
			}
			w.monitor.scale(w.pressure.scale)
			if err == nil {
				w.monitor.progress.Working()
				w.readback.sample(work, d)
			}
			return err
		}
		// Nothing failed: finding the refused rows took longer than a look at the table holds, or somebody was erased meanwhile.
		if errors.Is(err, errStale) || errors.Is(err, errJudgedAnew) {
			send = w.complete
			continue
		}
		// A table that was changed may refuse everything with errors that pass elsewhere.
		if problem := w.sieve.check(work); errors.Is(problem, errOperator) {
			return problem
		}
		// An error of no known class may be about values, too.
		if failures++; failures >= unknownFailures {
			if err := w.sieve.search(work, d, err); err != nil && !errors.As(err, &passing) {
				return err
			}
		}
		w.pressure.felt(err)
		w.failing(d.batch, err)
		if err := backoff.Wait(work); err != nil {
			return err
		}
		send = w.complete
	}
}

// unknownFailures is how often a batch fails with errors that should pass before the values of its rows are looked at.
const unknownFailures = 4

// try stores the rows once: it looks which must not be stored, takes away what they stand for, sends them, and buries those that the table refuses.
func (w *writer) try(work context.Context, d *delivery, send func(context.Context, *delivery) error) error {
	if err := w.obey(work, d); err != nil {
		return err
	}
	if err := w.inserter.replace(work, d.batch); err != nil {
		return err
	}
	if err := send(work, d); err != nil {
		return err
	}
	return w.sieve.judge(work, d)
}

// failing tells of a try that failed.
func (w *writer) failing(b *batch, err error) {
	w.monitor.progress.Failing("the insert into "+b.rows.Table(), clickhouse.Brief(err))
	w.monitor.scale(w.pressure.scale)
	w.monitor.retried("insert")
	w.monitor.log.Warn("cannot insert; trying again", zap.Int("rows", b.rows.Len()), zap.String("token", b.extent.token()), zap.Error(err))
}
