package load

import (
	"context"
	"errors"
	"math"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// replay completes the batch of an open intent: it reads the same offsets, makes the same rows, and asks the table which of them it
// has already.
func (p *partition) replay(ctx, work context.Context) error {
	p.metrics.replays.Inc()
	p.log.Info("an intent is open: its batch is completed", zap.Int64("from", p.next.Offset), zap.Int64("to", p.state.Next))
	p.step("replaying")
	b := p.newBatch()
	defer b.release()
	b.halved = p.state.Halved
	if err := p.refetch(ctx, b, kafka.Position{Offset: p.state.Next, LeaderEpoch: p.state.NextLeaderEpoch}); err != nil {
		return err
	}
	b.replayed = true
	p.trace(b)
	return p.insert(work, b)
}

// refetch reads the records up to end into b. Those that retention has deleted meanwhile are lost, and counted: if they had landed they are
// in the table, and the others are completed all the same.
func (p *partition) refetch(ctx context.Context, b *batch, end kafka.Position) error {
	b.to = end
	for p.next.Offset < end.Offset {
		fetched, held, err := p.fetch(ctx, p.Fetch.MaxWait, b)
		if errors.Is(err, errNoMemory) { // the batch was in hand before: it is taken whole
			fetched, held, err = p.fetchAnyway(ctx)
		}
		switch {
		case err != nil:
			return err
		case fetched == nil && p.next.Offset < end.Offset:
			// They were there when the claim began, and a follower that leads now may be about to know them.
			p.log.Warn("waiting for the records of an open intent: the log ends before them", zap.Int64("at", p.next.Offset), zap.Int64("to", end.Offset))
			continue
		case fetched == nil: // nothing of it is left
			return nil
		}
		lost := p.next.Offset >= end.Offset // the log begins at or behind the end
		if err := b.add(fetched, held, end.Offset); err != nil {
			return err
		}
		switch {
		case lost:
		case b.to.Offset < end.Offset:
			p.next = b.to
		default:
			p.next = end
		}
		b.to = end
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
	if b.halved {
		// What the table refused as a whole, and takes now, would not be known from a half that is still under way.
		if err := p.quiet(work); err != nil {
			return err
		}
	}
	b.looked = time.Now()
	held, err := p.held(work, b)
	if err != nil {
		return err
	}
	p.step("readback")
	for row := range b.refused {
		if held.rows[row] {
			delete(b.refused, row)
		}
	}
	n := b.rows.Len()
	if held.among(b.piece(0, 0, n).rows) == 0 {
		return p.insertPiece(work, b, 0, 0, n)
	}
	if heal, err := p.heals(work, b, held); err != nil {
		return err
	} else if heal {
		return p.insertPiece(work, b, 0, 0, n)
	}
	for _, month := range b.months() {
		if err := p.completeMonth(work, b, held, month, 0, n); err != nil {
			return err
		}
	}
	return nil
}

// heals tells whether the whole block is to be sent again under its token though the table has rows of it. The server stores a block in the
// table before it is pushed to the materialized views that hang on it, so a view may lack what the table has; the same block under the same
// token goes into the views that lack it, and the table drops it. But only as long as the table remembers the token, and only if
// nothing of the batch was inserted under another.
func (p *partition) heals(work context.Context, b *batch, held held) (bool, error) {
	if p.claim.Topic == p.DeadTopic || b.doubtful && !b.replayed && !b.sent {
		return false, nil // nothing of it was sent in this era: what is there is of another, and its views' matter
	}
	if views, err := p.views(work, b); err != nil || views == 0 {
		return false, err
	}
	remembers := false
	entire := b.piece(0, 0, b.rows.Len()).left == 0
	if !b.halved && entire && (b.whole || b.replayed && !b.doubtful) {
		var err error
		remembers, err = p.db.Remembers(work, b.rows.Table(), held.block)
		if err != nil && clickhouse.Classify(err) != clickhouse.Operator { // without the right to ask it is not known
			return false, p.failed(err)
		}
	}
	if !remembers {
		p.metrics.unsureViews.Inc()
		p.log.Error("the table has a block that its materialized views may lack, and it cannot be sent again for sure under its token: compare them",
			zap.String("table", b.rows.Table()), zap.Int64("from", b.from.Offset), zap.Int64("to", b.to.Offset))
	}
	return remembers, nil
}

// views counts the materialized views of b's table.
func (p *partition) views(work context.Context, b *batch) (int64, error) {
	if b.views < 0 {
		n, err := p.db.Views(work, b.rows.Table())
		if err != nil {
			return 0, p.failed(err)
		}
		b.views = int64(n)
	}
	return b.views, nil
}

// completeMonth goes down the halves that halve made until one is there as a whole or not at all.
func (p *partition) completeMonth(work context.Context, b *batch, held held, month, from, to int) error {
	rows := b.piece(month, from, to).rows
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
type held struct {
	rows []bool
	// block is the least of the numbers that the table gives to the inserts they came with; 0 when one is not known.
	block int64
}

// among counts the rows that are there.
func (h held) among(rows []int) (n int) {
	for _, i := range rows {
		if h.rows[i] {
			n++
		}
	}
	return n
}

// held asks which of b's rows are in their table, or in a form of a later epoch.
func (p *partition) held(work context.Context, b *batch) (held, error) {
	there, err := p.readBack(work, b)
	if err != nil {
		return held{}, err
	}
	return b.among(there), nil
}

// among tells which of b's rows are among those that the table holds.
func (b *batch) among(there []rows.Held) held {
	type stored struct {
		epoch uint32
		block int64
	}
	places := make(map[rows.Place]stored, len(there))
	for _, h := range there {
		if before, again := places[h.Place.Record()]; !again || h.Place.Epoch > before.epoch {
			places[h.Place.Record()] = stored{h.Place.Epoch, h.Block}
		}
	}
	out := held{rows: make([]bool, b.rows.Len()), block: math.MaxInt64}
	twins := make(map[any]bool)
	for i := range out.rows {
		place := b.rows.Place(i)
		if row, ok := places[place.Record()]; ok && row.epoch >= place.Epoch {
			out.rows[i] = true
			out.block = min(out.block, row.block)
			twins[b.rows.Twin(i)] = true
		}
	}
	if len(twins) == 0 {
		return out
	}
	// Of rows that repeat one event in one insert, the table keeps one.
	for i := range out.rows {
		out.rows[i] = out.rows[i] || twins[b.rows.Twin(i)]
	}
	return out
}

// readBack asks until ClickHouse answers, or somebody is needed.
func (p *partition) readBack(work context.Context, b *batch) ([]rows.Held, error) {
	backoff := retry.Backoff{First: 100 * time.Millisecond, Last: 15 * time.Second}
	for {
		there, err := p.db.Held(work, b.rows.Table(), b.rows.Span())
		if err == nil {
			return there, nil
		}
		if err := p.passing("readback", err); err != nil {
			return nil, err
		}
		if err := backoff.Wait(work); err != nil {
			return nil, err
		}
	}
}
