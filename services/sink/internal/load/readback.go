package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A readback asks what the tables hold of one partition.
type readback struct {
	table     holdings
	topic     string
	partition int32
	// blind gives the warning once, for all partitions, that inserts under way cannot be seen.
	blind *sync.Once
	// sampled is when a batch was last read back though ClickHouse had acknowledged it.
	sampled time.Time
	monitor *monitor
}

// holdings is what the tables and their server say of what is stored.
type holdings interface {
	// Held returns the rows of table in span, and maybe others.
	Held(ctx context.Context, table string, span rows.Span) ([]rows.Held, error)
	// Latest returns the last event stored of a raw partition's log, and the highest offset that is stored of it under any epoch.
	Latest(ctx context.Context, topic uuid.UUID, partition int32) (last checkpoint.Source, highest int64, err error)
	// Gone returns how many of the events are no rows.
	Gone(ctx context.Context, ids []uuid.UUID) (int, error)
	// UnderWay counts the inserts of events that the server is busy with and that come from a partition of a topic, whose tokens begin with
	// its name.
	UnderWay(ctx context.Context, tokens string) (int, error)
	// Views counts the materialized views of table; Remembers tells whether table surely knows the token of an insert since block.
	Views(ctx context.Context, table string) (uint64, error)
	Remembers(ctx context.Context, table string, block int64) (bool, error)
}

// held asks which of b's rows are in their table, or in a form of a later epoch.
func (r *readback) held(work context.Context, b *batch) (held, error) {
	there, err := r.rows(work, b)
	if err != nil {
		return held{}, err
	}
	return b.among(there), nil
}

// muster asks what the table has of batches that go into it as one block. It asks for one after the other, and the block may land between two answers: a
// month is torn if it still is in answers to questions that were put after it was first found so.
func (r *readback) muster(work context.Context, batches []*batch) (muster, error) {
	found := make(map[int]bool)
	for {
		m := newMuster(len(batches))
		for i, b := range batches {
			held, err := r.held(work, b)
			if err != nil {
				return m, err
			}
			m.add(i, b, held)
		}
		anew := false
		for _, month := range m.torn() {
			anew = anew || !found[month]
			found[month] = true
		}
		if !anew {
			return m, nil
		}
	}
}

// rows asks for the rows that the table has where b's are, until ClickHouse answers, or somebody is needed.
func (r *readback) rows(work context.Context, b *batch) ([]rows.Held, error) {
	var there []rows.Held
	err := r.ask(work, func() (err error) {
		there, err = r.table.Held(work, b.rows.Table(), b.rows.Span())
		return err
	})
	return there, err
}

// ask asks until ClickHouse answers, ctx ends, or somebody is needed.
func (r *readback) ask(ctx context.Context, question func() error) error {
	passes := func(err error) bool { return clickhouse.Classify(err) == clickhouse.Retriable }
	asking := retry.Policy{First: 100 * time.Millisecond, Last: 15 * time.Second, Passes: passes, Notice: func(err error) { r.monitor.silent("readback", err) }}
	err := asking.Do(ctx, question)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return operator(err)
	}
	return nil
}

// quiet returns nil when no insert of this partition is under way.
func (r *readback) quiet(ctx context.Context) error {
	n, err := r.underWay(ctx)
	switch {
	case err != nil:
		return failed(err)
	case n > 0:
		return &passingError{errUnderWay}
	}
	return nil
}

// errUnderWay means that inserts of this partition that somebody sent before may still land.
var errUnderWay = errors.New("inserts of this partition are under way")

// underWay counts them. A user without the right to see what the server is busy with cannot: nothing but time then speaks for there being
// none, a session at least.
func (r *readback) underWay(ctx context.Context) (int, error) {
	n, err := r.table.UnderWay(ctx, fmt.Sprintf("%s/%%/%d/", r.topic, r.partition))
	if err == nil {
		var joint int
		joint, err = r.table.UnderWay(ctx, fmt.Sprintf("%s/joint/%%,%d,", r.topic, r.partition))
		n += joint
	}
	if clickhouse.Classify(err) == clickhouse.Operator {
		r.blind.Do(func() {
			r.monitor.log.Warn("ClickHouse does not tell which inserts are under way: grant SELECT ON system.processes to the sink's user", zap.Error(err))
		})
		return 0, nil
	}
	return n, err
}

// views counts the materialized views of d's table.
func (r *readback) views(work context.Context, d *delivery) (int64, error) {
	if d.views < 0 {
		n, err := r.table.Views(work, d.batch.rows.Table())
		if err != nil {
			return 0, failed(err)
		}
		d.views = int64(n)
	}
	return d.views, nil
}

// remembers tells whether the table surely knows the token of an insert since block; without the right to ask it is not known.
func (r *readback) remembers(work context.Context, b *batch, block int64) (bool, error) {
	remembers, err := r.table.Remembers(work, b.rows.Table(), block)
	if err != nil && clickhouse.Classify(err) != clickhouse.Operator {
		return false, failed(err)
	}
	return remembers, nil
}
