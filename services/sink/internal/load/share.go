package load

import (
	"context"
	"errors"
	"fmt"
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
// First the whole block is sent again. Where it must not be, and the table has the batch, the joint block has landed: only that, or this batch's own fence,
// brings its rows, and before a fence is sent the intent says so. Otherwise the batch gives the block up, for good, and the months that the table has nothing of are
// fenced: their rows are sent under the joint token. If another partition's fence came first, ClickHouse drops them; if not they are stored; and either way the joint
// block can never land in that month any more. So what the table lacks then goes in under the batch's own token.
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
		case errors.As(err, &refused): // by a view, or for rows of anybody's
			if err := w.sieve.ownFault(work, d, rows, refused.err); err != nil || landed {
				return err
			}
		case err != nil:
			return err
		case !sent && landed:
			return w.unsure(work, d, (*monitor).unsure)
		case sent:
			if held, err = w.look(work, d); err != nil {
				return err
			}
			if held.among(rows) == len(rows) {
				return w.agreed(work, d)
			}
		}
	}
	if err := w.inserter.halve(work, d); err != nil {
		return err
	}
	if err := w.unsure(work, d, (*monitor).unsureOfShare); err != nil {
		return err
	}
	if lacking := d.lacking(held); len(lacking) > 0 {
		if err := w.keepOut(work, d, lacking); err != nil {
			return err
		}
		if held, err = w.look(work, d); err != nil {
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

// keepOut sends d's rows of some months under the joint token, as one block: a view takes the first block under a token that it meets, and no other, however
// months are. Rows that the table refuses fence nothing; nor does a joint block land that has them, and none was under way.
func (w *writer) keepOut(work context.Context, d *delivery, months []int) error {
	w.monitor.step("fencing")
	fence := d.piece(0, 0, d.batch.rows.Len())
	fence.rows = slices.DeleteFunc(fence.rows, func(row int) bool { return !slices.Contains(months, d.batch.rows.Month(row)) })
	fence.token, fence.entire = jointToken(d.batch.extent.log.Topic, d.joint), false
	err := w.inserter.insert(work, d, fence)
	var refused *refusedError
	if errors.As(err, &refused) {
		err = w.sieve.ownFault(work, d, fence.rows, refused.err)
	}
	if err != nil {
		return err
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
	beyond, err := w.siblings.agree(work, d.joint, b.extent)
	switch {
	case err != nil:
		return false, &passingError{err}
	case beyond == nil:
		return false, nil
	}
	others, err := w.siblings.again(work, d.joint, b.extent.log.Partition)
	defer w.siblings.release(others)
	switch {
	case errors.Is(err, errChanged):
		w.monitor.log.Info("a joint batch cannot be made again", zap.Error(err))
		return false, nil
	case err != nil && d.patient():
		return false, &passingError{err}
	case err != nil:
		w.monitor.log.Warn("a joint batch cannot be made again for a while", zap.Error(err))
		return false, nil
	}
	batches, parts := make([]*batch, len(others)), make([][]clickhouse.Column, len(others))
	for i, part := range others {
		if part == nil {
			part = b
		} else {
			judged := newDelivery(part)
			if err := judged.withhold(d.withheld.by); err != nil || judged.withheld.any() {
				return false, err
			}
		}
		batches[i], parts[i] = part, part.rows.Columns(0, part.rows.Len())
	}
	d.looked = time.Now()
	there, err := w.readback.muster(work, batches)
	if err != nil || len(there.torn()) > 0 {
		return false, err
	}
	for i, m := range d.joint.Members {
		if there.lacks[i] && beyond[m.Partition] {
			return false, nil // it was stored, and somebody has deleted it since
		}
	}
	if len(there.had) > 0 {
		if remembers, err := w.readback.remembers(work, b, there.block); err != nil || !remembers {
			return false, err
		}
	}
	if err := w.inserter.clear(work, d); err != nil {
		return false, err
	}
	asked := time.Now() // last of all: one that gives it up may fence at once
	if beyond, err := w.siblings.agree(work, d.joint, b.extent); err != nil {
		return false, &passingError{err}
	} else if beyond == nil {
		return false, nil
	}
	if time.Since(asked) >= mostHeld || time.Since(d.looked) >= w.inserter.lookHolds {
		return false, &passingError{errStale}
	}
	w.monitor.step("healing")
	err = w.inserter.send(work, b.rows.Insert(), jointToken(b.extent.log.Topic, d.joint), parts...)
	return err == nil, err
}

// patience is how long the other partitions of a joint batch may not be read before this one goes on without them.
const patience = 30 * time.Second

// patient tells whether to wait for them on.
func (d *delivery) patient() bool {
	if d.unread.IsZero() {
		d.unread = time.Now()
	}
	return time.Since(d.unread) < patience
}

// agreed says that views are unsure when a partition has given up a joint block while it was sent again: its fence may have come to a view first.
func (w *writer) agreed(work context.Context, d *delivery) error {
	switch beyond, err := w.siblings.agree(work, d.joint, d.batch.extent); {
	case err != nil:
		return &passingError{err}
	case beyond == nil:
		return w.unsure(work, d, (*monitor).unsure)
	}
	return nil
}

// unsure says, once, that the table's views may not have what it has of d's batch, if it has any.
func (w *writer) unsure(work context.Context, d *delivery, say func(*monitor, *batch)) error {
	if views, err := w.readback.views(work, d); err != nil || views == 0 {
		return err
	}
	if !d.unsure {
		d.unsure = true
		say(w.monitor, d.batch)
	}
	return nil
}

// siblings read the other partitions' records of a joint batch, which this member need not own.
type siblings struct {
	reader *reader
	group  string
}

// agree tells whether no other partition of a joint batch stores, or has stored, its records in another way: each has its intent open and has not given
// it up, or has gone on beyond it and has given up none since, in the same era. It returns which of them have gone on, and nil where one does not agree.
//
// An era is another one wherever a partition's memory begins anew, and names its batches with all else that they are read from: where that is as it was the
// digest is, too.
func (s siblings) agree(ctx context.Context, of *checkpoint.Joint, own extent) (beyond map[int32]bool, err error) {
	all, err := s.reader.fetcher.Committed(ctx, s.group, own.log.Topic)
	if err != nil {
		return nil, err
	}
	beyond = make(map[int32]bool)
	extents := make([]extent, len(of.Members))
	for i, m := range of.Members {
		e := own
		e.log.Partition = m.Partition
		e.from, e.to = kafka.Position{Offset: m.From}, kafka.Position{Offset: m.To, LeaderEpoch: m.LeaderEpoch}
		if m.Partition != own.log.Partition {
			at := slices.IndexFunc(all, func(c kafka.Commitment) bool { return c.Partition == m.Partition })
			if at < 0 {
				return nil, nil
			}
			offset := all[at].Offset
			state, err := checkpoint.ParseSink(all[at].Metadata, offset)
			open := offset == m.From && state.Joint != nil && state.Joint.Digest == of.Digest && !state.Halved
			beyond[m.Partition] = offset >= m.To && state.Fenced < m.To
			if err != nil || state.Log != own.log.ID || !open && !beyond[m.Partition] {
				return nil, nil
			}
			e.era = state.Era
		}
		extents[i] = e
	}
	if digestOf(extents) != of.Digest {
		return nil, nil
	}
	return beyond, nil
}

// forget tells whether nobody needs to know any more that this partition has given up joint batches that ended at fenced or before: no open intent names one. None ever
// will, since the intents of a joint batch are committed together.
func (s siblings) forget(ctx context.Context, fenced int64) bool {
	all, err := s.reader.fetcher.Committed(ctx, s.group, s.reader.log.Topic)
	return err == nil && !slices.ContainsFunc(all, func(c kafka.Commitment) bool {
		state, err := checkpoint.ParseSink(c.Metadata, c.Offset)
		if err != nil {
			return !errors.Is(err, checkpoint.ErrForeign)
		}
		return state.Joint != nil && slices.ContainsFunc(state.Joint.Members, func(m checkpoint.Member) bool {
			return m.Partition == s.reader.log.Partition && m.To <= fenced
		})
	})
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
