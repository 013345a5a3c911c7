package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// completeShare is complete for a batch whose intent names a joint batch that nobody stores as a whole any more: its sink died, lost its partitions,
// or gave it up.
//
// Where the table has the batch the joint block has landed: only that, or this batch's own fence, brings its rows, and before a fence is sent the
// intent says so. Otherwise the months of the batch that the table has nothing of are fenced: their rows are sent under the joint token. If another
// partition's fence came first, ClickHouse drops them; if not they are stored; and either way the joint block can never land in that month any more. So
// what the table lacks then goes in under the batch's own token.
func (w *writer) completeShare(work context.Context, d *delivery) error {
	// A joint block that is seen on its way is waited for: views take it better than a fence.
	if err := w.readback.quiet(work); err != nil {
		return err
	}
	held, err := w.look(work, d)
	if err != nil {
		return err
	}
	n := d.batch.rows.Len()
	rows := d.piece(0, 0, n).rows
	if len(rows) == 0 {
		return nil
	}
	if !d.halved {
		landed := held.among(rows) == len(rows)
		if landed {
			if views, err := w.readback.views(work, d); err != nil || views == 0 {
				return err
			}
		}
		sent, err := w.again(work, d)
		var refused *refusedError
		switch {
		case errors.As(err, &refused) && landed:
			return w.sieve.ownFault(work, d, rows, refused.err)
		case err != nil && refused == nil:
			return err
		case !sent && landed:
			return w.unsure(work, d)
		case sent:
			if held, err = w.look(work, d); err != nil {
				return err
			}
			if held.among(rows) == len(rows) {
				return nil
			}
		}
	}
	lacking := d.lacking(held)
	// What is there of a batch that is not there as a whole may have come in any way, and a view knows one fence of a joint batch.
	unsure := held.among(rows) > 0 || d.joint.SeveralMonths && len(lacking) > 0
	if err := w.inserter.halve(work, d); err != nil {
		return err
	}
	if len(lacking) > 0 {
		if err := w.keepOut(work, d, lacking); err != nil {
			return err
		}
		if held, err = w.look(work, d); err != nil {
			return err
		}
	}
	if unsure {
		if err := w.unsure(work, d); err != nil {
			return err
		}
	}
	if held.among(rows) == 0 {
		return w.sieve.insert(work, d, 0, 0, n)
	}
	for _, month := range d.batch.months() {
		if err := w.completeMonth(work, d, held, month, 0, n); err != nil {
			return err
		}
	}
	return nil
}

// lacking returns the months of which the table has no row that is to be sent.
func (d *delivery) lacking(held held) []int {
	return slices.DeleteFunc(d.batch.months(), func(month int) bool {
		rows := d.piece(month, 0, d.batch.rows.Len()).rows
		return len(rows) == 0 || held.among(rows) > 0
	})
}

// keepOut sends d's rows of some months under the joint token, month by month. Views get what the table takes, and know no token of it: whoever else fences is
// dropped by the table, and stores its own rows for the views, too. Rows that the table refuses fence nothing; nor does a joint block land that has them, and
// none was under way.
func (w *writer) keepOut(work context.Context, d *delivery, months []int) error {
	w.monitor.step("fencing")
	for _, month := range months {
		p := d.piece(month, 0, d.batch.rows.Len())
		p.token, p.entire = jointToken(d.batch.extent.log.Topic, d.joint), false
		err := w.inserter.insert(work, d, p)
		var refused *refusedError
		if errors.As(err, &refused) {
			err = w.sieve.ownFault(work, d, p.rows, refused.err)
		}
		if err != nil {
			return err
		}
	}
	w.monitor.step("fenced")
	return nil
}

