package erase

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/model"
)

var (
	//go:embed sql/delete.sql
	deleteSQL string
	//go:embed sql/anonymise.sql
	anonymiseSQL string
	//go:embed sql/mutations.sql
	mutationsSQL string
)

// lookEvery is how often it is looked whether the server is done.
const lookEvery = 200 * time.Millisecond

// settle waits until no service stores what the tombstones mean, and what was being stored is.
func (e *Erasure) settle(ctx context.Context) error {
	if err := retry.Pause(ctx, time.Until(e.buried.Add(erasure.Lease))); err != nil {
		return err
	}
	if err := model.InsertsOver(ctx, e.Conn); err != nil {
		return err
	}
	e.Told("enrichers and sinks obey them")
	return nil
}

// clear deletes, or anonymises, until nothing is left.
func (e *Erasure) clear(ctx context.Context) error {
	for again := false; ; again = true {
		events, letters, err := e.left(ctx)
		if err != nil {
			return err
		}
		if !again { // of what was stored since the first look, too
			e.receipt.Events, e.receipt.DeadEvents, e.receipt.Letters = events, letters.rows, len(letters.kept)
		}
		if e.receipt.Left = events + letters.rows; e.receipt.Left == 0 {
			return nil
		}
		if again {
			e.Told(fmt.Sprintf("%d rows are left: once more", e.receipt.Left))
		}
		if err := e.clearLetters(ctx, letters); err != nil {
			return err
		}
		statement := deleteSQL
		if e.Mode == erasure.Anonymise {
			statement = anonymiseSQL
		}
		for _, p := range e.persons {
			if err := e.Conn.Exec(ctx, about(statement), p...); err != nil {
				return fmt.Errorf("change the table events: %w", err)
			}
		}
		if err := e.mutated(ctx); err != nil {
			return err
		}
	}
}

// left returns what is not done: rows of events, and dead letters.
func (e *Erasure) left(ctx context.Context) (events uint64, _ *letters, err error) {
	for _, p := range e.persons {
		rows, hidden, err := e.count(ctx, p)
		switch {
		case err != nil:
			return 0, nil, err
		case e.Mode == erasure.Anonymise:
			rows = hidden
		}
		events += rows
	}
	letters, err := e.letters(ctx)
	return events, letters, err
}

// mutated waits until the server has carried out what this run told it.
func (e *Erasure) mutated(ctx context.Context) error {
	var open uint64
	var parts int64
	var failure string
	for {
		err := e.Conn.Query(ctx, mutationsSQL, func(_ []string, v []any) error {
			open, parts, failure = v[0].(uint64), v[1].(int64), fmt.Sprint(v[2])
			return nil
		}, clickhouse.Named("salt", e.salt))
		if err == nil && open == 0 {
			return nil
		}
		if err == nil {
			err = retry.Pause(ctx, lookEvery)
		}
		switch {
		case err != nil && !over(ctx):
			return fmt.Errorf("look for the mutations: %w", err)
		case err != nil && failure == "":
			failure = "none: are merges stopped, or is the server busy?"
			fallthrough
		case err != nil:
			return fmt.Errorf("%d parts wait for ClickHouse to write them anew (system.mutations; its last failure: %s): %w", parts, failure, err)
		}
	}
}

// over tells whether the time to wait is over. The driver gives up at the context's deadline by itself, which may be a moment before the context has ended.
func over(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(deadline)
}
