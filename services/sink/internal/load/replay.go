package load

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// replay completes the batch of an open intent: it reads the same offsets, makes the same rows, and asks the table which of them it
// has already.
func (p *partition) replay(ctx, work context.Context) error {
	p.metrics.replays.Inc()
	p.log.Info("an intent is open: its batch is completed", zap.Int64("from", p.next), zap.Int64("to", p.state.Next))
	p.step("replaying")
	b := p.newBatch(p.next)
	defer b.release()
	if err := p.refetch(ctx, b, p.state.Next); err != nil {
		return err
	}
	return p.insert(work, b, p.complete)
}

// refetch reads the records up to end into b. Those that retention has deleted meanwhile are lost, and counted: if they had landed they are
// in the table, and the others are completed all the same.
func (p *partition) refetch(ctx context.Context, b *batch, end int64) error {
	b.to = end
	for p.next < end {
		fetched, held, err := p.fetch(ctx, p.Fetch.MaxWait, b)
		if errors.Is(err, errNoMemory) { // the batch was in hand before: it is taken whole
			fetched, held, err = p.fetchAnyway(ctx)
		}
		switch {
		case err != nil:
			return err
		case fetched == nil && p.next < end:
			// They were there when the intent was recorded.
			p.log.Warn("waiting for the records of an open intent: the log ends before them", zap.Int64("at", p.next), zap.Int64("to", end))
			continue
		case fetched == nil: // nothing of it is left
			return nil
		}
		lost := p.next >= end // the log begins at or behind the end
		if err := b.add(fetched, held, end); err != nil {
			return err
		}
		b.to = end
		if !lost {
			p.next = min(fetched.Next, end)
		}
	}
	return nil
}

// complete inserts what the table lacks of b's rows. Some may be there because the insert landed; or landed for one month and not for
// the other, since ClickHouse stores each month's part or does not; or because a row was refused and some of the halves landed.
//
// Every piece that is inserted has one name, whoever inserts it and whenever: ClickHouse deduplicates by month and token, and the
// rows of one month in one half of the batch are always the same. So a piece that a dead owner sent, and that the server stores only now,
// is stored once. What the table has is not sent again, so that nothing depends on how long ClickHouse remembers a token.
func (p *partition) complete(work context.Context, b *batch) error {
	if err := p.confirm(work); err != nil {
		return err
	}
	b.looked = time.Now()
	held, err := p.held(work, b)
	if err != nil {
		return err
	}
	p.step("readback")
	if held.among(b.pick(0, 0, len(held))) == 0 {
		return p.insertPiece(work, b, 0, 0, len(held))
	}
	for _, month := range b.months() {
		if err := p.completeMonth(work, b, held, month, 0, len(held)); err != nil {
			return err
		}
	}
	return nil
}

// completeMonth goes down the halves that halve made until one is there as a whole or not at all.
func (p *partition) completeMonth(work context.Context, b *batch, held held, month, from, to int) error {
	rows := b.pick(month, from, to)
	switch held.among(rows) {
	case len(rows):
		return nil
	case 0:
		return p.insertPiece(work, b, month, from, to)
	}
	middle := from + (to-from)/2
	if err := p.completeMonth(work, b, held, month, from, middle); err != nil {
		return err
	}
	return p.completeMonth(work, b, held, month, middle, to)
}

// A held tells for each row of a batch whether its table has it.
type held []bool

// among counts the rows that are there.
func (h held) among(rows []int) (n int) {
	for _, i := range rows {
		if h[i] {
			n++
		}
	}
	return n
}

// held asks which of b's rows are in their table.
func (p *partition) held(work context.Context, b *batch) (held, error) {
	there, err := p.readBack(work, b)
	if err != nil {
		return nil, err
	}
	places := make(map[rows.Place]bool, len(there))
	for _, h := range there {
		places[h.Place] = true
	}
	out := make(held, b.rows.Len())
	twins := make(map[any]bool)
	for i := range out {
		if out[i] = places[b.rows.Place(i)]; out[i] {
			twins[b.rows.Twin(i)] = true
		}
	}
	if len(twins) == 0 {
		return out, nil
	}
	// Of rows that repeat one event in one insert, the table keeps one.
	for i := range out {
		out[i] = out[i] || twins[b.rows.Twin(i)]
	}
	return out, nil
}

// readBack asks until ClickHouse answers, or somebody is needed.
func (p *partition) readBack(work context.Context, b *batch) ([]rows.Held, error) {
	backoff := retry.Backoff{First: 100 * time.Millisecond, Last: 15 * time.Second}
	for {
		there, err := p.db.Held(work, b.rows.Table(), b.rows.Span())
		if err == nil {
			return there, nil
		}
		if clickhouse.Classify(err) != clickhouse.Retriable {
			return nil, operator(err)
		}
		p.metrics.retries.WithLabelValues("readback").Inc()
		p.log.Warn("cannot read back; trying again", zap.Error(err))
		if err := backoff.Wait(work); err != nil {
			return nil, err
		}
	}
}
