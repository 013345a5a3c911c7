package load

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
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

// complete inserts what the table lacks of b's rows. Some may be there because the insert landed, or landed for some months only, or
// because a row was refused and some of the halves landed.
//
// While ClickHouse remembers the tokens that those rows came under, the same inserts are repeated and it drops what it has: that holds
// even against an insert of the dead owner that the server has not finished. Otherwise exactly the missing rows are inserted.
func (p *partition) complete(work context.Context, b *batch) error {
	held, recent, err := p.held(work, b)
	if err != nil {
		return err
	}
	p.step("readback")
	switch {
	case held.none(0, len(held)), recent && b.byMonths(held):
		return p.insertRange(work, b, 0, len(held), b.token())
	case recent:
		return p.completeHalves(work, b, held, 0, len(held))
	}
	missing := held.missing()
	b.keep(missing)
	b.rest += restOf(missing)
	p.log.Info("the deduplication window may have passed: inserting the rows that are missing",
		zap.Int("rows", len(held)), zap.Int("missing", b.rows.Len()), zap.String("token", b.token()))
	if b.rows.Len() == 0 {
		return nil
	}
	return p.insertRange(work, b, 0, b.rows.Len(), b.token())
}

// completeHalves goes down the halves that halve made: those of which nothing landed are inserted under their tokens. The others are not
// tried as a whole: a server that was changed meanwhile might take it, and double them.
func (p *partition) completeHalves(work context.Context, b *batch, held held, from, to int) error {
	switch {
	case held.none(from, to):
		return p.insertRange(work, b, from, to, b.tokenOf(from, to))
	case held.all(from, to):
		return nil
	}
	middle := from + (to-from)/2
	if err := p.completeHalves(work, b, held, from, middle); err != nil {
		return err
	}
	return p.completeHalves(work, b, held, middle, to)
}

// A held tells for each row of a batch whether its table has it.
type held []bool

func (h held) none(from, to int) bool {
	for _, there := range h[from:to] {
		if there {
			return false
		}
	}
	return true
}

func (h held) all(from, to int) bool {
	for _, there := range h[from:to] {
		if !there {
			return false
		}
	}
	return true
}

func (h held) missing() []bool {
	out := make([]bool, len(h))
	for i, there := range h {
		out[i] = !there
	}
	return out
}

// restOf names a choice of rows in a token.
func restOf(which []bool) string {
	sum := fnv.New64a()
	for _, one := range which {
		if one {
			_, _ = sum.Write([]byte{1})
		} else {
			_, _ = sum.Write([]byte{0})
		}
	}
	return fmt.Sprintf("/rest-%x", sum.Sum64())
}

// byMonths tells whether of every month all rows are there or none: so it is after an insert of the whole, of which ClickHouse stores
// each month's part or does not.
func (b *batch) byMonths(held held) bool {
	seen := make(map[int]bool)
	for i, there := range held {
		month := b.rows.Month(i)
		if before, ok := seen[month]; ok && before != there {
			return false
		}
		seen[month] = there
	}
	return true
}

// held asks which of b's rows are in their table, and whether the window remembers all that are.
func (p *partition) held(work context.Context, b *batch) (out held, recent bool, err error) {
	there, err := p.readBack(work, b)
	if err != nil {
		return nil, false, err
	}
	places := make(map[rows.Place]bool, len(there))
	for _, h := range there {
		places[h.Place] = h.Recent
	}
	out, recent = make(held, b.rows.Len()), true
	twins := make(map[any]bool)
	for i := range out {
		fresh, ok := places[b.rows.Place(i)]
		if out[i] = ok; ok {
			recent = recent && fresh
			twins[b.rows.Twin(i)] = true
		}
	}
	if len(twins) == 0 {
		return out, recent, nil
	}
	// Of rows that repeat one event in one insert, the table keeps one.
	for i := range out {
		out[i] = out[i] || twins[b.rows.Twin(i)]
	}
	return out, recent, nil
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