// again sends the whole joint block once more, made of the records of all its partitions, under its token: it lands in the table and in each view that lack
// it, once, whoever sends it, however often and however late. false where it must not be sent: records have gone, somebody is to be withheld, or a part of a month
// has come in another way.
func (w *writer) again(work context.Context, d *delivery) (sent bool, err error) {
	b := d.batch
	if d.withheld.any() {
		return false, nil
	}
	others, err := w.siblings.again(work, d.joint, b.extent.log.Partition)
	defer w.siblings.release(others)
	switch {
	case errors.Is(err, errChanged):
		w.monitor.log.Info("a joint batch cannot be made again", zap.Error(err))
		return false, nil
	case err != nil:
		return false, &passingError{err}
	}
	parts := make([][]clickhouse.Column, len(d.joint.Members))
	had, all, block := map[int]int{}, map[int]int{}, int64(math.MaxInt64)
	d.looked = time.Now()
	for i, m := range d.joint.Members {
		part := b
		if m.Partition != b.extent.log.Partition {
			part = others[i]
			judged := newDelivery(part)
			if err := judged.withhold(d.withheld.by); err != nil || judged.withheld.any() {
				return false, err
			}
		}
		held, err := w.readback.held(work, part)
		if err != nil {
			return false, err
		}
		block = min(block, held.block)
		for row, there := range held.rows {
			month := part.rows.Month(row)
			all[month]++
			if there {
				had[month]++
			}
		}
		parts[i] = part.rows.Columns(0, part.rows.Len())
	}
	for month, n := range had {
		if n < all[month] {
			return false, nil
		}
	}
	if len(had) > 0 {
		if remembers, err := w.readback.remembers(work, b, block); err != nil || !remembers {
			return false, err
		}
	}
	if agree, err := w.siblings.agree(work, d.joint, b.extent.log.Partition); err != nil {
		return false, &passingError{err}
	} else if !agree {
		return false, nil
	}
	if err := w.inserter.clear(work, d); err != nil {
		return false, err
	}
	if time.Since(d.looked) >= w.inserter.lookHolds {
		return false, &passingError{errStale}
	}
	w.monitor.step("healing")
	err = w.inserter.send(work, b.rows.Insert(), jointToken(b.extent.log.Topic, d.joint), parts...)
	return err == nil, err
}

// unsure says that the table's views may lack what it has of d's batch, if it has any.
func (w *writer) unsure(work context.Context, d *delivery) error {
	if views, err := w.readback.views(work, d); err != nil || views == 0 {
		return err
	}
	if !d.unsure {
		d.unsure = true
		w.monitor.unsure(d.batch)
	}
	return nil
}

// siblings read the other partitions' records of a joint batch, which this member need not own.
type siblings struct {
	reader *reader
	group  string
}

// agree tells whether every other partition of a joint batch has its intent open and has not given it up, or has gone on beyond it: none of them stores, or
// has stored, its records in another way.
func (s siblings) agree(ctx context.Context, of *checkpoint.Joint, but int32) (bool, error) {
	all, err := s.reader.fetcher.Committed(ctx, s.group, s.reader.log.Topic)
	if err != nil {
		return false, err
	}
	for _, m := range of.Members {
		if m.Partition == but {
			continue
		}
		i := slices.IndexFunc(all, func(c kafka.Commitment) bool { return c.Partition == m.Partition })
		if i < 0 {
			return false, nil
		}
		state, err := checkpoint.ParseSink(all[i].Metadata, all[i].Offset)
		open := err == nil && all[i].Offset == m.From && state.Joint != nil && state.Joint.Digest == of.Digest && !state.Halved
		if beyond := err == nil && all[i].Offset >= m.To; !open && !beyond {
			return false, nil
		}
	}
	return true, nil
}

// again makes the batches of a joint once more, but for that of one partition: where that is, there is nil. Those that were made are returned with an
// error, too: errChanged where one is not as it was, or gone.
func (s siblings) again(ctx context.Context, of *checkpoint.Joint, but int32) ([]*batch, error) {
	out := make([]*batch, len(of.Members))
	for i, m := range of.Members {
		if m.Partition == but {
			continue
		}
		log := s.reader.log
		log.Partition = m.Partition
		out[i] = &batch{extent: extent{log: log, from: kafka.Position{Offset: m.From}}, rows: s.reader.pool.rows.Get().(table), kept: kept{budget: s.reader.budget}}
		if err := s.read(ctx, out[i], m); err != nil {
			return out, fmt.Errorf("partition %d, offsets %d to %d: %w", m.Partition, m.From, m.To-1, err)
		}
	}
	return out, nil
}

// errChanged means that a log does not have the records any more that a batch was made of.
var errChanged = errors.New("its records are not there any more as they were")

// read does not have the log verified, whose own reader may rely on that: the last record's leader epoch tells whether these are the same.
func (s siblings) read(ctx context.Context, b *batch, m checkpoint.Member) error {
	for next := m.From; next < m.To; {
		fetched, err := s.reader.fetcher.Fetch(ctx, b.extent.log, next, s.reader.options)
		switch {
		case err != nil && ctx.Err() == nil && !kafka.Retriable(err):
			return fmt.Errorf("%w: %w", errChanged, err)
		case err != nil:
			return err
		case fetched.Next == next:
			fetched.Release()
			return errChanged
		}
		next = fetched.Next
		if err := b.add(fetched, 0, m.To); err != nil {
			return fmt.Errorf("%w: %w", errChanged, err)
		}
	}
	last := int32(kafka.NoLeaderEpoch)
	if n := len(b.records); n > 0 {
		last = b.records[n-1].leaderEpoch
	}
	if last != m.LeaderEpoch || len(b.rejected)+b.repeated > 0 {
		return errChanged
	}
	return nil
}

// release takes back what again made.
func (s siblings) release(all []*batch) {
	for _, b := range all {
		if b != nil {
			s.reader.release(b)
		}
	}
}
